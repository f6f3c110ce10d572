package netsim

import (
	"fmt"
	"math"
	"testing"
	"time"
)

// near reports whether got is within five per cent of want.
func near(got, want float64) bool { return math.Abs(got-want) <= 0.05*math.Abs(want) }

// walk sends packets at a steady rate and returns what became of each: when it
// arrived, or a negative time.
func walk(l *Link, packets int, every time.Duration) (sent, arrived []time.Duration) {
	var buf []time.Duration
	for i := range packets {
		now := time.Duration(i) * every
		buf = l.Send(now, 100, buf[:0])
		at := time.Duration(-1)
		if len(buf) > 0 {
			at = buf[0]
		}
		sent, arrived = append(sent, now), append(arrived, at)
	}
	return sent, arrived
}

// What is configured is what one gets, at any packet rate: mean and deviation
// of the delay and the share of losses within 5 %, in order.
func TestDelayAndJitterAreAsConfigured(t *testing.T) {
	if raceEnabled {
		t.Skip("long, and of one goroutine")
	}
	for _, c := range []struct {
		delay, jitter time.Duration
	}{
		{5 * ms, 1 * ms}, {20 * ms, 5 * ms}, {40 * ms, 10 * ms}, {40 * ms, 20 * ms}, {90 * ms, 40 * ms}, {300 * ms, 10 * ms}, {50 * ms, 0},
	} {
		for _, every := range []time.Duration{time.Millisecond, 2500 * time.Microsecond, 20 * ms, 200 * ms} {
			t.Run(fmt.Sprint(c.delay, c.jitter, every), func(t *testing.T) {
				l := NewLink(Profile{Delay: c.delay, Jitter: c.jitter}, 7)
				// As many packets as make for 20,000 independent delays.
				span := max(every, 4*c.jitter)
				sent, arrived := walk(l, int(20_000*span/every), every)
				var sum, squares float64
				last := time.Duration(0)
				for i := range sent {
					if arrived[i] < last {
						t.Fatalf("packet %d arrives at %v, before the one before it at %v", i, arrived[i], last)
					}
					last = arrived[i]
					d := (arrived[i] - sent[i]).Seconds()
					sum, squares = sum+d, squares+d*d
				}
				n := float64(len(sent))
				mean := sum / n
				deviation := math.Sqrt(max(0, squares/n-mean*mean))
				if !near(mean, c.delay.Seconds()) {
					t.Errorf("mean delay %.3f ms, want %v", 1000*mean, c.delay)
				}
				if math.Abs(deviation-c.jitter.Seconds()) > 0.05*c.jitter.Seconds()+1e-6 {
					t.Errorf("deviation of the delay %.3f ms, want %v", 1000*deviation, c.jitter)
				}
				stats := l.Stats()
				m, d := stats.Delay()
				if math.Abs((m.Seconds()-mean)) > 1e-6 || math.Abs(d.Seconds()-deviation) > 1e-5 {
					t.Errorf("Stats say %v and %v, the packets %.4f and %.4f s", m, d, mean, deviation)
				}
			})
		}
	}
}

func TestLossIsAsConfigured(t *testing.T) {
	if raceEnabled {
		t.Skip("long, and of one goroutine")
	}
	for _, want := range []Loss{
		{Rate: 0.001}, {Rate: 0.02}, {Rate: 0.02, Burst: 1}, {Rate: 0.02, Burst: 4}, {Rate: 0.05, Burst: 10}, {Rate: 0.3, Burst: 2}, {Rate: 0.9, Burst: 20},
	} {
		l := NewLink(Profile{Loss: want}, 11)
		_, arrived := walk(l, 4_000_000, ms)
		lost, runs, in := 0, 0, false
		for _, at := range arrived {
			if at < 0 {
				lost++
				if !in {
					runs++
				}
			}
			in = at < 0
		}
		rate, burst := float64(lost)/float64(len(arrived)), float64(lost)/float64(runs)
		meant := want.Burst
		if meant <= 1 {
			meant = 1 / (1 - want.Rate) // of independent losses
		}
		if !near(rate, want.Rate) || !near(burst, meant) {
			t.Errorf("%+v: lost %.5f in runs of %.3f, want %v in runs of %.3f", want, rate, burst, want.Rate, meant)
		}
		if s := l.Stats(); s.Lost != int64(lost) || s.Arrived+s.Lost != s.Packets || !near(s.LossShare(), want.Rate) {
			t.Errorf("%+v: Stats are %+v, %d were lost", want, s, lost)
		}
	}
}

