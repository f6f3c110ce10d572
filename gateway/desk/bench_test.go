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
	"earshot/spatialaudio/opus"

	"github.com/prometheus/client_golang/prometheus"
)

// newBench returns a desk whose beats a benchmark drives, with voices that sing
// and listeners who hear so many of them each and walk.
func newBench(b testing.TB, listeners, voices int) (beat func()) {
	cfg := sfu.DefaultConfig()
	cfg.UDP = "127.0.0.1:0"
	media, err := sfu.New(cfg, sfu.Deps{})
	check(b, err)
	desk := DefaultConfig()
	desk.Listeners = listeners
	d, err := New(desk, Deps{Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Metrics: prometheus.NewRegistry(), SFU: media, Opus: new(opus.Pool)})
	check(b, err)
	filters, err := d.filters()
	check(b, err)
	for range runtime.GOMAXPROCS(0) {
		d.workers = append(d.workers, d.newWorker(filters))
	}
	var sources []*sfu.Source
	var packets [][][]byte
	for i := range voices {
		sources = append(sources, media.NewSource(earshot.ParticipantID(fmt.Sprintf("pa_%d", i))))
		packets = append(packets, song(b, 200+50*float64(i)))
	}
	var ears []*Listener
	for range listeners {
		l, err := d.Listen()
		check(b, err)
		ears = append(ears, l)
	}
	due, n := time.Now(), 0
	list := make([]Voice, voices)
	return func() {
		due = due.Add(20 * time.Millisecond)
		for i, s := range sources {
			s.Write(packets[i][n%len(packets[i])], -20, due)
		}
		for j, l := range ears {
			if n > 2 && (n+j)%3 > 0 { // as often as gateway says where people are
				continue
			}
			for i := range list {
				at := float64(n)/50 + float64(i+j)
				list[i] = Voice{
					Publication: sources[i].Publication(), Gain: 0.3,
					Position: earshot.Vec3{X: float32(3 * math.Cos(at)), Y: 1.6, Z: float32(3 * math.Sin(at))},
				}
			}
			l.Set(ahead, list)
		}
		n++
		if !d.beat(due) {
			b.Fatal("nobody listens")
		}
	}
}

// song is a second of a tone with breath, as packets.
func song(b testing.TB, hertz float64) (packets [][]byte) {
	pool := new(opus.Pool)
	encoder, err := pool.Encoder(opus.EncoderConfig{Channels: 1, Application: opus.Voice, Bitrate: 32000})
	check(b, err)
	defer encoder.Close()
	random := rand.New(rand.NewPCG(1, 2))
	pcm := make([]float32, opus.FrameSamples)
	for n := range 50 {
		for i := range pcm {
			x := 2 * math.Pi * hertz * float64(n*len(pcm)+i) / opus.Rate
			pcm[i] = float32(0.1*math.Sin(x)) + (random.Float32()-0.5)/8
		}
		packet, err := encoder.Encode(nil, pcm)
		check(b, err)
		packets = append(packets, packet)
	}
	return packets
}

// BenchmarkBeat is all that the desk does in 20 ms: decoding, mixing, encoding.
// With -cpu 1 the figure us/listener says how many one core has time for.
func BenchmarkBeat(b *testing.B) {
	for _, c := range []struct{ listeners, voices int }{{50, 8}, {50, 16}, {50, 32}, {200, 16}} {
		b.Run(fmt.Sprintf("%dx%d", c.listeners, c.voices), func(b *testing.B) {
			beat := newBench(b, c.listeners, c.voices)
			for range 20 {
				beat()
			}
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				beat()
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*c.listeners), "us/listener")
		})
	}
}

// TestBeatAllocatesNothing: a beat of listeners who walk among voices that sound.
// gopus v0.1.1 looks for tones in each stereo frame with memory of its own
// (internal/celt/transient.go); that is not ours.
func TestBeatAllocatesNothing(t *testing.T) {
	old := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(old)
	const listeners = 8
	most := 0.0
	if opus.Implementation() == "gopus" {
		most = listeners
	}
	beat := newBench(t, listeners, 8)
	for range 100 {
		beat()
	}
	if n := testing.AllocsPerRun(100, beat); n > most {
		t.Errorf("%v allocations in a beat, want %v", n, most)
	}
}
