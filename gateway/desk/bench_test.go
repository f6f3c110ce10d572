package desk

import (
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"earshot"
	"earshot/sfu"
	"earshot/spatialaudio/opus"
	"earshot/spatialaudio/reverb"

	"github.com/prometheus/client_golang/prometheus"
)

// bench is a desk whose beats a benchmark drives, with voices that sing and
// listeners who hear all of them and walk.
type bench struct {
	b       testing.TB
	desk    *Desk
	sources []*sfu.Source
	packets [][][]byte
	due     time.Time
	n       int
	list    []Voice
	rooms   bool // everybody is in a hall, behind walls

	mu    sync.Mutex
	ears  []ear
	joins int
}

// ear is a listener, and who they are of all that came.
type ear struct {
	*Listener
	number int
}

func newBench(b testing.TB, media *sfu.SFU, listeners, voices int, rooms bool) *bench {
	desk := DefaultConfig()
	desk.Listeners = listeners + 1
	d, err := New(desk, Deps{Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Metrics: prometheus.NewRegistry(), SFU: media, Opus: new(opus.Pool)})
	check(b, err)
	filters, err := d.filters()
	check(b, err)
	for range runtime.GOMAXPROCS(0) {
		d.workers = append(d.workers, d.newWorker(filters))
	}
	s := &bench{rooms: rooms, b: b, desk: d, due: time.Now(), list: make([]Voice, voices)}
	for i := range voices {
		s.sources = append(s.sources, media.NewSource(earshot.ParticipantID(fmt.Sprintf("pa_%d", i))))
		s.packets = append(s.packets, song(b, 200+50*float64(i)))
	}
	for range listeners {
		s.join()
	}
	return s
}

// join is a listener who comes.
func (s *bench) join() {
	l, err := s.desk.Listen()
	check(s.b, err)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.joins++
	if s.rooms {
		l.SetRoom(reverb.Hall)
	}
	l.Set(ahead, s.around(s.joins))
	s.ears = append(s.ears, ear{l, s.joins})
}

// leave is the one who has been there for longest.
func (s *bench) leave() {
	s.mu.Lock()
	l := s.ears[0]
	s.ears = s.ears[1:]
	s.mu.Unlock()
	l.Close()
}

// speak has everybody say the next 20 ms, and the gateway say where people are,
// as often as it does.
func (s *bench) speak() {
	s.due = s.due.Add(20 * time.Millisecond)
	for i, source := range s.sources {
		source.Write(s.packets[i][s.n%len(s.packets[i])], -20, s.due)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
	for _, l := range s.ears {
		if (s.n+l.number)%3 == 0 {
			l.Set(ahead, s.around(l.number))
		}
	}
}

// around is where the voices are for a listener now. mu is held.
func (s *bench) around(number int) []Voice {
	for i := range s.list {
		at := float64(s.n)/50 + float64(i+number)
		s.list[i] = Voice{
			Publication: s.sources[i].Publication(), Gain: 0.3,
			Position: earshot.Vec3{X: float32(3 * math.Cos(at)), Y: 1.6, Z: float32(3 * math.Sin(at))},
		}
		if s.rooms {
			s.list[i].WallDB = 6
		}
	}
	return s.list
}

// beat is 20 ms of it.
func (s *bench) beat() {
	s.speak()
	if !s.desk.beat(s.due) {
		s.b.Fatal("nobody listens")
	}
}

// onSockets is an SFU that nobody talks to.
func onSockets(b testing.TB) *sfu.SFU {
	cfg := sfu.DefaultConfig()
	cfg.UDP = "127.0.0.1:0"
	media, err := sfu.New(cfg, sfu.Deps{})
	check(b, err)
	return media
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
	for _, c := range []struct {
		listeners, voices int
		rooms             bool
	}{{50, 8, false}, {50, 16, false}, {50, 16, true}, {50, 32, false}, {200, 16, false}} {
		b.Run(fmt.Sprintf("%dx%d/rooms=%t", c.listeners, c.voices, c.rooms), func(b *testing.B) {
			beat := newBench(b, onSockets(b), c.listeners, c.voices, c.rooms).beat
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
	beat := newBench(t, onSockets(t), listeners, 8, true).beat
	least := math.Inf(1)
	for range 15 { // memory grows at first; where the machine stalls, packets are late, and gopus takes memory to conceal
		if least = min(least, testing.AllocsPerRun(20, beat)); least <= most {
			return
		}
	}
	t.Errorf("%v allocations in a beat, want %v", least, most)
}