func TestEverythingOrNothingIsLost(t *testing.T) {
	for _, c := range []struct {
		loss Loss
		want int64
	}{{Loss{}, 0}, {Loss{Rate: 1}, 1000}, {Loss{Rate: 1, Burst: 5}, 1000}} {
		l := NewLink(Profile{Loss: c.loss}, 1)
		walk(l, 1000, ms)
		if s := l.Stats(); s.Lost != c.want {
			t.Errorf("%+v: %d of 1000 lost, want %d", c.loss, s.Lost, c.want)
		}
	}
}

func TestReorderAndDuplicate(t *testing.T) {
	l := NewLink(Profile{Delay: 30 * ms, Reorder: 0.05, Duplicate: 0.1}, 3)
	var buf []time.Duration
	var last time.Duration
	overtook, twice := 0, 0
	const packets = 200_000
	for i := range packets {
		now := time.Duration(i) * ms
		buf = l.Send(now, 100, buf[:0])
		switch {
		case len(buf) == 0:
			t.Fatalf("packet %d is lost", i)
		case buf[0] < last && buf[0] != now:
			t.Fatalf("packet %d, sent at %v, overtakes and yet takes until %v", i, now, buf[0])
		case buf[0] < last:
			overtook++
		}
		last = max(last, buf[0])
		twice += len(buf) - 1
	}
	if got := float64(overtook) / packets; !near(got, 0.05) {
		t.Errorf("%.4f of the packets overtook, want 0.05", got)
	}
	if got := float64(twice) / packets; !near(got, 0.1) {
		t.Errorf("%.4f of the packets came twice, want 0.1", got)
	}
}

// A bottleneck of 1 Mbit/s is offered twice as much: half arrives, those that
// do have waited for the full queue. Then it is offered half: nothing waits
// long.
func TestBottleneck(t *testing.T) {
	const rate, payload = 1_000_000, 972
	l := NewLink(Profile{Rate: rate, Queue: 100 * ms}, 1)
	var buf []time.Duration
	var arrived int
	var worst time.Duration
	for i := range 10_000 { // 8 ms each on the wire, every 4 ms
		now := time.Duration(i) * 4 * ms
		if buf = l.Send(now, payload, buf[:0]); len(buf) > 0 {
			arrived++
			worst = max(worst, buf[0]-now)
		}
	}
	if s := l.Stats(); !near(float64(arrived), 5000) || int(s.Dropped) != 10_000-arrived {
		t.Errorf("%d of 10000 arrive, %d dropped, want half", arrived, s.Dropped)
	}
	if worst < 100*ms || worst > 108*ms {
		t.Errorf("the longest wait was %v, want the queue of 100 ms and 8 ms for the packet itself", worst)
	}
	later := time.Minute
	for i := range 100 {
		now := later + time.Duration(i)*16*ms
		if buf = l.Send(now, payload, buf[:0]); len(buf) != 1 || buf[0]-now != 8*ms {
			t.Fatalf("at half the rate Send = %v after %v, want 8 ms later", buf, now)
		}
	}
}

func TestBlackouts(t *testing.T) {
	l := NewLink(Profile{Blackouts: []Span{{From: 100 * ms, For: 50 * ms}, {From: 150 * ms, For: 10 * ms}, {From: time.Second, For: time.Second}}}, 1)
	_, arrived := walk(l, 3000, ms)
	for i, at := range arrived {
		dark := i >= 100 && i < 160 || i >= 1000 && i < 2000
		if dark != (at < 0) {
			t.Fatalf("a packet sent at %d ms: lost is %v, want %v", i, at < 0, dark)
		}
	}
	if s := l.Stats(); s.Dark != 1060 {
		t.Errorf("%d packets in the dark, want 1060", s.Dark)
	}
}

