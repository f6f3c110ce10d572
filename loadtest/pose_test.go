package loadtest

import (
	"context"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"earshot"
)

// endToEnd reports whether the long tests in real time run: make test asks for
// them.
func endToEnd() bool { return os.Getenv("EARSHOT_E2E") == "1" }

// numbered walks on a line whose place says which pose it is: 5 cm a pose, 400
// poses to and fro.
type numbered struct {
	mu   sync.Mutex
	sent []time.Time // by number
}

const (
	numberedStep  = 0.05 // metres
	numberedPoses = 400  // 13 s of 30 Hz before a place comes again
)

func (n *numbered) Pose(now time.Time) earshot.Pose {
	n.mu.Lock()
	defer n.mu.Unlock()
	place := len(n.sent) % numberedPoses
	n.sent = append(n.sent, now)
	return earshot.Standing(earshot.Vec3{X: float32(place) * numberedStep, Z: 2}, 0)
}

// delay returns how long a pose took that arrived at at, and its number.
func (n *numbered) delay(p PoseArrival) (time.Duration, int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	place := int(p.Pose.Root.X/numberedStep + 0.5)
	// The last one sent from there before it arrived.
	for i := place + (len(n.sent)-1-place)/numberedPoses*numberedPoses; i >= 0; i -= numberedPoses {
		if i < len(n.sent) && n.sent[i].Before(p.At) {
			return p.At.Sub(n.sent[i]), i
		}
	}
	return time.Hour, -1
}

// between returns how many poses were sent from one time to another.
func (n *numbered) between(from, to time.Time) (count int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, at := range n.sent {
		if at.After(from) && at.Before(to) {
			count++
		}
	}
	return count
}

// TestPoseLatency holds the promise of poses: 30 a second from one bot to
// another over loopback, 95 of 100 within 50 ms. A busy machine gets three
// tries, and is allowed what its timers were late in each.
func TestPoseLatency(t *testing.T) {
	node := startLoopback(t)
	listen := 3 * time.Second
	if endToEnd() {
		listen = 10 * time.Second
	}
	const tries = 3
	for try := 1; ; try++ {
		late := Lateness()
		m := measurePoses(t, node, listen)
		most, quiet := late(), 0.95
		if most > 30*time.Millisecond { // so that two poses may come as one
			quiet = 0.5
		}
		t.Logf("try %d: %.1f poses a second of %.1f sent, p50 %v, p95 %v; timers up to %v late", try, m.rate, m.sent, m.p50, m.p95, most)
		if m.p95 < 50*time.Millisecond+5*most && m.rate > quiet*min(m.sent, 29.5) && m.rate < 31.5 {
			return
		}
		if try == tries {
			t.Fatal("want a p95 under 50 ms at 30 Hz")
		}
	}
}

// measured is what one run of measurePoses found; rates are a second.
type measured struct {
	p50, p95   time.Duration
	rate, sent float64
}

func measurePoses(t *testing.T, node *node, listen time.Duration) measured {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), listen+time.Minute)
	defer cancel()
	walk := &numbered{}
	sender, receiver := node.config(1), node.config(2)
	sender.Move = walk
	receiver.Move = NewWalker(WalkConfig{Centre: earshot.Vec3{X: numberedStep * numberedPoses / 2}}, 1, time.Now())
	receiver.KeepPoses = 1 << 16
	from, err := Join(ctx, sender)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := Join(ctx, receiver)
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	index := from.Welcome().You.Index
	until(t, ctx, "the first pose", func() bool { return to.PosesByIndex()[index] > 0 })
	begin := time.Now()
	until(t, ctx, "the poses", func() bool { return time.Since(begin) > listen })

	seen := map[int]bool{}
	var delays []time.Duration
	for _, p := range to.Poses() {
		d, number := walk.delay(p)
		if p.Index != index || p.At.Before(begin) || p.At.After(begin.Add(listen)) || seen[number] {
			continue
		}
		seen[number] = true
		delays = append(delays, d)
	}
	slices.Sort(delays)
	return measured{
		p50: quantile(delays, 0.5), p95: quantile(delays, 0.95),
		rate: float64(len(delays)) / listen.Seconds(),
		sent: float64(walk.between(begin, begin.Add(listen))) / listen.Seconds(),
	}
}
