package run

import (
	"context"
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/metrics"
	"slices"
	"sync"
	"time"
)

// When the generator counts as the limit of a measurement: beyond busyShare it
// delays what it measures, and more than a frame of Opus late its packets come
// in bunches. From noteLate on, delays are worth a word.
const (
	busyShare = 0.85
	lateSched = 20.0 // ms, 99th percentile
	noteLate  = 5.0
)

// health watches the generator itself: what it uses of the cores it may use,
// and how late its goroutines run. run has to be running.
type health struct {
	cores int

	// mu guards what follows.
	mu    sync.Mutex
	late  []float64 // ms that ticks of the window came late, unsorted
	since usage     // at the begin of the window
	sched *metrics.Float64Histogram
}

// vitals is what health found in a window.
type vitals struct {
	share    float64 // of the cores, 0 to 1
	used     float64 // cores
	p50, p99 float64 // ms a tick of 1 ms comes late
	sched99  float64 // ms a goroutine that could run waits, by Go's scheduler
	limited  bool
	why      string
	note     string // where it was no limit, but delays are not exact
}

// maxLate bounds the ticks that are kept; later ones replace earlier ones.
const maxLate = 1 << 16

func newHealth() *health {
	h := &health{cores: max(1, min(runtime.NumCPU(), runtime.GOMAXPROCS(0)))}
	h.reset(time.Now())
	return h
}

// run samples until ctx ends. A ticker that coalesces would hide lateness, so
// each wait is measured by itself.
func (h *health) run(ctx context.Context) {
	const step = time.Millisecond
	timer := time.NewTimer(step)
	defer timer.Stop()
	// Each wake costs the generator some microseconds: 50 a second are enough
	// to see the tail of a window of seconds.
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	for n := 0; ; n++ {
		begin := time.Now()
		timer.Reset(step)
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		late := float64(time.Since(begin)-step) / float64(time.Millisecond)
		h.mu.Lock()
		if len(h.late) < maxLate {
			h.late = append(h.late, max(0, late))
		} else {
			h.late[n%maxLate] = max(0, late)
		}
		h.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
	}
}

// reset begins a window.
func (h *health) reset(now time.Time) {
	u, _ := readUsage(os.Getpid(), now) // without /proc the share stays 0
	sched := readSched()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.late, h.since, h.sched = h.late[:0], u, sched
}

// window returns what was found since reset.
func (h *health) window(now time.Time) vitals {
	h.mu.Lock()
	defer h.mu.Unlock()
	var v vitals
	if u, err := readUsage(os.Getpid(), now); err == nil && now.After(h.since.at) {
		v.used = (u.cpu - h.since.cpu).Seconds() / now.Sub(h.since.at).Seconds()
		v.share = v.used / float64(h.cores)
	}
	late := slices.Sorted(slices.Values(h.late))
	v.p50, v.p99 = quantile(late, 0.5), quantile(late, 0.99)
	v.sched99 = schedQuantile(h.sched, readSched(), 0.99)
	v.judge(h.cores)
	return v
}

// judge says whether the generator was a limit, and why, in plain words.
func (v *vitals) judge(cores int) {
	switch {
	case v.share > busyShare:
		v.limited = true
		v.why = fmt.Sprintf("the generator used %.0f %% of the %s it may use; more than %.0f %% delays what it measures: give it more cores or fewer participants",
			100*v.share, plural(cores, "core"), 100*busyShare)
	case v.p99 > lateSched:
		v.limited = true
		v.why = fmt.Sprintf("one in a hundred of the generator's own timers came %.1f ms late or more (%.0f ms are tolerable): other programs share its cores, so latencies here are upper bounds", v.p99, lateSched)
	case v.sched99 > lateSched:
		v.limited = true
		v.why = fmt.Sprintf("one in a hundred of the generator's goroutines waited %.1f ms or more for a core (%.0f ms are tolerable): give it more cores or fewer participants", v.sched99, lateSched)
	case max(v.p99, v.sched99) > noteLate:
		v.note = fmt.Sprintf("delays may be measured up to %.0f ms too long: so late did the tester's own timers or goroutines run in one case of a hundred", max(v.p99, v.sched99))
	}
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// heapInUse returns the bytes of live objects, stacks included. It collects
// garbage first: do not call it while something is measured.
func heapInUse() uint64 {
	runtime.GC()
	return readUint("/memory/classes/heap/objects:bytes") + readUint("/memory/classes/heap/stacks:bytes")
}

func readSched() *metrics.Float64Histogram {
	s := []metrics.Sample{{Name: "/sched/latencies:seconds"}}
	metrics.Read(s)
	if s[0].Value.Kind() != metrics.KindFloat64Histogram {
		return nil
	}
	h := s[0].Value.Float64Histogram()
	return &metrics.Float64Histogram{Counts: slices.Clone(h.Counts), Buckets: slices.Clone(h.Buckets)}
}

func readUint(name string) uint64 {
	s := []metrics.Sample{{Name: name}}
	metrics.Read(s)
	if s[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return s[0].Value.Uint64()
}

// schedQuantile returns the q-quantile of what b counts beyond a, in ms: the
// upper edge of its bucket.
func schedQuantile(a, b *metrics.Float64Histogram, q float64) float64 {
	if a == nil || b == nil || len(a.Counts) != len(b.Counts) {
		return 0
	}
	var all uint64
	for i := range b.Counts {
		all += b.Counts[i] - a.Counts[i]
	}
	if all == 0 {
		return 0
	}
	var sum uint64
	for i := range b.Counts {
		sum += b.Counts[i] - a.Counts[i]
		if float64(sum) >= q*float64(all) {
			edge := b.Buckets[i+1]
			if math.IsInf(edge, 1) {
				edge = b.Buckets[i]
			}
			return edge * 1000
		}
	}
	return 0
}

// quantile returns the q-quantile of sorted values, 0 of none.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// lateness returns how late, in ms, the ticks of the window came, sorted.
func (h *health) lateness() []float64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Sorted(slices.Values(h.late))
}
