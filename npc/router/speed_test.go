package router

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func TestLine(t *testing.T) {
	for _, tc := range []struct {
		name string
		f    func(x float64) float64
		at   float64
		want float64
	}{
		{"rising", func(x float64) float64 { return 0.01 + 0.002*x }, 10, 0.03},
		{"flat", func(float64) float64 { return 0.02 }, 10, 0.02},
		{"falling is noise", func(x float64) float64 { return 0.05 - 0.001*x }, 10, 0.0465},
	} {
		var l line
		if got := l.at(3, 7); got != 7 {
			t.Errorf("an empty line at 3 = %v, want what was given, 7", got)
		}
		for i := range 800 {
			l.add(float64(i%8), tc.f(float64(i%8)))
		}
		if got := l.at(tc.at, 0); math.Abs(got-tc.want) > 0.0002 {
			t.Errorf("%s: at(%v) = %v, want %v", tc.name, tc.at, got, tc.want)
		}
	}
}

func TestCostPerTokenBelievesBadNewsSooner(t *testing.T) {
	var s speed
	for _, tc := range []struct{ ttft, want float64 }{
		{0.1, 0.001},    // the first sample counts whole
		{0.2, 0.0012},   // up by a fifth of the difference
		{0.02, 0.00112}, // down by 8 %
	} {
		s.firstToken(tc.ttft, 0, 100, true, epoch)
		if math.Abs(s.perToken-tc.want) > 1e-9 {
			t.Errorf("after %v s for 100 tokens: %v s per token, want %v", tc.ttft, s.perToken, tc.want)
		}
	}
	s.firstToken(3.112, 1, 100, false, epoch)
	if math.Abs(s.load-2) > 1e-9 || s.samples != 3 {
		t.Errorf("load %v s and %d samples, want 2 s and 3: a first token behind a load says nothing about the cost per token", s.load, s.samples)
	}
}

// A server of 2 ms per token, 15 ms away, with 10 % noise: after some dozens of
// requests the prediction is right within 15 %.
func TestPredictionLearns(t *testing.T) {
	cfg := DefaultConfig()
	r := newRouter(t, cfg, backend("a", 4))
	r.SetRTT("a", 15*time.Millisecond)
	rng := rand.New(rand.NewPCG(3, 4))
	now, wrong, n := epoch, 0.0, 0
	for i := range 200 {
		now = now.Add(10 * time.Second)
		q := ask("w")
		q.PromptTokens = 50 + rng.IntN(1000)
		r.Submit(q, now)
		a, ok := r.Next(now)
		if !ok || a.Err != nil {
			t.Fatalf("Next() = %+v, %v", a, ok)
		}
		took := 0.015 + float64(q.PromptTokens+overheadTokens)*0.002*(0.9+0.2*rng.Float64())
		if i >= 40 {
			wrong += math.Abs(a.TTFT.Seconds()-took) / took
			n++
		}
		first := now.Add(seconds(took))
		r.FirstToken(a.Attempt, first)
		r.Done(a.Attempt, Outcome{OutTokens: 11}, first.Add(100*time.Millisecond))
	}
	if mean := wrong / float64(n); mean > 0.15 {
		t.Errorf("mean error of the prediction %.1f %%, want at most 15 %%", 100*mean)
	} else {
		t.Logf("mean error of the prediction %.1f %%", 100*mean)
	}
	e := r.Estimates(nil, now)[0]
	if !e.Known || e.TPOT.Round(time.Millisecond) != 10*time.Millisecond {
		t.Errorf("Estimates() = %+v, want known and 10 ms per token", e)
	}
}

func TestTail(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	l := tail{ratio: tailStart}
	for range 20_000 {
		l.add(1+2*rng.Float64(), 1) // 95 % are below 2.9
	}
	if l.ratio < 2.6 || l.ratio > 3.2 {
		t.Errorf("95 %% point %v, want about 2.9", l.ratio)
	}
	l.add(1, 0) // no prediction, no sample
}

func TestBudget(t *testing.T) {
	b := budget{share: 0.02, most: hedgeBurst}
	spent := 0
	for range 10_000 {
		b.earn()
		if b.spend() {
			spent++
		}
	}
	if spent < 190 || spent > 200 {
		t.Errorf("%d of 10000 were spent, want 2 %% and not more", spent)
	}
}
