package truth

import (
	"math"
	"testing"
	"time"

	"earshot"
	"earshot/spatialaudio"
)

var start = time.Unix(1_000_000, 0)

// spoken is frame n of talker 2, in slot 0, which takes took.
func spoken(n int, took time.Duration) *Packet {
	sent := start.Add(time.Duration(n) * frame)
	return &Packet{
		Seq: uint16(65_500 + n), Timestamp: math.MaxUint32 - 48_000 + uint32(n)*960, Voiced: true, Talker: 2,
		Tick: uint32(1000 + n), Sent: uint32(500 + n), Into: uint16(n + 1), SentAt: sent, At: sent.Add(took),
	}
}

func metrics(l *Ledger) map[string]float64 {
	m := map[string]float64{}
	l.Figures().Metrics(m)
	return m
}

func TestLatencyJitterAndLoss(t *testing.T) {
	l := NewLedger(1, 4)
	for n := range 1000 {
		if n%50 == 49 { // 2 %
			continue
		}
		took := 30 * time.Millisecond
		if n%2 == 1 {
			took = 40 * time.Millisecond
		}
		l.Heard(spoken(n, took))
	}
	m := metrics(l)
	for name, want := range map[string]float64{
		"voice.latency_ms.p50": 30, "voice.latency_ms.max": 40, "voice.jitter_ms.p50": 10, "voice.loss_share": 0.019,
		"voice.concealed_share": 0.019, "voice.gap_ms.p50": 20, "voice.gap_ms.max": 20,
	} {
		if got, ok := m[name]; !ok || math.Abs(got-want) > 0.03*want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

// Sequence numbers and time stamps wrap, packets come twice and late.
func TestDisorder(t *testing.T) {
	l := NewLedger(1, 4)
	for n := 0; n < 500; n += 2 {
		l.Heard(spoken(n+1, 30*time.Millisecond))
		l.Heard(spoken(n, 30*time.Millisecond))
		l.Heard(spoken(n, 30*time.Millisecond))
	}
	f := l.Figures()
	if f.Duplicates != 250 || f.Packets != 500 || f.Expected != 500 || f.Received != 500 || f.Concealed > 1 {
		t.Errorf("%d twice, %d packets, %d of %d frames, %d concealed; want 250, 500, 500 of 500, none", f.Duplicates, f.Packets, f.Received, f.Expected, f.Concealed)
	}
}

// A frame that comes after its turn is as good as lost.
func TestLateFramesAreConcealed(t *testing.T) {
	l := NewLedger(1, 4)
	for n := range 200 {
		took := 30 * time.Millisecond
		if n >= 100 && n < 105 {
			took = 400 * time.Millisecond
		}
		l.Heard(spoken(n, took))
	}
	f := l.Figures()
	if f.Concealed != 5 || f.Gap.Count() != 1 || f.Gap.Max() != 100 || f.Expected != f.Received {
		t.Errorf("%d concealed in %d gaps up to %v ms, %d of %d frames; want 5 in one of 100 ms, none lost", f.Concealed, f.Gap.Count(), f.Gap.Max(), f.Received, f.Expected)
	}
}

// A talker who loses the slot and wins it back was not lost on the way, and a
// server that begins anew does not confuse the counts.
func TestStaysAndRestarts(t *testing.T) {
	l := NewLedger(1, 4)
	for n := range 50 {
		l.Heard(spoken(n, 0))
	}
	for n := 200; n < 250; n++ { // 150 frames in nobody's slot: no sequence number is missing
		p := spoken(n, 0)
		p.Seq -= 150
		l.Heard(p)
	}
	l.Rejoin(start.Add(time.Minute))
	for n := 300; n < 350; n++ {
		p := spoken(n, 0)
		p.Seq += 20_000
		l.Heard(p)
	}
	for n := 350; n < 400; n++ { // another stream without a word
		p := spoken(n, 0)
		p.Seq += 40_000
		l.Heard(p)
	}
	if f := l.Figures(); f.Expected != f.Received || f.Packets != 200 {
		t.Errorf("%d of %d frames in %d packets, want none lost of 200", f.Received, f.Expected, f.Packets)
	}
	l.Heard(&Packet{Slot: 99, Voiced: true})
	l.Heard(&Packet{Slot: -1, Voiced: true})
	if f := l.Figures(); f.Packets != 200 {
		t.Error("a slot that does not exist is heard")
	}
}

func TestForbidden(t *testing.T) {
	l := NewLedger(1, 4)
	l.Ban(2, start.Add(time.Second))
	for n := range 100 { // two seconds; half of them sent after the ban
		l.Heard(spoken(n, 30*time.Millisecond))
	}
	if f := l.Figures(); f.Forbidden != 49 {
		t.Errorf("%d forbidden, want the 49 sent after it held", f.Forbidden)
	}
	l.Lift(2)
	l.Heard(spoken(101, 0))
	if f := l.Figures(); f.Forbidden != 49 {
		t.Error("forbidden after the ban was lifted")
	}
	if w := l.Window(); w.Forbidden != 49 || w.Packets != 101 {
		t.Errorf("Window = %+v", w)
	}
}

// One talker two metres away, heard from the second second on.
func TestOnsetAndAudibleShare(t *testing.T) {
	w := New(Config{Curve: spatialaudio.DefaultCurve()})
	l := NewLedger(1, 4)
	for n := range 500 {
		now := start.Add(time.Duration(n) * frame)
		if n >= 150 {
			l.Heard(spoken(n, 0))
		}
		if n%5 == 0 {
			people := []Person{{ID: 1}, {ID: 2, Head: earshot.Transform{Position: earshot.Vec3{X: 2}}, Level: -26, Speaking: n >= 50, Since: start.Add(50 * frame)}}
			w.Step(now, people)
			l.Judge(w)
		}
	}
	m := metrics(l)
	// 9 s of speech, of which 7 are heard; of the 2 before that 1.2 are excused.
	if got := m["voice.audible_share"]; math.Abs(got-7/7.8) > 0.02 {
		t.Errorf("audible_share is %v, want %v", got, 7/7.8)
	}
	if got := m["voice.onset_ms.p50"]; got != 2000 {
		t.Errorf("onset is %v ms, want 2000", got)
	}
	if got, ok := m["voice.wrong_share"]; !ok || got != 0 {
		t.Errorf("wrong_share is %v, want 0", got)
	}
}

// A voice from beyond the range is wrong, but not at once.
func TestWrongBeyondRange(t *testing.T) {
	w := New(Config{Curve: spatialaudio.DefaultCurve()})
	l := NewLedger(1, 4)
	for n := range 500 {
		now := start.Add(time.Duration(n) * frame)
		l.Heard(spoken(n, 0))
		if n%5 == 0 {
			w.Step(now, []Person{{ID: 1}, {ID: 2, Head: earshot.Transform{Position: earshot.Vec3{X: 40}}, Level: -26, Speaking: true}})
			l.Judge(w)
		}
	}
	if got := metrics(l)["voice.wrong_share"]; math.Abs(got-(1-1.3/10)) > 0.02 {
		t.Errorf("wrong_share is %v, want all but the first 1.3 of 10 s", got)
	}
	if _, ok := metrics(l)["voice.audible_share"]; ok {
		t.Error("audible_share is measured where nobody was due")
	}
}

// In a crowd only the nearest are around somebody.
func TestHorizon(t *testing.T) {
	w := New(Config{Curve: spatialaudio.DefaultCurve(), Near: 10})
	var people []Person
	for i := range 30 {
		people = append(people, Person{ID: uint32(i), Head: earshot.Transform{Position: earshot.Vec3{X: float32(i) / 2}}})
	}
	w.Step(start, people)
	got, dist := w.horizon(w.person(0), nil)
	if got != 25 || len(dist) != 29 {
		t.Errorf("horizon = %v of %d, want the square of 5 m of 29", got, len(dist))
	}
	w.Step(start.Add(time.Second), people[:11])
	if got, _ := w.horizon(w.person(0), nil); !math.IsInf(got, 1) {
		t.Errorf("horizon = %v, want none with ten others", got)
	}
	if w.person(20) != nil || len(w.people) != 11 {
		t.Error("somebody who is gone is still there")
	}
}

// However many talkers come by, a ledger stays small.
func TestPairsAreForgotten(t *testing.T) {
	w := New(Config{Curve: spatialaudio.DefaultCurve()})
	l := NewLedger(1, 4)
	for n := range 20_000 {
		p := spoken(n, 0)
		p.Talker = uint32(n / 10)
		l.Heard(p)
		if n%5 == 0 {
			w.Step(p.At, []Person{{ID: 1}})
			l.Judge(w)
		}
	}
	if len(l.pairs) > 60 || len(l.byID) != len(l.pairs) {
		t.Errorf("%d pairs are kept, %d by id", len(l.pairs), len(l.byID))
	}
	for n := range 3 * maxPairs { // without anybody to judge
		p := spoken(n, 0)
		p.Talker = uint32(n)
		l.Heard(p)
	}
	if len(l.pairs) > maxPairs {
		t.Errorf("%d pairs are kept, want at most %d", len(l.pairs), maxPairs)
	}
}

func TestNothingAllocates(t *testing.T) {
	w, people := crowd(100, 10)
	l := NewLedger(1, 8)
	now, n := start, 0
	step := func() {
		for range 5 {
			n++
			p := spoken(n, 12*time.Millisecond)
			l.Heard(p)
		}
		now = now.Add(100 * time.Millisecond)
		w.Step(now, people)
		l.Judge(w)
	}
	for range 100 {
		step()
	}
	if got := testing.AllocsPerRun(300, step); got > 5 { // the packets of the test itself
		t.Errorf("a tenth of a second allocates %v times", got)
	}
}
