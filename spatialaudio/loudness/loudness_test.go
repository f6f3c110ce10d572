package loudness

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"earshot"
)

// speech is 0.8 s of a voice and 0.2 s of silence, at a loudness in LUFS.
func speech(t testing.TB, loudness float64) []float32 {
	t.Helper()
	b, err := os.ReadFile("../opus/testdata/speech.s16")
	if err != nil {
		t.Fatal(err)
	}
	pcm := make([]float32, Rate)
	for i := range min(len(b)/2, Rate*8/10) {
		pcm[i] = float32(int16(binary.LittleEndian.Uint16(b[2*i:]))) / 32768
	}
	gain := float32(math.Pow(10, (loudness-integrated(pcm))/20))
	for i := range pcm {
		pcm[i] *= gain
	}
	return pcm
}

// integrated is the gated loudness of a whole recording, by the book.
func integrated(pcm []float32) float64 {
	var m meter
	var steps, blocks []float64
	for at := 0; at+Rate/10 <= len(pcm); at += Rate / 10 {
		steps = append(steps, m.power(pcm[at:at+Rate/10]))
	}
	for i := 3; i < len(steps); i++ {
		blocks = append(blocks, (steps[i]+steps[i-1]+steps[i-2]+steps[i-3])/4)
	}
	mean := func(threshold float64) float64 {
		sum, n := 0.0, 0
		for _, b := range blocks {
			if b > threshold {
				sum, n = sum+b, n+1
			}
		}
		return sum / float64(n)
	}
	return lufs(mean(mean(powerOf(-70)) * 0.1))
}

func tone(frequency, amplitude float64, samples int) []float32 {
	pcm := make([]float32, samples)
	for i := range pcm {
		pcm[i] = float32(amplitude * math.Sin(2*math.Pi*frequency*float64(i)/Rate))
	}
	return pcm
}

// The coefficients are those of the analogue prototypes that other sample rates
// are derived from, and the meter reads what the standard says of its test tone.
func TestKWeighting(t *testing.T) {
	const (
		f1, gain, q1 = 1681.974450955533, 3.999843853973347, 0.7071752369554196
		f2, q2       = 38.13547087602444, 0.5003270373238773
	)
	k, vh := math.Tan(math.Pi*f1/Rate), math.Pow(10, gain/20)
	vb := math.Pow(vh, 0.4996667741545416)
	a0 := 1 + k/q1 + k*k
	head := biquad{(vh + vb*k/q1 + k*k) / a0, 2 * (k*k - vh) / a0, (vh - vb*k/q1 + k*k) / a0, 2 * (k*k - 1) / a0, (1 - k/q1 + k*k) / a0}
	k = math.Tan(math.Pi * f2 / Rate)
	a0 = 1 + k/q2 + k*k
	high := biquad{1, -2, 1, 2 * (k*k - 1) / a0, (1 - k/q2 + k*k) / a0}
	for _, c := range []struct{ got, want biquad }{{headStage, head}, {highPass, high}} {
		for i, pair := range [][2]float64{{c.got.b0, c.want.b0}, {c.got.b1, c.want.b1}, {c.got.b2, c.want.b2}, {c.got.a1, c.want.a1}, {c.got.a2, c.want.a2}} {
			if math.Abs(pair[0]-pair[1]) > 1e-9 {
				t.Errorf("coefficient %d is %v, want %v", i, pair[0], pair[1])
			}
		}
	}
	for frequency, want := range map[float64]float64{997: -3.01, 100: -3.01 - 0.691 - 1.05, 10000: -3.01 - 0.691 + 4.04} {
		var m meter
		pcm := tone(frequency, 1, 2*Rate)
		m.power(pcm[:Rate])
		if got := lufs(m.power(pcm[Rate:])); math.Abs(got-want) > 0.1 {
			t.Errorf("%v Hz at full scale: %.3f LUFS, want %.3f", frequency, got, want)
		}
	}
}

// Talkers of any loudness end within 1 LU of the target, or at the bound of the
// gain, no faster than allowed and without steps.
func TestLevelling(t *testing.T) {
	cfg := DefaultConfig()
	for _, c := range []struct{ in, out float64 }{{-24, -24}, {-34, -24}, {-12, -24}, {-6, -24}, {-44, -32}} {
		l := NewLeveller(cfg)
		pcm := speech(t, c.in)
		var out []float32
		before, steepest := 0.0, 0.0
		for second := range 20 {
			copied := append([]float32(nil), pcm...)
			for at := 0; at < len(copied); at += FrameSamples {
				l.Process(copied[at:])
				steepest = max(steepest, math.Abs(l.GainDB()-before)*50)
				before = l.GainDB()
			}
			if second >= 15 {
				out = append(out, copied...)
			}
		}
		got := integrated(out)
		t.Logf("%v LUFS in: %.2f LUFS out, gain %.2f dB, steepest %.2f dB/s", c.in, got, l.GainDB(), steepest)
		if math.Abs(got-c.out) > 1 {
			t.Errorf("%v LUFS in: %.2f LUFS out, want %v", c.in, got, c.out)
		}
		if l.GainDB() > cfg.MaxBoost || l.GainDB() < -cfg.MaxCut || steepest > lower+0.01 {
			t.Errorf("%v LUFS in: gain %.2f dB, steepest %.2f dB/s", c.in, l.GainDB(), steepest)
		}
	}
}

