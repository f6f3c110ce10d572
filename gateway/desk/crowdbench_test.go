package desk

import (
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"earshot"
	"earshot/sfu"
	"earshot/spatialaudio"
	"earshot/spatialaudio/opus"
	"earshot/spatialaudio/talker"

	"github.com/prometheus/client_golang/prometheus"
)

// newCrowdBench returns a desk whose beats a benchmark drives: a crowd on a spot
// of 9 m, of whom the first so many talk, with ears of a mix and others of slots.
// It leaves out what a beat does for each talker: what they say is always the
// same. plan makes the next plan.
func newCrowdBench(b testing.TB, people, talkers, mixes int) (beat, plan func(), d *Desk) {
	cfg := sfu.DefaultConfig()
	cfg.UDP = "127.0.0.1:0"
	media, err := sfu.New(cfg, sfu.Deps{})
	check(b, err)
	config := DefaultConfig()
	config.Listeners = mixes
	d, err = New(config, Deps{Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Metrics: prometheus.NewRegistry(), SFU: media, Opus: new(opus.Pool)})
	check(b, err)
	filters, err := d.filters()
	check(b, err)
	for range runtime.GOMAXPROCS(0) {
		d.workers = append(d.workers, d.newWorker(filters))
	}
	c := d.NewCrowd(people)
	curve := spatialaudio.DefaultCurve()
	random := rand.New(rand.NewPCG(1, 2))
	var frame talker.Frame
	for i := range frame {
		frame[i] = (random.Float32() - 0.5) / 8
	}
	var list []Person
	for i := range people {
		id := earshot.ParticipantID(fmt.Sprintf("pa_%d", i))
		p := Person{
			ID: c.Enter(id), LevelDB: -127, Beds: 4, Alone: 8,
			Position: earshot.Vec3{X: random.Float32()*18 - 9, Y: 1.6, Z: random.Float32()*18 - 9},
		}
		if i < talkers {
			p.Microphone, p.Talks, p.LevelDB = media.NewSource(id).Publication(), true, -20-10*random.Float32()
		}
		if i < mixes {
			l, err := d.Listen()
			check(b, err)
			l.Set(earshot.Transform{Position: p.Position, Rotation: earshot.Identity}, nil)
			p.Mix, p.Beds = l, 8
		}
		list = append(list, p)
	}
	due, n := time.Now(), int64(0)
	beat = func() {
		due = due.Add(20 * time.Millisecond)
		n++
		if !d.gather(n) {
			b.Fatal("nobody listens")
		}
		for _, v := range d.playing {
			v.frame = &frame
		}
		d.share(bedding, len(d.bedding), n, due)
		d.share(mixing, len(d.mixing), n, due)
	}
	at := due
	plan = func() {
		at = at.Add(PlanEvery)
		c.Look(list, &curve)
		d.planning.Lock()
		(<-d.plans).replan(at)
		d.planning.Unlock()
	}
	return beat, plan, d
}

// TestBedsAllocateNothing: a beat with beds for mixes and for slots.
func TestBedsAllocateNothing(t *testing.T) {
	old := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(old)
	const mixes = 6
	beat, plan, d := newCrowdBench(t, 60, 30, mixes)
	most := 0.0
	if opus.Implementation() == "gopus" { // see TestBeatAllocatesNothing
		most = mixes
	}
	for range 5 {
		plan()
		for range 20 {
			beat()
		}
	}
	if n := sounding(d); n < 4 {
		t.Fatalf("%d of %d beds sound, want some", n, len(d.bedding))
	}
	least := math.Inf(1)
	for range 10 { // encoders' memory grows at first; and a machine that stalls makes gopus conceal
		if least = min(least, testing.AllocsPerRun(20, beat)); least <= most {
			return
		}
	}
	t.Errorf("%v allocations in a beat with %d beds, want %v", least, len(d.bedding), most)
}

// BenchmarkCrowd is what the desk does in 20 ms for a crowd on a spot of whom a
// third talk at once, but for decoding them: beds, and mixes in which there is
// nothing else; and, four times a second, the plan.
func BenchmarkCrowd(b *testing.B) {
	for _, c := range []struct{ people, mixes int }{{300, 0}, {300, 100}, {1000, 0}} {
		b.Run(fmt.Sprintf("%d-%d", c.people, c.mixes), func(b *testing.B) {
			beat, plan, d := newCrowdBench(b, c.people, c.people/3, c.mixes)
			for range 3 {
				plan()
				for range 12 {
					beat()
				}
			}
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				beat()
			}
			b.StopTimer()
			began := time.Now()
			plan()
			b.ReportMetric(float64(time.Since(began).Microseconds()), "us/plan")
			b.ReportMetric(float64(sounding(d)), "beds")
		})
	}
}

// sounding counts the beds with sound in them.
func sounding(d *Desk) (n int) {
	for _, b := range d.bedding {
		if b.quiet == 0 {
			n++
		}
	}
	return n
}
