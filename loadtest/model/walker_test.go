package model

import (
	"testing"
	"time"

	"earshot"
)

func TestWalkerStaysInTheCrowdAndWalksAtWalkingPace(t *testing.T) {
	start := time.Unix(1000, 0)
	cfg := DefaultWalk()
	cfg.Centre, cfg.Hands = earshot.Vec3{X: 5, Z: -3}, true
	w := NewWalker(cfg, 3, start)
	last := w.Pose(start)
	var walked float64
	const step = time.Second / 30
	for i := 1; i <= 30*120; i++ {
		p := w.Pose(start.Add(time.Duration(i) * step))
		if d := p.Root.Distance(cfg.Centre); float64(d) > cfg.Radius+1e-3 {
			t.Fatalf("pose %d is %.2f m from the centre, radius %v", i, d, cfg.Radius)
		}
		d := float64(p.Root.Distance(last.Root))
		if speed := d / step.Seconds(); speed > cfg.Speed*4/3+0.01 {
			t.Fatalf("pose %d: %.2f m/s", i, speed)
		}
		if !p.LeftTracked || !p.RightTracked {
			t.Fatal("hands not tracked")
		}
		walked += d
		last = p
	}
	if walked < 60 || walked > 200 {
		t.Errorf("walked %.0f m in two minutes, want about 100", walked)
	}
}

func TestWalkerFacesWhereItGoes(t *testing.T) {
	start := time.Unix(0, 0)
	w := NewWalker(WalkConfig{Radius: 50, Speed: 1}, 9, start)
	now := start
	for range 100 {
		now = now.Add(time.Second)
		a := w.Pose(now)
		if now.Sub(w.leg.start) < turning || now.After(w.leg.end.Add(-time.Second)) {
			continue
		}
		now = now.Add(100 * time.Millisecond)
		b := w.Pose(now)
		step := b.Root.Sub(a.Root)
		if ahead := earshot.YawQuat(b.Yaw).Forward().Dot(step) / step.Len(); ahead < 0.99 {
			t.Fatalf("at %v walks %v but faces yaw %.2f", now.Sub(start), step, b.Yaw)
		}
	}
}

func TestWalkerOfNoRadiusStands(t *testing.T) {
	at := earshot.Vec3{X: 1, Z: 2}
	w := NewWalker(WalkConfig{Centre: at, Speed: 1, Yaw: 1}, 1, time.Unix(0, 0))
	if p := w.Pose(time.Unix(100, 0)); p.Root != at || p.Yaw != 1 {
		t.Errorf("Pose = %+v", p)
	}
}
