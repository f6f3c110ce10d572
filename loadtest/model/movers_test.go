package model

import (
	"fmt"
	"math"
	"testing"
	"time"

	"earshot"
)

var origin = time.Unix(1000, 0)

func walkTo(x, z float32) earshot.Vec3 { return earshot.Vec3{X: x, Z: z} }

// movers are all kinds, each with where it may be and how fast.
func movers(seed uint64) map[string]struct {
	Mover
	centre   earshot.Vec3
	radius   float64
	topSpeed float64 // metres a second
	topTurn  float64 // radians a second
} {
	type m = struct {
		Mover
		centre   earshot.Vec3
		radius   float64
		topSpeed float64
		topTurn  float64
	}
	all := map[string]m{}
	walk := WalkConfig{Centre: walkTo(10, -4), Radius: 8, Speed: 1.2, Stay: 3 * time.Second}
	const turn = math.Pi/0.4 + 0.1
	all["walker"] = m{NewWalker(walk, seed, origin), walk.Centre, 8, 1.6, turn}
	for i := range 4 {
		group := GroupConfig{Walk: walk, Spread: 1.5, Size: 4}
		all[fmt.Sprintf("follower %d", i)] = m{NewFollower(group, seed, i, origin), walk.Centre, 9.5, 1.6, turn}
	}
	flow := FlowConfig{Centre: walkTo(0, 30), Radius: 10, Stage: walkTo(0, 0), Yaw: math.Pi, Near: 3, Far: 15, Speed: 1.4, Over: 20 * time.Second}
	all["flow"] = m{NewFlow(flow, seed, origin), walkTo(0, 20), 21, 1.9, turn}
	all["teleporter"] = m{NewTeleporter(TeleportConfig{Radius: 20, Every: 5 * time.Second}, seed, origin), earshot.Vec3{}, 20, math.Inf(1), math.Inf(1)}
	spot := SpotConfig{Centre: walkTo(-5, 5), Radius: 2, Sway: 0.05}
	all["stander"] = m{NewStander(spot, seed, origin), spot.Centre, 2, 0.1, 0}
	return all
}

func TestMoversStayInBoundsAndTheirSpeed(t *testing.T) {
	const step = 20 * time.Millisecond
	for seed := range uint64(20) {
		for name, m := range movers(seed) {
			last := m.Pose(origin)
			for i := 1; i <= 50*60; i++ {
				p := m.Pose(origin.Add(time.Duration(i) * step))
				if d := float64(p.Root.Distance(m.centre)); d > m.radius+1e-3 {
					t.Fatalf("seed %d, %s, step %d: %.2f m from the centre, at most %v", seed, name, i, d, m.radius)
				}
				if speed := float64(p.Root.Distance(last.Root)) / step.Seconds(); speed > m.topSpeed+0.01 {
					t.Fatalf("seed %d, %s, step %d: %.2f m/s, at most %v", seed, name, i, speed, m.topSpeed)
				}
				turn := math.Abs(math.Remainder(float64(p.Yaw-last.Yaw), 2*math.Pi)) / step.Seconds()
				if turn > m.topTurn+0.01 {
					t.Fatalf("seed %d, %s, step %d: turns %.1f rad/s, at most %.1f", seed, name, i, turn, m.topTurn)
				}
				if !p.Root.Finite() || p.Yaw != p.Yaw || p.Head.Position.Y != earshot.EyeHeight {
					t.Fatalf("seed %d, %s, step %d: %+v", seed, name, i, p)
				}
				last = p
			}
		}
	}
}

func TestMoversAreSeeded(t *testing.T) {
	for name, m := range movers(5) {
		again, other := movers(5)[name], movers(6)[name]
		same := true
		for i := range 600 {
			now := origin.Add(time.Duration(i) * 100 * time.Millisecond)
			p := m.Pose(now)
			if q := again.Pose(now); p != q {
				t.Fatalf("%s: the same seed is at %+v and %+v", name, p, q)
			}
			same = same && p == other.Pose(now)
		}
		if same {
			t.Errorf("%s: another seed does the same", name)
		}
	}
}