// Who shouts, 18 dB above the others, is hardly louder than they are after two
// seconds and as loud after five, and speaks on as loud as before once they stop.
func TestLoudestDoesNotWin(t *testing.T) {
	l := NewLeveller(DefaultConfig())
	play := func(in float64, seconds int) (out float64) {
		pcm := speech(t, in)
		for range seconds {
			copied := append([]float32(nil), pcm...)
			for at := 0; at < len(copied); at += FrameSamples {
				l.Process(copied[at:])
			}
			out = integrated(copied)
		}
		return out
	}
	spoken := play(-24, 15)
	one, three, six := play(-6, 1), play(-6, 2), play(-6, 3)
	later := play(-24, 20)
	t.Logf("speaking %.2f LUFS, the first second of shouting %.2f, the third %.2f, the sixth %.2f, speaking again %.2f", spoken, one, three, six, later)
	if three > spoken+3.5 || six > spoken+1.5 || math.Abs(later-spoken) > 1 {
		t.Errorf("speaking %.2f LUFS, shouting %.2f in the third second and %.2f in the sixth, speaking again %.2f", spoken, three, six, later)
	}
}

// Silence and faint noise move no gain.
func TestPausesMoveNoGain(t *testing.T) {
	l := NewLeveller(DefaultConfig())
	pcm := speech(t, -34)
	for range 5 {
		copied := append([]float32(nil), pcm...)
		for at := 0; at < len(copied); at += FrameSamples {
			l.Process(copied[at:])
		}
	}
	before := l.GainDB()
	r := rand.New(rand.NewPCG(1, 1))
	for range 3000 {
		frame := make([]float32, FrameSamples)
		for i := range frame {
			frame[i] = float32(r.NormFloat64()) * 1e-3 // -60 dB
		}
		l.Process(frame)
	}
	if after := l.GainDB(); math.Abs(after-before) > 3 { // what was begun with the last word is ended
		t.Errorf("gain went from %.2f to %.2f dB in a minute of noise", before, after)
	}
}

// Noise between words goes, words stay, up to the beginning of the first.
func TestGate(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, noise := range []float64{-70, -55, -45} {
		var g Gate
		words := speech(t, -26)
		factor := math.Pow(10, noise/20)
		var kept, all, leaked float64
		quiet, frames := 0, 0
		for second := range 12 {
			talks := second%2 == 0
			for at := 0; at < Rate; at += FrameSamples {
				frame := make([]float32, FrameSamples)
				for i := range frame {
					frame[i] = float32(r.NormFloat64() * factor)
					if talks {
						frame[i] += words[at+i]
					}
				}
				before := power(frame)
				sound := g.Process(frame)
				after := power(frame)
				if !sound && after > 0 {
					t.Fatalf("noise %v dB: a frame said to be silent has power %v", noise, after)
				}
				switch {
				case second < 6: // it gets to know the noise
				case talks:
					kept, all = kept+after, all+before
				case at > Rate/2: // the last word is over
					leaked += after
					frames++
					if !sound {
						quiet++
					}
				}
			}
		}
		t.Logf("noise %v dB: %.3f %% of the words' power kept, %d of %d frames between words silent, noise measured %.1f dB", noise, 100*kept/all, quiet, frames, g.Noise())
		if kept/all < 0.99 || quiet != frames {
			t.Errorf("noise %v dB: %.2f %% kept, %d of %d silent", noise, 100*kept/all, quiet, frames)
		}
	}
	var g Gate
	loudTone := tone(440, 0.1, 10*Rate) // music without pauses
	for at := 0; at < len(loudTone); at += FrameSamples {
		if !g.Process(loudTone[at:]) {
			t.Fatalf("a tone of -23 dB is taken for noise after %d ms", at/48)
		}
	}
}

func power(pcm []float32) (sum float64) {
	for _, x := range pcm {
		sum += float64(x) * float64(x)
	}
	return sum
}

func TestConfig(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
	for _, c := range []Config{{Target: 0}, {Target: math.NaN()}, {Target: -24, MaxBoost: 60}, {Target: -24, MaxCut: -1}} {
		if err := c.Validate(); earshot.CodeOf(err) != earshot.CodeInvalidArgument {
			t.Errorf("Validate(%+v) = %v", c, err)
		}
	}
}
