package quality_test

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"earshot/spatialaudio/binaural"
	"earshot/spatialaudio/opus"
	"earshot/spatialaudio/quality"
)

// What Opus leaves of the cues in the mix, for the configurations that a stream
// of binaural sound may have: how far they drift, and where a listener who knows
// the head would look. Speech for drift, pink noise for looking, because it has
// something in every band.
func TestCuesAfterOpus(t *testing.T) {
	const every = 4 // of the directions, for speech
	var said, noise [][2][]float64
	var clean []quality.Cues
	for i := range measured() {
		at := place(&measured()[i])
		noise = append(noise, render(pink(binaural.Rate/5), at, 2))
		if i%every == 0 {
			ears := render(speech(t), at, 2)
			said = append(said, ears)
			clean = append(clean, quality.Measure(ears[0], ears[1], binaural.Rate))
		}
	}
	for _, tc := range []struct {
		name        string
		cfg         opus.EncoderConfig
		itd, level  [2]float64 // most: median, p90
		angle, mixd float64    // most
	}{
		{"32 kbit/s", low(32000), [2]float64{30, 80}, [2]float64{0.5, 1.5}, 10, 0.15},
		{"48 kbit/s", low(48000), [2]float64{8, 25}, [2]float64{0.3, 1}, 10, 0.1},
		{"64 kbit/s", low(64000), [2]float64{5, 20}, [2]float64{0.25, 1}, 5, 0.05},
	} {
		var itd, level figures
		var got []quality.Cues
		for i, ears := range said {
			coded := throughOpus(t, tc.cfg, ears)
			cues := quality.Measure(coded[0], coded[1], binaural.Rate)
			itd.add((clean[i].ITD - cues.ITD) * 1e6)
			level.add(clean[i].Mid - cues.Mid)
		}
		for _, ears := range noise {
			coded := throughOpus(t, tc.cfg, ears)
			got = append(got, quality.Measure(coded[0], coded[1], binaural.Rate))
		}
		angles, confused := located(got)
		t.Logf("%s: ITD %.1f / %.1f us, ILD %.2f / %.2f dB, %.0f %% elsewhere, by %.1f degrees at most; confused %.1f %%", tc.name,
			itd.at(0.5), itd.at(0.9), level.at(0.5), level.at(0.9), 100*angles.share(1), angles.at(1), 100*confused)
		for i, share := range []float64{0.5, 0.9} {
			if v := itd.at(share); v > tc.itd[i] {
				t.Errorf("%s: ITD drifts by %.1f us at %g, want %g at most", tc.name, v, share, tc.itd[i])
			}
			if v := level.at(share); v > tc.level[i] {
				t.Errorf("%s: ILD drifts by %.2f dB at %g, want %g at most", tc.name, v, share, tc.level[i])
			}
		}
		if v := angles.at(0.5); v > tc.angle || confused > tc.mixd {
			t.Errorf("%s: located %.1f degrees off, %.0f %% confused; want %g and %g", tc.name, v, 100*confused, tc.angle, 100*tc.mixd)
		}
	}
}

// low is the codec of a binaural stream.
func low(bitrate int) opus.EncoderConfig {
	return opus.EncoderConfig{Channels: 2, Application: opus.LowDelay, Bitrate: bitrate}
}

// throughOpus returns both ears after encoding and decoding.
func throughOpus(t *testing.T, cfg opus.EncoderConfig, ears [2][]float64) (out [2][]float64) {
	t.Helper()
	pool := new(opus.Pool)
	enc, err := pool.Encoder(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	dec, err := pool.Decoder(opus.DecoderConfig{Channels: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	frame, pcm := make([]float32, 2*opus.FrameSamples), make([]float32, dec.MaxSamples())
	for at := 0; at+opus.FrameSamples <= len(ears[0]); at += opus.FrameSamples {
		for i := range opus.FrameSamples {
			frame[2*i], frame[2*i+1] = float32(ears[0][at+i]), float32(ears[1][at+i])
		}
		packet, err := enc.Encode(nil, frame)
		if err != nil {
			t.Fatal(err)
		}
		n, err := dec.Decode(packet, pcm)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			out[0], out[1] = append(out[0], float64(pcm[2*i])), append(out[1], float64(pcm[2*i+1]))
		}
	}
	return out
}

// speech is the phrase of package opus's tests.
func speech(t *testing.T) (out []float32) {
	t.Helper()
	b, err := os.ReadFile("../opus/testdata/speech.s16")
	if err != nil {
		t.Fatal(err)
	}
	for ; len(b) >= 2; b = b[2:] {
		out = append(out, float32(int16(binary.LittleEndian.Uint16(b)))/32768)
	}
	return out
}

// pink returns noise with as much energy in each octave as in any other (after
// P. Kellet's filter of white noise).
func pink(n int) (out []float32) {
	rng := rand.New(rand.NewPCG(11, 11))
	var b [3]float64
	for range n {
		white := rng.Float64()*2 - 1
		b[0] = 0.99765*b[0] + white*0.0990460
		b[1] = 0.96300*b[1] + white*0.2965164
		b[2] = 0.57000*b[2] + white*1.0526913
		out = append(out, float32(0.05*math.Max(-6, math.Min(6, b[0]+b[1]+b[2]+white*0.1848))))
	}
	return out
}
