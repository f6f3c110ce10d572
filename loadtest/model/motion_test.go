package model

import (
	"math"
	"testing"
	"time"

	"earshot"
)

func TestClipsAreOfAPerson(t *testing.T) {
	if n := len(clips()); n != 2 {
		t.Fatalf("%d clips, want 2", n)
	}
	for i, c := range clips() {
		var up, apart float64
		for f := range c.frames() {
			head, left, right := c.stored(f, 0), c.stored(f, 1), c.stored(f, 2)
			for name, j := range map[string]earshot.Transform{"head": head, "left hand": left, "right hand": right} {
				p := j.Position
				if math.Abs(float64(p.X)) > 1 || math.Abs(float64(p.Z)) > 1 || p.Y < 0.3 || p.Y > 2.2 {
					t.Fatalf("clip %d, frame %d: %s at %v", i, f, name, p)
				}
				q := j.Rotation
				if n := q.X*q.X + q.Y*q.Y + q.Z*q.Z + q.W*q.W; math.Abs(float64(n)-1) > 1e-4 {
					t.Fatalf("clip %d, frame %d: %s has rotation %v", i, f, name, q)
				}
			}
			up += float64(head.Position.Y)
			apart += float64(right.Position.X - left.Position.X)
		}
		if mean := up / float64(c.frames()); mean < 1.25 || mean > 1.75 {
			t.Errorf("clip %d: the head is %.2f m high on average", i, mean)
		}
		if mean := apart / float64(c.frames()); mean < 0.1 {
			t.Errorf("clip %d: the right hand is %.2f m right of the left on average", i, mean)
		}
	}
}

func TestClipsLookAheadAndMove(t *testing.T) {
	for i, c := range clips() {
		ahead := 0.0
		moved := 0.0
		for f := range c.frames() {
			look := c.stored(f, 0).Rotation.Forward()
			ahead -= float64(look.Z)
			if f > 0 {
				moved += float64(c.stored(f, 1).Position.Distance(c.stored(f-1, 1).Position))
			}
		}
		if mean := ahead / float64(c.frames()); mean < 0.5 {
			t.Errorf("clip %d: looks %.2f ahead on average, want near 1", i, mean)
		}
		if speed := moved / float64(c.frames()) * motionHz; speed < 0.2 || speed > 3 {
			t.Errorf("clip %d: the left hand moves %.2f m/s on average", i, speed)
		}
	}
}

func TestWearerKeepsTheMoversPlaceAndNeverJumps(t *testing.T) {
	for seed := range uint64(8) {
		walk := WalkConfig{Radius: 5, Speed: 1, Stay: time.Second}
		w, plain := NewWearer(NewWalker(walk, seed, origin), seed, origin), NewWalker(walk, seed, origin)
		var last earshot.Pose
		for i := range 90 * 120 {
			now := origin.Add(time.Duration(i) * time.Second / 90)
			p, q := w.Pose(now), plain.Pose(now)
			if p.Root != q.Root || p.Yaw != q.Yaw || !p.LeftTracked || !p.RightTracked {
				t.Fatalf("seed %d: %+v, but its mover is %+v", seed, p, q)
			}
			if d := p.LeftHand.Position.Distance(last.LeftHand.Position); i > 0 && d > 0.12 {
				t.Fatalf("seed %d, pose %d: the left hand jumps %.2f m in 11 ms", seed, i, d)
			}
			last = p
		}
	}
}

func TestPoseDoesNotAllocate(t *testing.T) {
	w := NewWearer(NewWalker(DefaultWalk(), 1, origin), 1, origin)
	now := origin
	if n := testing.AllocsPerRun(1000, func() {
		now = now.Add(33 * time.Millisecond)
		w.Pose(now)
	}); n > 0 {
		t.Errorf("a pose allocates %v times", n)
	}
}