// Asking seldom gives the same as asking often.
func TestMoversDoNotDependOnTheStep(t *testing.T) {
	for name, m := range movers(7) {
		often := movers(7)[name]
		for i := range 6000 {
			now := origin.Add(time.Duration(i) * 20 * time.Millisecond)
			p := often.Pose(now)
			if i%377 != 0 {
				continue
			}
			if q := m.Pose(now); p != q {
				t.Fatalf("%s at %v: %+v, but asked seldom %+v", name, now.Sub(origin), p, q)
			}
		}
	}
}

func TestGroupKeepsTogetherAndFacesInward(t *testing.T) {
	cfg := GroupConfig{Walk: WalkConfig{Radius: 30, Speed: 1.3, Stay: 10 * time.Second}, Spread: 1.2, Size: 5}
	var group []*Follower
	for i := range cfg.Size {
		group = append(group, NewFollower(cfg, 3, i, origin))
	}
	facing, standing := 0, 0
	for i := range 50 * 300 {
		now := origin.Add(time.Duration(i) * 20 * time.Millisecond)
		leader := group[0].Pose(now)
		for _, f := range group[1:] {
			p := f.Pose(now)
			// A step behind is at most the lag times the top speed.
			if d := p.Root.Distance(leader.Root); d > 1.2+0.6*1.3*4/3+0.01 {
				t.Fatalf("%v: a follower is %.2f m from its leader", now.Sub(origin), d)
			}
			if l := group[0].leader.leg; now.Sub(l.end) > 2*time.Second {
				standing++
				to := leader.Root.Sub(p.Root)
				if earshot.YawQuat(p.Yaw).Forward().Dot(to)/to.Len() > 0.99 {
					facing++
				}
			}
		}
	}
	if standing == 0 || facing < standing {
		t.Errorf("faced the leader in %d of %d poses while standing", facing, standing)
	}
}

func TestFlowEndsBeforeTheStageLookingAtIt(t *testing.T) {
	stage := walkTo(4, -20)
	cfg := FlowConfig{Radius: 10, Stage: stage, Yaw: math.Pi, Near: 3, Far: 12, Speed: 1.4, Over: 10 * time.Second}
	for seed := range uint64(200) {
		p := NewFlow(cfg, seed, origin).Pose(origin.Add(2 * time.Minute))
		to := stage.Sub(p.Root)
		if d := to.Len(); d < 3 || d > 12 {
			t.Fatalf("seed %d stands %.1f m from the stage", seed, d)
		}
		if earshot.YawQuat(p.Yaw).Forward().Dot(to)/to.Len() < 0.999 {
			t.Errorf("seed %d does not look at the stage", seed)
		}
		if earshot.YawQuat(math.Pi).Forward().Dot(to) > -0.5*to.Len()+1e-3 {
			t.Errorf("seed %d stands behind or beside the stage, at %v", seed, p.Root)
		}
	}
}

func TestTeleporterJumpsOftenEnough(t *testing.T) {
	m := NewTeleporter(TeleportConfig{Radius: 20, Every: 2 * time.Second}, 1, origin)
	last, jumps := m.Pose(origin), 0
	for i := range 50 * 600 {
		p := m.Pose(origin.Add(time.Duration(i) * 20 * time.Millisecond))
		if p != last {
			jumps++
		}
		last = p
	}
	if jumps < 280 || jumps > 320 {
		t.Errorf("%d jumps in ten minutes, want about 300", jumps)
	}
}

func TestStanderAtTheCentreKeepsItsHeading(t *testing.T) {
	if p := NewStander(SpotConfig{Yaw: 1}, 1, origin).Pose(origin); p != earshot.Standing(earshot.Vec3{}, 1) {
		t.Errorf("Pose = %+v", p)
	}
}
