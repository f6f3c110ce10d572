package truth

import (
	"math"
	"testing"
	"time"

	"earshot"
)

// walking is somebody who goes 2 m/s along x.
func walking(at time.Time) *earshot.Pose {
	p := earshot.Standing(earshot.Vec3{X: float32(2 * at.Sub(start).Seconds())}, 0)
	return &p
}

func TestTrack(t *testing.T) {
	track := NewTrack(100)
	if _, ok := track.Head(start); ok {
		t.Error("an empty track knows something")
	}
	for i := range 250 {
		at := start.Add(time.Duration(i) * 10 * time.Millisecond)
		track.Add(at, walking(at))
	}
	if _, ok := track.Head(start.Add(time.Second)); ok {
		t.Error("the track reaches further back than it can hold")
	}
	for ms := 1500; ms < 2490; ms += 7 {
		at := start.Add(time.Duration(ms) * time.Millisecond)
		got, ok := track.Head(at)
		if want := walking(at).HeadWorld().Position; !ok || got.Distance(want) > 1e-4 {
			t.Errorf("Head(%d ms) = %v, %v, want %v", ms, got, ok, want)
		}
	}
	if got, ok := track.Head(start.Add(time.Hour)); !ok || math.Abs(float64(got.X)-4.98) > 1e-4 {
		t.Errorf("an hour later the head is at %v, %v; want where it was last", got, ok)
	}
}

// Poses 60 ms old of somebody at 2 m/s are 120 mm off.
func TestPoses(t *testing.T) {
	track, v := NewTrack(200), NewPoses()
	for i := range 600 {
		now := start.Add(time.Duration(i) * 10 * time.Millisecond)
		track.Add(now, walking(now))
		if i%5 == 0 && i >= 10 { // 20 Hz
			captured := now.Add(-60 * time.Millisecond)
			v.Received(7, now, captured, walking(captured), track)
			v.Received(7, now, captured.Add(-time.Second), walking(captured.Add(-time.Second)), track) // late: changes nothing
		}
		if i%5 == 0 {
			v.Sample(now, func(uint32) *Track { return track })
		}
	}
	m := map[string]float64{}
	v.Figures().Metrics(m)
	for name, want := range map[string]float64{"pose.staleness_ms.p50": 60, "pose.error_mm.p50": 120, "pose.hz": 40} {
		if math.Abs(m[name]-want) > 0.02*want {
			t.Errorf("%s is %v, want %v", name, m[name], want)
		}
	}
	if got := v.Figures().Codec.Quantile(0.4); got > 0.01 {
		t.Errorf("the poses were off by %v mm when captured, want 0", got)
	}
	all := &PoseFigures{}
	all.Merge(v.Figures())
	v.Reset()
	if all.Received == 0 || v.Figures().Received != 0 || v.Figures().Error.Count() != 0 {
		t.Errorf("merged %d, after Reset %d", all.Received, v.Figures().Received)
	}
	v.Sample(start.Add(time.Minute), func(uint32) *Track { return nil })
	if len(v.shown) != 0 {
		t.Error("who was not heard of for long is shown")
	}
}

// Old poses of somebody who stands still are as good as new ones.
func TestStandingStillIsNotStale(t *testing.T) {
	track, v := NewTrack(200), NewPoses()
	stands := earshot.Standing(earshot.Vec3{X: 3}, 0)
	for i := range 300 {
		now := start.Add(time.Duration(i) * 10 * time.Millisecond)
		track.Add(now, &stands)
		if i%100 == 0 {
			v.Received(7, now, now, &stands, track)
		}
		if i%10 == 0 {
			v.Sample(now, func(uint32) *Track { return track })
		}
	}
	f := v.Figures()
	if f.Staleness.Count() != 0 || f.Error.Count() != 30 || f.Error.Max() != 0 {
		t.Errorf("%d stale samples, %d errors up to %v mm; want 0, 30, 0", f.Staleness.Count(), f.Error.Count(), f.Error.Max())
	}
	v.Forget(7)
	v.Sample(start.Add(3*time.Second), func(uint32) *Track { return track })
	if f.Error.Count() != 30 {
		t.Error("who was forgotten is compared")
	}
}

func TestServerTime(t *testing.T) {
	about := time.UnixMilli(5<<32 + 100)
	for _, ms := range []int64{-5000, -100, 0, 100, 5000} {
		want := about.UnixMilli() + ms
		if got := ServerTime(uint32(want), about); got.UnixMilli() != want {
			t.Errorf("ServerTime(%d) = %d, want %d", uint32(want), got.UnixMilli(), want)
		}
	}
}
