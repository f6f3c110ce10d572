package binaural

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"syscall"
	"testing"

	"earshot"
	"earshot/spatialaudio/anchor"
	"earshot/spatialaudio/opus"
)

// crowd is listeners among sources, as many as a core may have.
type crowd struct {
	mixer     *Mixer
	sources   []Source
	listeners []Listener
	heads     []earshot.Transform
	heard     [][]Heard
	out       Stereo
	tick      int
}

// newCrowd puts listeners into a hall of 30 by 30 metres, each of whom hears n
// of 64 voices.
func newCrowd(listeners, n int) *crowd {
	_, filters := kemar()
	rng := rand.New(rand.NewPCG(7, 7))
	c := &crowd{mixer: NewMixer(filters), sources: make([]Source, 64), listeners: make([]Listener, listeners), heads: make([]earshot.Transform, listeners)}
	for i := range c.sources {
		c.sources[i].Analyse(c.mixer, noise(rng, 0.1))
	}
	place := func() earshot.Vec3 {
		return earshot.Vec3{X: 30 * rng.Float32(), Y: 1.5 + rng.Float32()/5, Z: 30 * rng.Float32()}
	}
	for i := range c.listeners {
		c.heads[i] = earshot.Transform{Position: place(), Rotation: earshot.YawQuat(6 * rng.Float32())}
		var heard []Heard
		for _, s := range rng.Perm(len(c.sources))[:n] {
			heard = append(heard, Heard{Source: &c.sources[s], Position: place(), Gain: 0.01 + rng.Float32()})
		}
		c.heard = append(c.heard, heard)
	}
	return c
}

// furnish puts half of the voices behind walls, and gives eight of each listener a
// room that sounds, as many as gateway/desk does.
func (c *crowd) furnish() {
	rng := rand.New(rand.NewPCG(8, 8))
	wet := make([]Wet, len(c.sources))
	for i := range wet {
		wet[i].Analyse(c.mixer, noise(rng, 0.1), noise(rng, 0.1))
	}
	for _, heard := range c.heard {
		for i := range heard {
			for s := range c.sources {
				if heard[i].Source == &c.sources[s] {
					heard[i].WallDB = float32(9 * (i % 2))
					if i < 8 {
						heard[i].Wet = &wet[s]
					}
				}
			}
		}
	}
}

// mix serves one listener, whose head turns so fast that everything moves.
func (c *crowd) mix(moving bool) {
	i := c.tick % len(c.listeners)
	if moving {
		c.heads[i].Rotation = earshot.YawQuat(float32(c.tick/len(c.listeners)) * 0.1)
	}
	c.mixer.Mix(&c.listeners[i], c.heads[i], c.heard[i], &c.out)
	c.tick++
}

// anchored renders n voices for one listener after the other in the way of
// package anchor.
type anchored struct {
	pairs [][]anchor.Pair
	ears  [8][2][anchor.Taps]float32
	in    [anchor.Block]float32
	out   [2 * anchor.Block]float32
	tick  int
}

func newAnchored(listeners, n int) *anchored {
	a := &anchored{}
	for range listeners {
		a.pairs = append(a.pairs, make([]anchor.Pair, n))
	}
	rng := rand.New(rand.NewPCG(8, 8))
	for i := range a.ears {
		for ear := range a.ears[i] {
			for k := range a.ears[i][ear] {
				a.ears[i][ear][k] = rng.Float32() - 0.5
			}
		}
	}
	for i := range a.in {
		a.in[i] = rng.Float32() - 0.5
	}
	return a
}

// mix renders 20 ms: so many blocks of 240 samples.
func (a *anchored) mix(blocks int) {
	pairs := a.pairs[a.tick%len(a.pairs)]
	for range blocks {
		clear(a.out[:])
		for i := range pairs {
			ears := &a.ears[(i+a.tick)%len(a.ears)]
			pairs[i].Move(&ears[0], &ears[1], i%anchor.MaxDelay, 5)
			pairs[i].Render(&a.out, &a.in, 0.5)
		}
	}
	a.tick++
}

