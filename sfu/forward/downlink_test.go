package forward

import (
	"math/rand/v2"
	"testing"
	"time"
)

// link is a simulated downlink: a queue that drains at a rate, then a delay.
type link struct {
	rate   float64 // bit/s
	queue  time.Duration
	delay  time.Duration
	jitter time.Duration
	loss   float64
	free   time.Time
	random *rand.Rand
}

// send returns when a packet arrives; false where it is lost.
func (l *link) send(size int, now time.Time) (time.Time, bool) {
	if l.free.Before(now) {
		l.free = now
	}
	if l.free.Sub(now) > l.queue || l.random.Float64() < l.loss {
		return time.Time{}, false
	}
	l.free = l.free.Add(time.Duration(8 * float64(size) / l.rate * float64(time.Second)))
	return l.free.Add(l.delay + time.Duration(l.random.Float64()*float64(l.jitter))), true
}

// viewer is a listener of one camera of three layers over a link.
type viewer struct {
	link   link
	now    time.Time
	est    Estimate
	alloc  Allocation
	demand [1]Demand
	flight []flight
	worst  time.Duration // longest way of a packet since it was set to 0
	lost   int
	sent   int
	probe  Probe
	probed int // bytes of probes
}

type flight struct {
	size     int
	sent, at time.Time
	ok       bool
	seq      uint16
}

func newViewer(l link) *viewer {
	l.random = rand.New(rand.NewPCG(1, 2))
	v := &viewer{link: l, now: epoch}
	v.demand[0] = camera(-1)
	v.demand[0].climb()
	v.demand[0].take(0)
	return v
}

// run plays for a while, 30 frames a second, and calls each after every share.
func (v *viewer) run(d time.Duration, each func(layer int)) {
	const step = 10 * time.Millisecond
	for end, n := v.now.Add(d), 0; v.now.Before(end); n++ {
		if n%3 == 0 && v.demand[0].Target != NoTarget {
			bits := v.demand[0].cost(v.demand[0].step) * 0.03 * (0.8 + 0.4*v.link.random.Float64())
			if v.demand[0].Target != v.demand[0].Now {
				bits *= 4 // a key frame
			}
			v.demand[0].Now = v.demand[0].Target
			for size := int(bits / 8); size > 0; size -= 1100 {
				v.send(min(size, 1100))
			}
		}
		v.now = v.now.Add(step)
		if n%10 == 9 {
			v.feedback()
			rate, known := v.est.Rate()
			v.alloc.Share(v.now, rate, known, v.est.Congested(), v.demand[:])
			if target := v.alloc.Probe(); target > 0 {
				v.train(target)
			}
			each(v.demand[0].Target.Layer())
		}
	}
}

func (v *viewer) send(size int) {
	p := flight{size: size, sent: v.now, seq: uint16(v.sent)}
	p.at, p.ok = v.link.send(p.size, v.now)
	v.flight = append(v.flight, p)
	v.sent++
}

// train sends a probe.
func (v *viewer) train(target float64) {
	v.probe.Begin(uint16(v.sent), target, v.now)
	v.est.Shield(v.now)
	for left := ProbeBytes(target, 1100); left > 0; left -= 1100 {
		v.send(1100)
		v.probed += 1100
	}
	v.probe.End(uint16(v.sent - 1))
}

// feedback tells what arrived by now less the way back.
func (v *viewer) feedback() {
	by, left := v.now.Add(-v.link.delay), 0
	for i := range v.flight {
		if p := v.flight[i]; p.ok && p.at.Before(by) {
			left = i + 1
		}
	}
	for _, p := range v.flight[:left] {
		if !p.ok || !p.at.Before(by) {
			if v.probe.Has(p.seq) {
				v.probe.Take(false, 0, 0)
			}
			v.est.Lost()
			v.lost++
			continue
		}
		if v.probe.Has(p.seq) {
			v.probe.Take(true, p.size, p.at.Sub(epoch))
			v.est.Probing(p.size, p.at.Sub(epoch))
			continue
		}
		v.worst = max(v.worst, p.at.Sub(p.sent))
		v.est.Arrived(p.size, p.sent.Sub(epoch), p.at.Sub(epoch))
	}
	if rate, done := v.probe.Result(v.now); done && rate > 0 {
		v.est.Probed(rate)
	}
	if left > 0 {
		v.est.Update(v.now)
	}
	v.flight = v.flight[left:]
}

// TestDownlinkCut cuts a link from 3 Mbit/s to 500 kbit/s and opens it again:
// within 3 s no more is sent than passes, and within 10 s the best layer is back.
func TestDownlinkCut(t *testing.T) {
	for name, l := range map[string]link{
		"calm":   {delay: 25 * time.Millisecond},
		"jitter": {delay: 25 * time.Millisecond, jitter: 8 * time.Millisecond},
		"far":    {delay: 100 * time.Millisecond},
		"lossy":  {delay: 50 * time.Millisecond, loss: 0.02},
	} {
		t.Run(name, func(t *testing.T) { cutDownlink(t, l, false) })
		t.Run(name+", probed", func(t *testing.T) { cutDownlink(t, l, true) })
	}
}

func cutDownlink(t *testing.T, l link, probes bool) {
	l.rate, l.queue = 3e6, 400*time.Millisecond
	v := newViewer(l)
	v.alloc.Probes = probes
	reached := time.Duration(0)
	v.run(20*time.Second, func(layer int) {
		if layer == 2 && reached == 0 {
			reached = v.now.Sub(epoch)
		}
	})
	rate, _ := v.est.Rate()
	t.Logf("best layer after %v, estimate %.0f kbit/s", reached, rate/1000)
	if v.demand[0].Target.Layer() != 2 || reached > 10*time.Second {
		t.Errorf("layer %d after 20 s at 3 Mbit/s, reached after %v, want 2 within 10 s", v.demand[0].Target.Layer(), reached)
	}
	cut, settled := v.now, time.Duration(0)
	v.link.rate = 500e3
	v.run(3*time.Second, func(layer int) {
		if layer == 2 {
			settled = v.now.Sub(cut)
		}
	})
	rate, _ = v.est.Rate()
	t.Logf("left the best layer after %v, estimate %.0f kbit/s, worst way %v", settled, rate/1000, v.worst)
	if settled > 1500*time.Millisecond || rate > 600e3 {
		t.Errorf("3 s after the cut: estimate %.0f kbit/s, left the best layer after %v", rate/1000, settled)
	}
	v.worst = 0
	raised := 0
	v.run(20*time.Second, func(layer int) {
		if layer == 2 {
			raised++
		}
	})
	t.Logf("at 500 kbit/s: %d of 200 shares were of the best layer, worst way %v", raised, v.worst)
	if raised > 20 {
		t.Errorf("the best layer was tried in %d of 200 shares at 500 kbit/s", raised)
	}
	opened, back := v.now, time.Duration(0)
	v.link.rate = 3e6
	v.run(20*time.Second, func(layer int) {
		if layer == 2 && back == 0 {
			back = v.now.Sub(opened)
		}
	})
	t.Logf("best layer back after %v", back)
	if back == 0 || back > 10*time.Second {
		t.Errorf("the best layer came back after %v, want within 10 s", back)
	}
	t.Logf("%d kB of probes in 63 s", v.probed/1000)
}
