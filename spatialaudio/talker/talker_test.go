package talker_test

import (
	"encoding/binary"
	"math"
	"os"
	"testing"
	"time"

	"earshot"
	"earshot/spatialaudio/jitter"
	"earshot/spatialaudio/loudness"
	"earshot/spatialaudio/opus"
	"earshot/spatialaudio/talker"
)

// pool lends decoders as gateway will.
type pool struct{ opus.Pool }

func (p *pool) Take() (jitter.Decoder, error) {
	d, err := p.Decoder(opus.DecoderConfig{Channels: 1})
	if err != nil {
		return nil, err
	}
	return d, nil
}

func (p *pool) Return(d jitter.Decoder) { d.(*opus.Decoder).Close() }

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

// encode repeats the speech, as loud as gain says.
func encode(t testing.TB, p *pool, frames int, gain float32) (all [][]byte) {
	pcm := speech(t)
	for i := range pcm {
		pcm[i] *= gain
	}
	e, err := p.Encoder(opus.EncoderConfig{Channels: 1, Application: opus.LowDelay, Bitrate: 32000})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for i := range frames {
		at := i * jitter.FrameSamples % len(pcm)
		b, err := e.Encode(nil, pcm[at:at+jitter.FrameSamples])
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
	return all
}

func epoch(tick int) time.Time {
	return time.Unix(100, 0).Add(time.Duration(tick) * 20 * time.Millisecond)
}

func packet(i int, payload []byte) jitter.Packet {
	return jitter.Packet{SSRC: 1, Sequence: uint16(i), Timestamp: uint32(i) * jitter.FrameSamples, Payload: payload}
}

// A whisper and a shout, 16 dB apart, come out equally
// loud.
func TestEquallyLoud(t *testing.T) {
	var p pool
	var power [2]float64
	var gain [2]float64
	for who, loud := range []float32{0.3, 1.9} {
		const frames = 1500
		all := encode(t, &p, frames, loud)
		v := talker.New(epoch(0), loudness.DefaultConfig(), &p)
		if err := v.Listen(true); err != nil {
			t.Fatal(err)
		}
		for i, b := range all {
			v.Push(epoch(i), packet(i, b))
			frame, sound := v.Tick(epoch(i))
			if i < frames*2/3 || !sound {
				continue
			}
			for _, x := range frame {
				power[who] += float64(x) * float64(x)
			}
		}
		gain[who] = v.GainDB()
		v.Close()
	}
	apart := 10 * math.Log10(power[1]/power[0])
	t.Logf("16 dB apart going in, %.2f dB coming out (gains %.1f and %.1f dB)", apart, gain[0], gain[1])
	if math.Abs(apart) > 1.5 {
		t.Errorf("16 dB apart going in, %.2f dB coming out (gains %.1f and %.1f dB)", apart, gain[0], gain[1])
	}
	if encoders, decoders := p.InUse(); encoders+decoders > 0 {
		t.Errorf("%d encoders and %d decoders in use after Close", encoders, decoders)
	}
}

// Decoders are used by those who are heard alone, and where there are too few
// the others wait without harm.
func TestDecodersAreLent(t *testing.T) {
	p := pool{opus.Pool{MaxDecoders: 1}}
	all := encode(t, &p, 100, 1)
	a, b := talker.New(epoch(0), loudness.DefaultConfig(), &p), talker.New(epoch(0), loudness.DefaultConfig(), &p)
	if err := a.Listen(true); err != nil {
		t.Fatal(err)
	}
	if err := b.Listen(true); earshot.CodeOf(err) != earshot.CodeResourceExhausted {
		t.Fatalf("a second decoder: %v, want resource_exhausted", err)
	}
	heard := [2]int{}
	for i, payload := range all {
		for who, v := range []*talker.Talker{a, b} {
			v.Push(epoch(i), packet(i, payload))
			if _, sound := v.Tick(epoch(i)); sound {
				heard[who]++
			}
		}
		if i == 49 {
			if heard[1] > 0 || heard[0] < 20 {
				t.Errorf("heard %v ticks of 50, want some and 0", heard)
			}
			if err := a.Listen(false); err != nil {
				t.Fatal(err)
			}
			if err := b.Listen(true); err != nil {
				t.Fatal(err)
			}
			heard = [2]int{}
		}
	}
	if heard[0] > 0 || heard[1] < 20 {
		t.Errorf("heard %v ticks of 50, want 0 and some", heard)
	}
	a.Close()
	b.Close()
}

// An order that a talker may not be heard leaves nothing of them in later ticks
// but the ramp of 2.5 ms that the order itself makes.
func TestFlush(t *testing.T) {
	var p pool
	all := encode(t, &p, 60, 1)
	v := talker.New(epoch(0), loudness.DefaultConfig(), &p)
	defer v.Close()
	if err := v.Listen(true); err != nil {
		t.Fatal(err)
	}
	for i, b := range all {
		v.Push(epoch(i), packet(i, b))
		v.Tick(epoch(i))
	}
	v.Flush()
	for i := range 20 {
		frame, _ := v.Tick(epoch(60 + i))
		for k, x := range frame {
			if x != 0 && (i > 0 || k >= 120) {
				t.Fatalf("tick %d, sample %d after Flush: %v", i, k, x)
			}
		}
	}
}

func TestNothingAllocates(t *testing.T) {
	var p pool
	all := encode(t, &p, 200, 1)
	v := talker.New(epoch(0), loudness.DefaultConfig(), &p)
	defer v.Close()
	if err := v.Listen(true); err != nil {
		t.Fatal(err)
	}
	i := 0
	one := func() {
		v.Push(epoch(i), packet(i, all[i%len(all)]))
		v.Tick(epoch(i))
		i++
	}
	for range 300 {
		one()
	}
	if n := testing.AllocsPerRun(500, one); n > 0 {
		t.Errorf("%v allocations a tick, want 0", n)
	}
}

// BenchmarkTalker is a tick of one talker who is heard: packet in, sound out.
func BenchmarkTalker(b *testing.B) {
	var p pool
	all := encode(b, &p, 500, 1)
	v := talker.New(epoch(0), loudness.DefaultConfig(), &p)
	if err := v.Listen(true); err != nil {
		b.Fatal(err)
	}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		v.Push(epoch(i), packet(i, all[i%len(all)]))
		v.Tick(epoch(i))
		i++
	}
}
