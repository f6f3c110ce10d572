package desk

import (
	"context"
	"io"
	"log/slog"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"earshot"
	"earshot/sfu"
	"earshot/spatialaudio/opus"
	"earshot/spatialaudio/reverb"

	"github.com/pion/logging"
	"github.com/pion/transport/v4/vnet"
	"github.com/prometheus/client_golang/prometheus"
)

// room is a desk and its SFU, in a bubble whose time a test lets pass.
type room struct {
	t    *testing.T
	sfu  *sfu.SFU
	desk *Desk
	pool opus.Pool
}

func inRoom(t *testing.T, cfg Config, f func(r *room)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &room{t: t}
		media, stop := newMedia(t)
		r.sfu = media
		var err error
		r.desk, err = New(cfg, Deps{
			Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Metrics: prometheus.NewRegistry(), SFU: r.sfu, Opus: &r.pool,
		})
		check(t, err)
		ctx, cancel := context.WithCancel(context.Background())
		var ran sync.WaitGroup
		ran.Go(func() { check(t, r.sfu.Run(ctx)) })
		ran.Go(func() { check(t, r.desk.Run(ctx)) })
		f(r)
		cancel()
		ran.Wait()
		stop()
	})
}

// newMedia is an SFU on a simulated network.
func newMedia(t *testing.T) (media *sfu.SFU, stop func()) {
	router, err := vnet.NewRouter(&vnet.RouterConfig{CIDR: "10.0.0.0/16", LoggerFactory: logging.NewDefaultLoggerFactory()})
	check(t, err)
	n, err := vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{"10.0.0.1"}})
	check(t, err)
	check(t, router.AddNet(n))
	check(t, router.Start())
	cfg := sfu.DefaultConfig()
	cfg.UDP = "10.0.0.1:3478"
	media, err = sfu.New(cfg, sfu.Deps{Net: n})
	check(t, err)
	return media, func() { check(t, router.Stop()) }
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// singer says one tone until its context ends.
type singer struct {
	source *sfu.Source
	id     earshot.ParticipantID
	done   chan struct{}
}

func (r *room) sing(ctx context.Context, id string, hertz float64) *singer {
	s := &singer{source: r.sfu.NewSource(earshot.ParticipantID(id)), id: earshot.ParticipantID(id), done: make(chan struct{})}
	encoder, err := r.pool.Encoder(opus.EncoderConfig{Channels: 1, Application: opus.LowDelay, Bitrate: 64000})
	check(r.t, err)
	go func() {
		defer close(s.done)
		defer encoder.Close()
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		pcm := make([]float32, opus.FrameSamples)
		for at := 0; ; at += len(pcm) {
			select {
			case <-ctx.Done():
				return
			case now := <-ticker.C:
				for i := range pcm {
					pcm[i] = float32(0.2 * math.Sin(2*math.Pi*hertz*float64(at+i)/opus.Rate))
				}
				packet, err := encoder.Encode(nil, pcm)
				check(r.t, err)
				s.source.Write(packet, -20, now)
			}
		}
	}()
	return s
}

func (s *singer) at(x, y, z float32) Voice {
	return Voice{Publication: s.source.Publication(), Position: earshot.Vec3{X: x, Y: y, Z: z}, Gain: 1}
}

// tape is what a listener got.
type tape struct {
	mu      sync.Mutex
	tap     *sfu.Tap
	decoder *opus.Decoder
	pcm     []float32 // stereo
	packets int
	bytes   int
}

func (r *room) tape(l *Listener) *tape { return r.tapeOf(l.Publication()) }

// tapeOf records a mix or a bed.
func (r *room) tapeOf(p *sfu.Publication) *tape {
	decoder, err := r.pool.Decoder(opus.DecoderConfig{Channels: 2})
	check(r.t, err)
	tp := &tape{decoder: decoder}
	buffer := make([]float32, decoder.MaxSamples())
	tp.tap = r.sfu.NewTap(func(_ *sfu.Publication, _ uint16, _ uint32, packet []byte) {
		tp.mu.Lock()
		defer tp.mu.Unlock()
		n, err := tp.decoder.Decode(packet, buffer)
		check(r.t, err)
		tp.pcm = append(tp.pcm, buffer[:2*n]...)
		tp.packets++
		tp.bytes += len(packet)
	})
	tp.tap.SetVoice([]*sfu.Publication{p})
	return tp
}

