package journal

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"earshot"
	"earshot/moderation/policy"
)

// weak is a medium that fails when it is told to.
type weak struct {
	medium
	full bool  // writes fail, and leave nothing
	dead error // so does everything
}

func (w *weak) append(line []byte, before Head) (place, error) {
	if w.full || w.dead != nil {
		return place{}, earshot.Errorf(earshot.CodeUnavailable, "journal: no space left")
	}
	return w.medium.append(line, before)
}

func (w *weak) broken() error { return w.dead }

// A full disk refuses what comes and changes nothing; with room again the
// journal goes on, and the same incident may be written again.
func TestFullDisk(t *testing.T) {
	both(t, func(t *testing.T, k *kept) {
		ctx := t.Context()
		w := &weak{medium: k.lines}
		k.lines = w
		mute := policy.Act{Action: policy.Mute}
		must(t, k.Decide(ctx, incident("ic_1", ada, start, mute)))
		keys, head := k.ring.len(), k.Head()
		w.full = true
		wantCode(t, k.Decide(ctx, incident("ic_2", bob, start, mute)), earshot.CodeUnavailable)
		wantCode(t, k.Applied(ctx, Applied{Order: "or_ic_1", At: start}), earshot.CodeUnavailable)
		if open, _ := k.OpenOrders(ctx); len(open) != 1 || k.ring.len() != keys || k.Head() != head {
			t.Errorf("after a failed write: %d open orders, %d keys, want 1, %d", len(open), k.ring.len(), keys)
		}
		w.full = false
		must(t, k.Decide(ctx, incident("ic_2", bob, start, mute)))
		w.dead = errors.New("the disk is gone")
		wantCode(t, k.Decide(ctx, incident("ic_3", bob, start)), earshot.CodeUnavailable)
		if err := k.Decide(ctx, incident("ic_3", bob, start)); !errors.Is(err, w.dead) {
			t.Errorf("Decide after the disk was gone = %v", err)
		}
		if _, err := k.Item(ctx, "ic_2"); err != nil {
			t.Errorf("Item after the disk was gone = %v", err)
		}
		w.dead = nil
		k.again()
		if _, err := k.Item(ctx, "ic_2"); err != nil {
			t.Error(err)
		}
		k.fail = nil
	})
}

func TestReadsWhatItCannotOpen(t *testing.T) {
	both(t, func(t *testing.T, k *kept) {
		must(t, k.Decide(t.Context(), incident("ic_1", ada, start)))
		for _, s := range k.ring.slots {
			s.key[0] ^= 1
		}
		item, err := k.Read(t.Context(), Access{Incident: "ic_1", By: "mo", At: start})
		must(t, err)
		if item.Text != "" || !item.Shredded {
			t.Errorf("Read with a wrong key = %q", item.Text)
		}
	})
}

// BenchmarkDecide is with a real disk; together, callers share an fsync.
func BenchmarkDecide(b *testing.B) {
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) {
			j, err := Open(b.TempDir(), Config{})
			if err != nil {
				b.Fatal(err)
			}
			defer j.Close()
			var n atomic.Int64
			b.SetParallelism((callers + 1) / 2)
			decide := func() {
				who := earshot.ParticipantID(fmt.Sprint("pa_", n.Add(1)%1000))
				if err := j.Decide(b.Context(), incident("", who, start)); err != nil {
					b.Error(err)
				}
			}
			if callers == 1 {
				for b.Loop() {
					decide()
				}
				return
			}
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					decide()
				}
			})
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	j, err := Open(dir, Config{})
	if err != nil {
		b.Fatal(err)
	}
	const incidents = 2000
	for i := range incidents {
		if err := j.Decide(b.Context(), incident("", earshot.ParticipantID(fmt.Sprint("pa_", i%100)), start)); err != nil {
			b.Fatal(err)
		}
	}
	j.Close()
	for b.Loop() {
		j, err := Open(dir, Config{})
		if err != nil {
			b.Fatal(err)
		}
		j.Close()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/incidents, "us/incident")
}