// The same seed is the same network; another is not. The jitter of a moment
// does not depend on what else is sent.
func TestSeed(t *testing.T) {
	p := Profile{Delay: 40 * ms, Jitter: 10 * ms, Loss: Loss{0.1, 3}, Reorder: 0.1}
	_, a := walk(NewLink(p, 5), 2000, 20*ms)
	_, b := walk(NewLink(p, 5), 2000, 20*ms)
	_, c := walk(NewLink(p, 6), 2000, 20*ms)
	same, other := 0, 0
	for i := range a {
		if a[i] == b[i] {
			same++
		}
		if a[i] == c[i] {
			other++
		}
	}
	if same != len(a) || other > len(a)/4 {
		t.Errorf("of %d packets %d fare alike under the same seed and %d under another", len(a), same, other)
	}
	p = Profile{Delay: 40 * ms, Jitter: 10 * ms}
	_, sparse := walk(NewLink(p, 5), 100, 200*ms)
	_, dense := walk(NewLink(p, 5), 2000, 10*ms)
	for i := range sparse {
		if d := dense[20*i] - sparse[i]; d < 0 || d > 5*ms { // what keeping the order costs
			t.Errorf("at %v a packet arrives at %v, among others at %v", time.Duration(i)*200*ms, sparse[i], dense[20*i])
		}
	}
}

func TestSendAllocatesNothing(t *testing.T) {
	l := NewLink(Profile{Delay: 40 * ms, Jitter: 10 * ms, Loss: Loss{0.1, 3}, Reorder: 0.1, Duplicate: 0.1,
		Rate: mbit, Blackouts: []Span{{time.Second, time.Second}}}, 5)
	buf := make([]time.Duration, 0, 2)
	now := time.Duration(0)
	if n := testing.AllocsPerRun(5000, func() {
		now += ms
		buf = l.Send(now, 120, buf[:0])
	}); n != 0 {
		t.Errorf("Send allocates %v times a packet, want 0", n)
	}
}

// Time that does not go on, or goes back, harms nothing.
func TestTimeThatGoesBack(t *testing.T) {
	l := NewLink(Profile{Delay: 40 * ms, Jitter: 20 * ms}, 5)
	a := l.Send(time.Second, 100, nil)
	b := l.Send(0, 100, nil)
	if len(a) != 1 || len(b) != 1 || b[0] < a[0] {
		t.Errorf("Send = %v, then %v", a, b)
	}
}

func BenchmarkSend(b *testing.B) {
	for _, name := range []string{"wifi", "bad"} {
		b.Run(name, func(b *testing.B) {
			path, _ := Named(name)
			l := NewLink(path.Down, 1)
			var buf []time.Duration
			b.ReportAllocs()
			for i := range b.N {
				buf = l.Send(time.Duration(i)*20*ms, 120, buf[:0])
			}
		})
	}
}

// TestSteps cuts a bottleneck and opens it again: what passes in each second is
// what its rate then was.
func TestSteps(t *testing.T) {
	p := Profile{Rate: 800_000, Queue: 20 * time.Millisecond, Steps: []Step{{2 * time.Second, 80_000}, {4 * time.Second, 800_000}}}
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	link := NewLink(p, 1)
	var passed [6]int
	for now := time.Duration(0); now < 6*time.Second; now += time.Millisecond {
		for _, at := range link.Send(now, 100-HeaderBytes, nil) {
			passed[min(5, at/time.Second)] += 100
		}
	}
	for i, want := range [6]int{100_000, 100_000, 10_000, 10_000, 100_000, 100_000} {
		if passed[i] < want*9/10 || passed[i] > want*11/10+300 {
			t.Errorf("%d bytes in second %d, want about %d", passed[i], i, want)
		}
	}
	for name, bad := range map[string]Profile{
		"no rate":  {Steps: []Step{{time.Second, MinRate}}},
		"order":    {Rate: MinRate, Steps: []Step{{2, MinRate}, {1, MinRate}}},
		"too slow": {Rate: MinRate, Steps: []Step{{0, 1}}},
	} {
		if bad.Validate() == nil {
			t.Errorf("%s: Validate = nil", name)
		}
	}
}