func (tp *tape) close() {
	tp.tap.Close()
	tp.decoder.Close()
}

// cut returns what came since the last cut.
func (tp *tape) cut() []float32 {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	pcm := tp.pcm
	tp.pcm, tp.packets, tp.bytes = nil, 0, 0
	return pcm
}

// tone returns how loud a frequency is in an ear (0 left, 1 right), in dBFS.
func tone(pcm []float32, ear int, hertz float64) float64 {
	var sin, cos float64
	n := len(pcm) / 2
	for i := range n {
		x := 2 * math.Pi * hertz * float64(i) / opus.Rate
		sin += float64(pcm[2*i+ear]) * math.Sin(x)
		cos += float64(pcm[2*i+ear]) * math.Cos(x)
	}
	return 10 * math.Log10(4*(sin*sin+cos*cos)/float64(n)/float64(n)+1e-12)
}

var ahead = earshot.Transform{Rotation: earshot.Identity}

// TestSides: who stands at the left is louder in the left ear, and after turning
// round in the right one; both sing at once and neither is lost.
func TestSides(t *testing.T) {
	inRoom(t, DefaultConfig(), func(r *room) {
		ctx, stop := context.WithCancel(context.Background())
		left, right := r.sing(ctx, "pa_left", 1200), r.sing(ctx, "pa_right", 1700)
		l, err := r.desk.Listen()
		check(t, err)
		tp := r.tape(l)
		voices := []Voice{left.at(-2, 0, 0), right.at(2, 0, 0)}
		for _, c := range []struct {
			name string
			head earshot.Transform
			sign float64
		}{
			{"ahead", ahead, 1},
			{"turned round", earshot.Transform{Rotation: earshot.Quat{Y: 1}}, -1},
		} {
			l.Set(c.head, voices)
			time.Sleep(400 * time.Millisecond)
			tp.cut()
			time.Sleep(time.Second)
			pcm := tp.cut()
			if len(pcm) < 2*opus.Rate*9/10 {
				t.Fatalf("%s: %d samples came in a second", c.name, len(pcm)/2)
			}
			for hertz, side := range map[float64]float64{1200: 1, 1700: -1} {
				own, other := tone(pcm, 0, hertz), tone(pcm, 1, hertz)
				if difference := (own - other) * side * c.sign; difference < 5 || max(own, other) < -35 {
					t.Errorf("%s: %g Hz is %.1f dBFS in the left ear, %.1f in the right", c.name, hertz, own, other)
				}
			}
		}
		if !l.Ready() {
			t.Error("the mix is not ready after seconds")
		}
		stop()
		<-left.done
		<-right.done
		tp.close()
		l.Close()
	})
}

// TestForbidden: with Deny done, or Silence of a muted voice, nothing of it is in
// a later packet, neither faded nor in the memory of the encoder; the other goes
// on. What was allowed again comes back.
func TestForbidden(t *testing.T) {
	for _, kind := range []reverb.Kind{reverb.Dry, reverb.Hall} {
		forbidden(t, kind)
	}
}

