package jitter

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// Packets that come in time are played as they are, sample for sample, target
// after they came.
func TestNothingIsLost(t *testing.T) {
	b, d := listening(t)
	n := network{seq0: 65530, ts0: 1<<32 - 5000} // both wrap round soon
	var at int64 = -1
	n.run(b, 500, func(tick int, pcm []float32, sound bool) {
		for i, x := range pcm {
			switch {
			case at < 0 && x != 0:
				at = 1 // the first sample of the sine is 0
			case at >= 0:
				at++
			}
			if at > fadeLen && math.Abs(float64(x-sine(at))) > 1e-6 {
				t.Fatalf("tick %d: sample %d is %v, want %v of %d", tick, i, x, sine(at), at)
			}
		}
	})
	s := b.Stats()
	if s.Concealed != 0 || s.Late != 0 || s.Removed+s.Inserted > 2*longestLag || d.decodes < 490 || at < 490*FrameSamples {
		t.Errorf("%+v, %d decodes, %d samples, want all of it untouched", s, d.decodes, at)
	}
	if b.Target() != 20*time.Millisecond {
		t.Errorf("Target() = %v of packets that do not vary, want 20ms", b.Target())
	}
}

// What jitter and loss do, measured: the target covers 95 %, the sound has no
// clicks, and what cannot be repaired is concealed.
func TestNetworks(t *testing.T) {
	spike := func(r *rand.Rand, i int64) time.Duration {
		if i%500 > 480 { // every ten seconds the link stalls: packets come in a burst
			return 30*time.Millisecond + time.Duration(500-i%500)*20*time.Millisecond
		}
		return 30*time.Millisecond + time.Duration(r.IntN(5))*time.Millisecond
	}
	tenth := func(r *rand.Rand, _ int64) bool { return r.IntN(10) == 0 }
	for name, c := range map[string]struct {
		network
		target    [2]time.Duration // at the end
		concealed [2]float64       // share of the time
	}{
		"jitter of 5 ms":        {network{delay: exponential(5 * time.Millisecond)}, [2]time.Duration{20e6, 22e6}, [2]float64{0, 0.025}},
		"jitter of 20 ms":       {network{delay: exponential(20 * time.Millisecond)}, [2]time.Duration{50e6, 90e6}, [2]float64{0.01, 0.06}},
		"jitter of 80 ms":       {network{delay: exponential(80 * time.Millisecond)}, [2]time.Duration{180e6, 200e6}, [2]float64{0.02, 0.12}},
		"a tenth lost":          {network{lost: tenth}, [2]time.Duration{20e6, 20e6}, [2]float64{0.08, 0.12}},
		"bursts":                {network{delay: spike}, [2]time.Duration{20e6, 200e6}, [2]float64{0, 0.06}},
		"slow by 500 ppm":       {network{ppm: -500}, [2]time.Duration{20e6, 30e6}, [2]float64{0, 0.002}},
		"fast by 500 ppm":       {network{ppm: 500}, [2]time.Duration{20e6, 30e6}, [2]float64{0, 0.002}},
		"jitter, fast, 200 ppm": {network{ppm: 200, delay: exponential(10 * time.Millisecond)}, [2]time.Duration{25e6, 50e6}, [2]float64{0, 0.06}},
	} {
		for seed := range uint64(3) {
			n := c.network
			n.seed = seed
			b, _ := listening(t)
			var ear clicks
			const ticks = 3000
			n.run(b, ticks, func(_ int, pcm []float32, _ bool) { ear.hear(pcm) })
			s := b.Stats()
			share := float64(s.Concealed) / FrameSamples / ticks
			t.Logf("%s, seed %d: target %v, delay %v, concealed %.2f %%, late %d, stretched %d, %d, paused %d, sharpest bend %.5f",
				name, seed, b.Target(), b.Delay(), 100*share, s.Late, s.Removed, s.Inserted, s.Paused, ear.sharpest)
			if got := b.Target(); got < c.target[0] || got > c.target[1] {
				t.Errorf("%s, seed %d: target %v, want within %v", name, seed, got, c.target)
			}
			if share < c.concealed[0] || share > c.concealed[1] {
				t.Errorf("%s, seed %d: %.2f %% concealed, want within %v", name, seed, 100*share, c.concealed)
			}
			if ear.count > 0 {
				t.Errorf("%s, seed %d: %d clicks, the sharpest %.4f, allowed %.4f", name, seed, ear.count, ear.sharpest, sharp)
			}
		}
	}
}

// Whatever goes wrong at the same time, nothing clicks, and the delay follows
// the target.
func TestEverythingAtOnce(t *testing.T) {
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 2))
		mean, loss := time.Duration(r.IntN(40))*time.Millisecond, r.IntN(15)
		jitter := exponential(mean)
		n := network{
			seed: seed, ppm: float64(r.IntN(1000) - 500), seq0: uint16(r.Uint32()), ts0: r.Uint32(),
			delay: func(r *rand.Rand, i int64) time.Duration {
				if phase := i % 400; phase > 390 {
					return jitter(r, i) + time.Duration(400-phase)*20*time.Millisecond // a stall
				}
				return jitter(r, i)
			},
			lost:  func(r *rand.Rand, _ int64) bool { return r.IntN(100) < loss },
			twice: func(r *rand.Rand, _ int64) bool { return r.IntN(20) == 0 },
			sends: func(i int64) bool { return i%300 < 200 },
			packet: func(i int64, seq uint16, ts uint32) Packet {
				p := withFEC(i, seq, ts)
				if i%50 < 25 {
					p = withRED(i, seq, ts)
				}
				p.SSRC = uint32(7 + i/1000)
				return p
			},
		}
		b, _ := listening(t)
		var ear clicks
		const ticks = 3000
		n.run(b, ticks, func(tick int, pcm []float32, _ bool) {
			ear.hear(pcm)
			if late := b.Delay() - b.Target(); late > 250*time.Millisecond || late < -150*time.Millisecond {
				t.Fatalf("seed %d: tick %d is played %v after its target", seed, tick, late)
			}
		})
		s := b.Stats()
		t.Logf("seed %d: jitter %v, %d %% lost, %v ppm: target %v, %+v", seed, mean, loss, n.ppm, b.Target(), s)
		if ear.count > 0 {
			t.Errorf("seed %d: %d clicks, the sharpest %.4f of %.4f", seed, ear.count, ear.sharpest, sharp)
		}
		if s.Decoded < 1500 || s.Concealed > 400*FrameSamples || s.Restarts < 2 || s.Restarts > 4 {
			t.Errorf("seed %d: %+v", seed, s)
		}
	}
}
