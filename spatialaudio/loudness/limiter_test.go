package loudness

import (
	"math"
	"math/rand/v2"
	"testing"
)

// What is below the limit comes out as it went in, later.
func TestLimiterLeavesAlone(t *testing.T) {
	for _, channels := range []int{1, 2} {
		l := NewLimiter(channels)
		r := rand.New(rand.NewPCG(1, 1))
		var in, out []float32
		for range 50 {
			frame := make([]float32, FrameSamples*channels)
			for i := range frame {
				frame[i] = r.Float32()*1.78 - 0.89
			}
			in = append(in, frame...)
			l.Process(frame)
			out = append(out, frame...)
		}
		late := LimiterDelay * channels
		for i := range out[late:] {
			if out[late+i] != in[i] {
				t.Fatalf("%d channels: sample %d is %v, want %v", channels, i, out[late+i], in[i])
			}
		}
	}
}

// Nothing comes out above -1 dB, whatever goes in.
func FuzzLimiter(f *testing.F) {
	f.Add(uint64(1), float32(4), uint16(1))
	f.Add(uint64(2), float32(1000), uint16(500))
	f.Add(uint64(3), float32(1.01), uint16(47))
	f.Fuzz(func(t *testing.T, seed uint64, loud float32, every uint16) {
		if !(loud > 0 && loud < 1e6) {
			return
		}
		l := NewLimiter(2)
		r := rand.New(rand.NewPCG(seed, 1))
		for range 20 {
			frame := make([]float32, 2*FrameSamples)
			for i := range frame {
				frame[i] = float32(r.NormFloat64()) * 0.1
				if i%(int(every)+1) == 0 {
					frame[i] *= loud
				}
			}
			l.Process(frame)
			for i, x := range frame {
				if x > limit*1.00001 || x < -limit*1.00001 || x != x {
					t.Fatalf("sample %d is %v", i, x)
				}
			}
		}
	})
}

// The distortion of a steady tone 6 and 12 dB too loud, all harmonics and what
// lies between them; and the level it is held at.
func TestLimiterDistortion(t *testing.T) {
	for _, c := range []struct{ frequency, over, most float64 }{
		{53, 6, -40}, {97, 6, -90}, {97, 12, -90}, {1013, 6, -90}, {1013, 12, -90}, {5003, 6, -90},
	} {
		l := NewLimiter(1)
		pcm := tone(c.frequency, math.Pow(10, (c.over-1)/20), 3*Rate)
		for at := 0; at < len(pcm); at += FrameSamples {
			l.Process(pcm[at:])
		}
		pcm = pcm[2*Rate:] // whole periods, settled
		sin, cos := 0.0, 0.0
		for i, x := range pcm {
			s, k := math.Sincos(2 * math.Pi * c.frequency * float64(i) / Rate)
			sin, cos = sin+float64(x)*s*2/Rate, cos+float64(x)*k*2/Rate
		}
		rest := 0.0
		for i, x := range pcm {
			s, k := math.Sincos(2 * math.Pi * c.frequency * float64(i) / Rate)
			e := float64(x) - sin*s - cos*k
			rest += e * e / Rate
		}
		carrier := (sin*sin + cos*cos) / 2
		thd, level := 10*math.Log10(rest/carrier), 10*math.Log10(2*carrier)
		t.Logf("%v Hz, %v dB too loud: distortion %.1f dB, peak level %.2f dB", c.frequency, c.over, thd, level)
		if thd > c.most || level > -0.95 || level < -2 {
			t.Errorf("%v Hz, %v dB too loud: distortion %.1f dB, want %v; peak level %.2f dB", c.frequency, c.over, thd, c.most, level)
		}
	}
}

// After Reset nothing of the mix before comes out, and gain begins anew.
func TestLimiterForgets(t *testing.T) {
	l := NewLimiter(2)
	frame := make([]float32, 2*FrameSamples)
	for i := range frame {
		frame[i] = 3
	}
	l.Process(frame)
	l.Reset()
	quiet := make([]float32, 2*FrameSamples)
	for i := range quiet {
		quiet[i] = 0.25
	}
	l.Process(quiet)
	for i, x := range quiet {
		want := float32(0.25)
		if i < 2*LimiterDelay {
			want = 0
		}
		if x != want {
			t.Fatalf("sample %d after Reset is %v, want %v", i, x, want)
		}
	}
}

// Both channels get the same gain: a voice stays where it is.
func TestLimiterKeepsBalance(t *testing.T) {
	l := NewLimiter(2)
	r := rand.New(rand.NewPCG(1, 1))
	for range 50 {
		frame := make([]float32, 2*FrameSamples)
		for i := 0; i < len(frame); i += 2 {
			frame[i] = float32(r.NormFloat64())
			frame[i+1] = frame[i] / 4
		}
		l.Process(frame)
		for i := 0; i < len(frame); i += 2 {
			if math.Abs(float64(frame[i+1]-frame[i]/4)) > 1e-6 {
				t.Fatalf("%v beside %v", frame[i+1], frame[i])
			}
		}
	}
}

func TestNothingAllocates(t *testing.T) {
	v, l := NewVoice(DefaultConfig()), NewLimiter(2)
	pcm, frame, mix, at := speech(t, -20), make([]float32, FrameSamples), make([]float32, 2*FrameSamples), 0
	if n := testing.AllocsPerRun(300, func() {
		at = (at + FrameSamples) % len(pcm)
		copy(frame, pcm[at:])
		v.Process(frame)
		for i, x := range frame {
			mix[2*i], mix[2*i+1] = 8*x, 4*x
		}
		l.Process(mix)
		v.Rest()
	}); n > 0 {
		t.Errorf("%v allocations a frame, want 0", n)
	}
}

func BenchmarkVoice(b *testing.B) {
	v := NewVoice(DefaultConfig())
	pcm, frame, at := speech(b, -20), make([]float32, FrameSamples), 0
	b.ReportAllocs()
	for b.Loop() {
		at = (at + FrameSamples) % len(pcm)
		copy(frame, pcm[at:])
		v.Process(frame)
	}
}

func BenchmarkLimiter(b *testing.B) {
	for name, gain := range map[string]float32{"below": 1, "limiting": 20} {
		b.Run(name, func(b *testing.B) {
			l := NewLimiter(2)
			pcm, mix, at := speech(b, -24), make([]float32, 2*FrameSamples), 0
			b.ReportAllocs()
			for b.Loop() {
				at = (at + FrameSamples) % len(pcm)
				for i, x := range pcm[at : at+FrameSamples] {
					mix[2*i], mix[2*i+1] = gain*x, gain*x
				}
				l.Process(mix)
			}
		})
	}
}