func forbidden(t *testing.T, kind reverb.Kind) {
	inRoom(t, DefaultConfig(), func(r *room) {
		ctx, stop := context.WithCancel(context.Background())
		a, b := r.sing(ctx, "pa_a", 1200), r.sing(ctx, "pa_b", 2500)
		l, err := r.desk.Listen()
		check(t, err)
		tp := r.tape(l)
		voices := []Voice{a.at(-2, 0, -1), b.at(2, 0, -1)}
		l.SetRoom(kind)
		l.Set(ahead, voices)
		time.Sleep(time.Second)
		const gone, there = -65, -40 // 2.5 ms of it in the first 40 would be -33
		for _, c := range []struct {
			name          string
			forbid, allow func()
		}{
			{"denied", func() { l.Deny(a.id, true); l.Set(ahead, voices) }, func() { l.Deny(a.id, false); l.Set(ahead, voices) }},
			{
				"denied while it fades",
				func() { l.Set(ahead, voices[1:]); l.Deny(a.id, true) },
				func() { l.Deny(a.id, false); l.Set(ahead, voices) },
			},
			{
				"muted",
				func() { a.source.Publication().SetMuted(true); r.desk.Silence(a.source.Publication()) },
				func() { a.source.Publication().SetMuted(false) },
			},
		} {
			synctest.Wait()
			c.forbid()
			tp.cut()
			// A decoder remembers what it was sent: one of its own shows what packets hold.
			tp.mu.Lock()
			tp.decoder.Reset()
			tp.mu.Unlock()
			time.Sleep(time.Second)
			pcm := tp.cut()
			start := pcm[:2*opus.Rate/25] // 40 ms
			if tone(start, 0, 1200) > gone || tone(pcm, 0, 1200) > gone || tone(pcm, 1, 2500) < there {
				t.Errorf("%s, %s: the forbidden is at %.0f dBFS at first and %.0f then, the other at %.0f",
					c.name, kind, tone(start, 0, 1200), tone(pcm, 0, 1200), tone(pcm, 1, 2500))
			}
			c.allow()
			time.Sleep(time.Second)
			if pcm := tp.cut(); tone(pcm[len(pcm)/2:], 0, 1200) < there {
				t.Errorf("%s: allowed again it is at %.0f dBFS", c.name, tone(pcm, 0, 1200))
			}
		}
		stop()
		<-a.done
		<-b.done
		tp.close()
		l.Close()
	})
}

// TestRest: a mix in which nobody sounds is not sent, decoders go back to the
// pool, and a desk that is full says so.
func TestRest(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Listeners = 1
	inRoom(t, cfg, func(r *room) {
		ctx, stop := context.WithCancel(context.Background())
		a := r.sing(ctx, "pa_a", 1200)
		l, err := r.desk.Listen()
		check(t, err)
		if _, err := r.desk.Listen(); earshot.CodeOf(err) != earshot.CodeResourceExhausted {
			t.Errorf("a second listener: %v", err)
		}
		tp := r.tape(l)
		l.Set(ahead, []Voice{a.at(0, 0, -2)})
		time.Sleep(time.Second)
		tp.mu.Lock()
		if rate := tp.bytes * 8; tp.packets < 45 || rate > cfg.Bitrate*12/10 {
			t.Errorf("%d packets of %d bit in a second", tp.packets, rate)
		}
		tp.mu.Unlock()
		stop()
		<-a.done
		time.Sleep(time.Second)
		tp.cut()
		time.Sleep(3 * time.Second)
		if n := len(tp.cut()); n > 0 {
			t.Errorf("%d samples of silence came", n/2)
		}
		if encoders, decoders := r.pool.InUse(); decoders != 1 || encoders != 1 { // tp's, and the mix's
			t.Errorf("%d encoders and %d decoders are in use in silence", encoders, decoders)
		}
		tp.close()
		l.Close()
		if encoders, decoders := r.pool.InUse(); encoders+decoders != 0 {
			t.Errorf("%d encoders and %d decoders are in use at the end", encoders, decoders)
		}
	})
}

// TestSilencedAsNobodyListens: a talker is muted in the moment in which the last
// listener goes, so that their voice is let go by one and flushed by the other.
func TestSilencedAsNobodyListens(t *testing.T) {
	inRoom(t, DefaultConfig(), func(r *room) {
		source := r.sfu.NewSource("pa_a")
		a := &singer{source: source, id: "pa_a"}
		for range 500 {
			l, err := r.desk.Listen()
			check(t, err)
			l.Set(ahead, []Voice{a.at(0, 0, -2)})
			time.Sleep(beat)
			synctest.Wait()
			l.Close()
			var muting sync.WaitGroup
			muting.Go(func() {
				time.Sleep(beat) // as the beat finds that nobody is there
				for range 10 {
					r.desk.Silence(source.Publication())
				}
			})
			muting.Wait()
			synctest.Wait()
		}
		source.Close()
	})
}