// measure runs f and reports the processor time of the thread beside the time
// that passes: on a machine with other work only the former says what f costs.
func measure(b *testing.B, f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const thread = 1 // RUSAGE_THREAD
	used := func() int64 {
		var u syscall.Rusage
		if err := syscall.Getrusage(thread, &u); err != nil {
			b.Fatal(err)
		}
		return u.Utime.Nano() + u.Stime.Nano()
	}
	start := used()
	for b.Loop() {
		f()
	}
	b.ReportMetric(float64(used()-start)/float64(b.N), "cpu-ns/op")
}

// BenchmarkListener is 20 ms of one listener of 200, without the encoder: ours
// and the anchor's at its own 24 kHz and at ours. Run it several times over,
// rather than with -count, so that they take turns.
func BenchmarkListener(b *testing.B) {
	for _, n := range []int{8, 16, 32} {
		for _, moving := range []bool{false, true} {
			c := newCrowd(200, n)
			for range 2 * len(c.listeners) {
				c.mix(moving)
			}
			name := map[bool]string{false: "static", true: "moving"}[moving]
			b.Run(fmt.Sprintf("sources=%d/%s", n, name), func(b *testing.B) {
				measure(b, func() { c.mix(moving) })
			})
		}
		c := newCrowd(200, n)
		c.furnish()
		b.Run(fmt.Sprintf("sources=%d/moving-in-rooms", n), func(b *testing.B) {
			for range 2 * len(c.listeners) {
				c.mix(true)
			}
			measure(b, func() { c.mix(true) })
		})
		a := newAnchored(200, n)
		b.Run(fmt.Sprintf("sources=%d/anchor-24kHz", n), func(b *testing.B) {
			measure(b, func() { a.mix(2) })
		})
		b.Run(fmt.Sprintf("sources=%d/anchor-48kHz", n), func(b *testing.B) {
			measure(b, func() { a.mix(4) })
		})
	}
}

// BenchmarkServed is 20 ms of one listener of 40 with the encoder: 16 voices of 64
// that all speak and move, analysed for all. The encoder is that of the build.
func BenchmarkServed(b *testing.B) {
	raw, err := os.ReadFile("../opus/testdata/speech.s16")
	if err != nil {
		b.Fatal(err)
	}
	speech := make([]float32, len(raw)/2)
	for i := range speech {
		speech[i] = float32(int16(binary.LittleEndian.Uint16(raw[2*i:]))) / (1 << 18)
	}
	for _, bitrate := range []int{48000, 64000} {
		c := newCrowd(40, 16)
		pool, encoders := new(opus.Pool), make([]*opus.Encoder, len(c.listeners))
		for i := range encoders {
			if encoders[i], err = pool.Encoder(opus.EncoderConfig{Channels: 2, Application: opus.LowDelay, Bitrate: bitrate}); err != nil {
				b.Fatal(err)
			}
			defer encoders[i].Close()
		}
		packet := make([]byte, 0, opus.MaxPacket)
		b.Run(fmt.Sprintf("bitrate=%d", bitrate), func(b *testing.B) {
			measure(b, func() {
				i := c.tick % len(c.listeners)
				if i == 0 {
					for s := range c.sources {
						at := (c.tick/len(c.listeners)*Block + s*1500) % (len(speech) - Block)
						c.sources[s].Analyse(c.mixer, (*[Block]float32)(speech[at:]))
					}
				}
				c.mix(true)
				if packet, err = encoders[i].Encode(packet[:0], c.out[:]); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}

func BenchmarkAnalyse(b *testing.B) {
	_, filters := kemar()
	m, s := NewMixer(filters), new(Source)
	block := noise(rand.New(rand.NewPCG(1, 1)), 0.5)
	measure(b, func() { s.Analyse(m, block) })
}

func BenchmarkNewFilters(b *testing.B) {
	table, _ := kemar()
	for b.Loop() {
		if _, err := NewFilters(table); err != nil {
			b.Fatal(err)
		}
	}
}
