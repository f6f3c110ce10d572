package run

import (
	"math"
	"testing"
	"time"

	"earshot"
	"earshot/loadtest"
	"earshot/loadtest/report"
	"earshot/loadtest/truth"
)

func TestDistributionOfSamples(t *testing.T) {
	var s samples
	for i := range 1000 {
		s.add(float64(1000 - i))
	}
	d := s.distribution("ms")
	if d.Count != 1000 || d.Min != 1 || d.Max != 1000 || d.Mean != 500.5 || d.P50 != 501 || d.P99 != 991 {
		t.Errorf("distribution = %+v", d)
	}
	var n int64
	last := math.Inf(-1)
	for _, b := range d.Buckets {
		n += b.N
		if b.LE <= last {
			t.Errorf("bucket %v after %v", b.LE, last)
		}
		last = b.LE
	}
	if n != 1000 || last < 1000 {
		t.Errorf("buckets count %d up to %v, want 1000 up to 1000", n, last)
	}
}

func TestServerClockTrustsTheFastestPing(t *testing.T) {
	var c serverClock
	zero := time.Unix(1000, 0)
	if _, ok := c.at(5, zero); ok {
		t.Error("a clock nobody asked shows a time")
	}
	c.observe(zero.Add(900*time.Millisecond), zero.Add(1900*time.Millisecond), 1000)  // answered at once, came back late
	c.observe(zero.Add(4990*time.Millisecond), zero.Add(5010*time.Millisecond), 5000) // quick
	c.observe(zero.Add(6000*time.Millisecond), zero.Add(9000*time.Millisecond), 6010)
	if at, ok := c.at(7000, zero.Add(7*time.Second)); !ok || at.Sub(zero) != 7*time.Second {
		t.Errorf("7000 ms = %v, want 7s", at.Sub(zero))
	}
	// It wraps.
	about := zero.Add(1<<32*time.Millisecond + 20*time.Second)
	if at, _ := c.at(19_000, about); about.Sub(at) != time.Second {
		t.Errorf("after a wrap: %v ago, want 1s", about.Sub(at))
	}
}

func TestLinesAreFoundAgain(t *testing.T) {
	l, p, now := newLines(), &person{id: "pa_1"}, time.Unix(1, 0)
	texts := map[string]bool{}
	for i := range 200 {
		text := l.next(p, now.Add(time.Duration(i)*time.Second))
		if texts[text] {
			t.Fatalf("%q twice", text)
		}
		texts[text] = true
		if at, ok := l.when("pa_1", text); !ok || at.Sub(now) != time.Duration(i)*time.Second {
			t.Fatalf("%q was sent at %v", text, at)
		}
	}
	if _, ok := l.when("pa_1", phrase(0)); ok {
		t.Error("a line of long ago is remembered: the memory is not bounded")
	}
	if _, ok := l.when("pa_2", phrase(199)); ok {
		t.Error("somebody else's line")
	}
}

// A pose counts as out of date from when it stopped being true, not from when
// it was taken: who stood still and set off is seen right until then.
func TestOutdatedCountsFromTheFirstStep(t *testing.T) {
	track, start := truth.NewTrack(64), time.Unix(50, 0)
	for i := range 30 { // stands for two seconds, then walks 1 m/s
		at := start.Add(time.Duration(i) * 100 * time.Millisecond)
		p := earshot.Standing(earshot.Vec3{X: float32(max(0, i-20)) / 10}, 0)
		track.Add(at, &p)
	}
	s := seen{captured: start.Add(time.Second), head: earshot.Vec3{Y: earshot.EyeHeight}}
	if _, late := s.outdated(track, start.Add(1900*time.Millisecond)); late {
		t.Error("one who stands still is out of date")
	}
	age, late := s.outdated(track, start.Add(2500*time.Millisecond))
	if !late || age < 400*time.Millisecond || age > 540*time.Millisecond {
		t.Errorf("half a second into the walk: %v, %v; want about 490 ms", age, late)
	}
}

func TestOffendersAreTheWorstOff(t *testing.T) {
	list := offenders([]report.Listener{
		{ID: "fine", Metrics: report.Metrics{"voice.audible_share": .99, "voice.loss_share": 0}},
		{ID: "late", Metrics: report.Metrics{"voice.latency_ms.p95": 250}},
		{ID: "leaked", Metrics: report.Metrics{"voice.forbidden_packets": 40, "voice.audible_share": .5}},
		{ID: "deaf", Metrics: report.Metrics{"voice.audible_share": .2}},
	})
	var who []string
	for _, o := range list {
		who = append(who, o.Who)
	}
	if len(list) != 3 || who[0] != "leaked" || list[0].Metric != "voice.forbidden_packets" || who[1] != "deaf" || who[2] != "late" {
		t.Errorf("offenders %v: %+v; want leaked, deaf, late", who, list)
	}
}

// A picture that stops for half a second is frozen for as long; lost packets
// count until they are repaired.
func TestScreenCountsFreezesAndLosses(t *testing.T) {
	var s screen
	now := time.Unix(9, 0)
	s.reset(now)
	s.slots[0] = picture{shown: true, began: now, frame: now}
	seq := uint16(65530)
	for i := range 60 {
		if i == 30 {
			now = now.Add(500 * time.Millisecond)
		}
		now = now.Add(33 * time.Millisecond)
		for part := range 2 {
			p := &loadtest.VideoPacket{Seq: seq, Timestamp: uint32(i+1) * 3000, Bytes: 100, First: part == 0, Last: part == 1}
			if seq++; i == 40 && part == 0 {
				continue // lost
			}
			s.take(&s.slots[0], now, p)
		}
	}
	var all watched
	m := report.Metrics{}
	s.account(now, &all, m)
	if all.lost != 1 || all.expected != 120 || all.frozen < .5 || all.frozen > .6 || math.Abs(m["video.loss_share"]-1./120) > 1e-9 {
		t.Errorf("lost %d of %d, frozen %.2f s, %v; want 1 of 120 and 0.53 s", all.lost, all.expected, all.frozen, m)
	}
	s.take(&s.slots[0], now, &loadtest.VideoPacket{Seq: (65530 + 80) % 65536, Bytes: 100})
	if s.totals.lost != 0 {
		t.Errorf("a repaired packet counts as lost: %d", s.totals.lost)
	}
}
