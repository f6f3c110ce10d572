package desk

import (
	"context"
	"os"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestBeatsWhileListenersComeAndGo: what a listener who joins or leaves costs the
// others. It reports how long beats take for 100 listeners of 16 voices, in
// processor time of the one thread that does all of it, while nobody, and in
// each beat one of them, leaves and another comes: encoders and all else that a
// listener needs are made outside of the beat. EARSHOT_E2E=1 takes 3,000 beats
// of each, which p99.9 needs; else there are 8 listeners, and 50 beats.
func TestBeatsWhileListenersComeAndGo(t *testing.T) {
	listeners, beats, warm := 8, 50, 10
	measured := os.Getenv("EARSHOT_E2E") != ""
	if measured {
		listeners, beats, warm = 100, 3000, 50
	}
	old := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(old)
	synctest.Test(t, func(t *testing.T) {
		media, stop := newMedia(t)
		defer stop()
		ctx, cancel := context.WithCancel(t.Context())
		var ran sync.WaitGroup
		ran.Go(func() { check(t, media.Run(ctx)) })
		s := newBench(t, media, listeners, 16, false)
		turns, ended := make(chan struct{}), make(chan struct{})
		go func() { // as gateway does it, on goroutines of its own
			defer close(ended)
			for range turns {
				s.join()
				s.leave()
			}
		}()
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		var figures [2]timings
		for i := range figures {
			for n := range beats + warm {
				time.Sleep(time.Until(s.due.Add(beat)))
				s.speak()
				if i == 1 {
					turns <- struct{}{}
				}
				began := threadTime()
				s.desk.beat(s.due)
				if n >= warm {
					figures[i] = append(figures[i], threadTime()-began)
				}
			}
		}
		close(turns)
		<-ended
		for i, f := range figures {
			slices.Sort(f)
			over, _ := slices.BinarySearch(f, beat)
			t.Logf("%d listeners, of whom %d a second come and go, %d beats: p50 %.2f ms, p99 %.2f, p99.9 %.2f, most %.2f; %d above %v",
				listeners, i*50, len(f), f.at(0.5), f.at(0.99), f.at(0.999), f.at(1), len(f)-over, beat)
		}
		if still, moving := figures[0].at(0.5), figures[1].at(0.5); measured && moving > 1.5*still {
			t.Errorf("the median beat takes %.2f ms while listeners come and go, %.2f ms else", moving, still)
		}
		if len(s.ears) != listeners {
			t.Errorf("%d listen, want %d", len(s.ears), listeners)
		}
		for i, l := range s.ears[:len(s.ears)-1] { // the last has come just now
			if l.mixed.Load() == 0 {
				t.Errorf("nothing was mixed for listener %d of %d", i, len(s.ears))
			}
		}
		for _, l := range s.ears {
			l.Close()
		}
		s.desk.clear()
		cancel()
		ran.Wait()
	})
}

// timings are those of beats, sorted.
type timings []time.Duration

// at returns a quantile in ms.
func (t timings) at(share float64) float64 {
	return t[min(int(share*float64(len(t))), len(t)-1)].Seconds() * 1000
}

// threadTime is the processor time of this thread.
func threadTime() time.Duration {
	const thread = 1 // RUSAGE_THREAD
	var u syscall.Rusage
	if err := syscall.Getrusage(thread, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
