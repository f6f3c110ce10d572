package jitter_test

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"earshot/spatialaudio/jitter"
	"earshot/spatialaudio/opus"
)

func speech(t testing.TB) []float32 {
	b, err := os.ReadFile("../opus/testdata/speech.s16")
	if err != nil {
		t.Fatal(err)
	}
	pcm := make([]float32, len(b)/2/jitter.FrameSamples*jitter.FrameSamples)
	for i := range pcm {
		pcm[i] = float32(int16(binary.LittleEndian.Uint16(b[2*i:]))) / 32768
	}
	return pcm
}

// encoded is the speech over and over.
func encoded(t testing.TB, frames int, cfg opus.EncoderConfig) (all [][]byte) {
	pcm := speech(t)
	var pool opus.Pool
	e, err := pool.Encoder(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for i := range frames {
		at := i * jitter.FrameSamples % len(pcm)
		p, err := e.Encode(nil, pcm[at:at+jitter.FrameSamples])
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

func decoder(t testing.TB) *opus.Decoder {
	var pool opus.Pool
	d, err := pool.Decoder(opus.DecoderConfig{Channels: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// Real speech, real codec: what a tenth of loss leaves of it with each kind of
// repair, against the same without loss.
func TestSpeechThroughLoss(t *testing.T) {
	const frames = 1000
	voice := opus.EncoderConfig{Channels: 1, Bitrate: 32000, Complexity: 5, Loss: 20}
	all := encoded(t, frames, voice)
	play := func(lost func(i int) bool, red bool) ([]float32, jitter.Stats) {
		b := jitter.New(time.Unix(0, 0))
		b.Attach(decoder(t))
		var out []float32
		tick := make([]float32, jitter.FrameSamples)
		for i, p := range all {
			now := time.Unix(0, 0).Add(time.Duration(i) * 20 * time.Millisecond)
			if !lost(i) {
				packet := jitter.Packet{Sequence: uint16(i), Timestamp: uint32(i) * jitter.FrameSamples, Payload: p}
				if red && i > 0 {
					before := all[i-1]
					b := []byte{0x80 | 111, jitter.FrameSamples >> 6, byte(jitter.FrameSamples&0x3f<<2) | byte(len(before)>>8), byte(len(before)), 111}
					packet.Payload, packet.RED = append(append(b, before...), p...), true
				}
				b.Push(now, packet)
			}
			b.Tick(now, tick)
			out = append(out, tick...)
		}
		return out, b.Stats()
	}
	r := rand.New(rand.NewPCG(1, 1))
	pattern := make([]bool, frames)
	for i := range pattern {
		pattern[i] = i > 100 && r.IntN(10) == 0
	}
	lost := func(i int) bool { return pattern[i] }
	whole, _ := play(func(int) bool { return false }, false)
	recovered, fec := play(lost, false)
	redundant, red := play(lost, true)
	a, c := snr(whole, recovered), snr(whole, redundant)
	t.Logf("a tenth lost: %.1f dB by FEC and concealment (%d and %d frames), %.1f dB by RED (%d frames)",
		a, fec.Recovered, fec.Concealed/jitter.FrameSamples, c, red.Redundant)
	if a < 5 || c < a+10 || fec.Recovered < 50 || red.Redundant < 70 {
		t.Errorf("a tenth lost: %.1f dB by FEC, %.1f dB by RED, %+v, %+v", a, c, fec, red)
	}
}

func snr(signal, other []float32) float64 {
	var s, d float64
	for i := range signal {
		s += float64(signal[i]) * float64(signal[i])
		e := float64(signal[i] - other[i])
		d += e * e
	}
	return 10 * math.Log10(s/(d+1e-12))
}

// Speech that is stretched keeps its level, and bends no sharper than speech does.
func TestStretchedSpeech(t *testing.T) {
	all := encoded(t, 1500, opus.EncoderConfig{Channels: 1, Application: opus.LowDelay, Bitrate: 64000})
	for _, ppm := range []float64{-2000, 0, 2000} { // ten times what any two quartzes do
		b := jitter.New(time.Unix(0, 0))
		b.Attach(decoder(t))
		tick := make([]float32, jitter.FrameSamples)
		var power, sharpest, x1, x2 float64
		n, sent := 0, 0
		for now := time.Unix(0, 0); sent < len(all); now = now.Add(20 * time.Millisecond) {
			for sent < len(all) && time.Duration(float64(sent)*20e6/(1+ppm/1e6)) <= now.Sub(time.Unix(0, 0)) {
				at := time.Unix(0, 0).Add(time.Duration(float64(sent) * 20e6 / (1 + ppm/1e6)))
				b.Push(at, jitter.Packet{Sequence: uint16(sent), Timestamp: uint32(sent) * jitter.FrameSamples, Payload: all[sent]})
				sent++
			}
			b.Tick(now, tick)
			for _, x := range tick {
				power += float64(x) * float64(x)
				sharpest = max(sharpest, math.Abs(float64(x)-2*x1+x2))
				x1, x2 = float64(x), x1
			}
			n += len(tick)
		}
		s := b.Stats()
		dB := 10 * math.Log10(power/float64(n))
		t.Logf("%+v ppm: %.2f dB, sharpest bend %.3f, %d removed, %d inserted, %d concealed, target %v, delay %v", ppm, dB, sharpest, s.Removed, s.Inserted, s.Concealed, b.Target(), b.Delay())
		if math.Abs(dB-level(speech(t))) > 1 || sharpest > 0.4 || s.Concealed > 10*jitter.FrameSamples {
			t.Errorf("%+v ppm: %.2f dB of %.2f, sharpest bend %.3f, %+v", ppm, dB, level(speech(t)), sharpest, s)
		}
	}
}

func level(pcm []float32) float64 {
	var sum float64
	for _, x := range pcm {
		sum += float64(x) * float64(x)
	}
	return 10 * math.Log10(sum/float64(len(pcm)))
}

func BenchmarkTick(b *testing.B) {
	all := encoded(b, 1000, opus.EncoderConfig{Channels: 1, Bitrate: 32000, Complexity: 5, Loss: 10})
	for name, c := range map[string]struct {
		attached bool
		every    int // of so many packets one is lost
	}{"heard": {true, 1 << 30}, "a tenth lost": {true, 10}, "unheard": {false, 1 << 30}} {
		b.Run(name, func(b *testing.B) {
			buf := jitter.New(time.Unix(0, 0))
			if c.attached {
				buf.Attach(decoder(b))
			}
			out, now, i := make([]float32, jitter.FrameSamples), time.Unix(0, 0), 0
			b.ReportAllocs()
			for b.Loop() {
				i++
				now = now.Add(20 * time.Millisecond)
				if i%c.every != 0 {
					buf.Push(now, jitter.Packet{Sequence: uint16(i), Timestamp: uint32(i) * jitter.FrameSamples, Payload: all[i%len(all)]})
				}
				buf.Tick(now, out)
			}
		})
	}
}
