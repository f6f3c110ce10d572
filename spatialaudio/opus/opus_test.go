package opus

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"testing"

	"earshot"

	"github.com/thesyncim/gopus/container/ogg"
)

// samples reads 16-bit samples as floats.
func samples(t testing.TB, name string) []float32 {
	b, err := os.ReadFile("testdata/" + name + ".s16")
	if err != nil {
		t.Fatal(err)
	}
	pcm := make([]float32, len(b)/2)
	for i := range pcm {
		pcm[i] = float32(int16(binary.LittleEndian.Uint16(b[2*i:]))) / 32768
	}
	return pcm
}

// packets reads an Ogg Opus file.
func packets(t testing.TB, name string) (all [][]byte, channels, preSkip int) {
	b, err := os.ReadFile("testdata/" + name + ".opus")
	if err != nil {
		t.Fatal(err)
	}
	r, err := ogg.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	for {
		p, _, err := r.ReadPacket()
		if errors.Is(err, io.EOF) {
			return all, int(r.Channels()), int(r.PreSkip())
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// snr returns the ratio of signal to difference in dB.
func snr(signal, other []float32) float64 {
	var s, d float64
	for i := range min(len(signal), len(other)) {
		s += float64(signal[i]) * float64(signal[i])
		e := float64(signal[i]) - float64(other[i])
		d += e * e
	}
	return 10 * math.Log10(s/d)
}

// bestSNR is the snr at the delay and gain that fit best. The phase of a codec
// is not that of its input, so this is far below what is heard.
func bestSNR(signal, other []float32, maxDelay int) (best float64, delay int) {
	best = math.Inf(-1)
	for d := range maxDelay {
		n := min(len(signal), len(other)-d)
		if r := snr(signal[:n], other[d:d+n]); r > best {
			best, delay = r, d
		}
	}
	return best, delay
}

// What libopus encoded decodes to what libopus decodes.
func TestDecodesAsLibopus(t *testing.T) {
	for name, want := range map[string]float64{ // dB
		"silk-mono-12k":   60,
		"silk-mono-60ms":  60,
		"hybrid-mono-32k": 35, // 1.3.1 resamples the lower band differently
		"celt-stereo-64k": 60,
	} {
		all, channels, preSkip := packets(t, name)
		var pool Pool
		d, err := pool.Decoder(DecoderConfig{Channels: channels})
		if err != nil {
			t.Fatal(err)
		}
		pcm, got := make([]float32, d.MaxSamples()), []float32{}
		for i, p := range all {
			n, err := d.Decode(p, pcm)
			if err != nil {
				t.Fatalf("%s: packet %d: %v", name, i, err)
			}
			got = append(got, pcm[:n*channels]...)
		}
		d.Close()
		reference := samples(t, name)
		eighth := make([]float32, 0, len(reference))
		for at := preSkip * channels; at+channels <= len(got) && len(eighth) < len(reference); at += 8 * channels {
			eighth = append(eighth, got[at:at+channels]...)
		}
		if r := snr(reference, eighth); r < want || len(eighth) != len(reference) {
			t.Errorf("%s: %d samples differ from libopus's %d by %.1f dB, want at least %v dB", name, len(eighth), len(reference), r, want)
		} else {
			t.Logf("%s: %.1f dB", name, r)
		}
	}
}

var configs = map[string]struct {
	EncoderConfig
	snr float64 // dB that speech must keep
}{
	"voice 24k":          {EncoderConfig{1, Voice, 24000, 5, 0, false}, 5},
	"voice 32k":          {EncoderConfig{1, Voice, 32000, 5, 0, false}, 7},
	"voice 32k with FEC": {EncoderConfig{1, Voice, 32000, 5, 10, false}, 5},
	"low delay 32k":      {EncoderConfig{1, LowDelay, 32000, 0, 0, false}, 8},
	"low delay 64k":      {EncoderConfig{1, LowDelay, 64000, 5, 0, false}, 15},
	"stereo 64k":         {EncoderConfig{2, LowDelay, 64000, 0, 0, false}, 8},
}

func spread(mono []float32, channels int) []float32 {
	if channels == 1 {
		return mono
	}
	out := make([]float32, 0, 2*len(mono))
	for _, s := range mono {
		out = append(out, s, s/2)
	}
	return out
}

func encodeAll(t testing.TB, e *Encoder, pcm []float32) (all [][]byte) {
	size := FrameSamples * e.cfg.Channels
	for ; len(pcm) >= size; pcm = pcm[size:] {
		p, err := e.Encode(nil, pcm[:size])
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

func decodeAll(t testing.TB, d *Decoder, all [][]byte) (out []float32) {
	pcm := make([]float32, d.MaxSamples())
	for _, p := range all {
		n, err := d.Decode(p, pcm)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, pcm[:n*d.cfg.Channels]...)
	}
	return out
}

// Speech survives encoding and decoding, at about the bitrate asked for, and a
// decoder that was used before does what a new one does.
func TestRoundTrip(t *testing.T) {
	speech := samples(t, "speech")
	var pool Pool
	for name, c := range configs {
		in := spread(speech, c.Channels)
		var first [][]byte
		var heard []float32
		for round := range 3 { // the second and third come from the pool
			e, err := pool.Encoder(c.EncoderConfig)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			d, err := pool.Decoder(DecoderConfig{Channels: c.Channels})
			if err != nil {
				t.Fatal(err)
			}
			all := encodeAll(t, e, in)
			out := decodeAll(t, d, all)
			bytes := 0
			for i, p := range all {
				bytes += len(p)
				if round > 0 && string(p) != string(first[i]) {
					t.Errorf("%s: round %d: packet %d is not that of a new encoder", name, round, i)
				}
			}
			if round > 0 && !slices.Equal(out, heard) {
				t.Errorf("%s: round %d: a decoder of the pool decodes otherwise than a new one", name, round)
			}
			if round == 0 {
				first, heard = all, out
				best, delay := bestSNR(in, out, 400*c.Channels)
				if late := delay / c.Channels; late > e.Lookahead()+10 || late < e.Lookahead()-10 { // SILK turns the phase
					t.Errorf("%s: the sound is %d samples late, Lookahead() = %d", name, delay/c.Channels, e.Lookahead())
				}
				rate := bytes * 8 * 50 / len(all)
				if best < c.snr || rate > c.Bitrate*3/2 || rate < c.Bitrate/3 {
					t.Errorf("%s: %.1f dB at %d bit/s, want %v dB at about %d", name, best, rate, c.snr, c.Bitrate)
				}
				t.Logf("%s: %.1f dB at %d bit/s", name, best, rate)
			}
			e.Close()
			d.Close()
			d.Close()
		}
	}
	if n := pool.Recovered(); n != 0 {
		t.Errorf("Recovered() = %d, want 0", n)
	}
}

// Loss of every tenth packet: concealed speech has no holes, and FEC brings
// back more than concealment.
func TestLoss(t *testing.T) {
	speech := samples(t, "speech")
	var pool Pool
	e, err := pool.Encoder(EncoderConfig{Channels: 1, Bitrate: 32000, Complexity: 5, Loss: 20})
	if err != nil {
		t.Fatal(err)
	}
	all := encodeAll(t, e, speech)
	whole := decodeLossy(t, &pool, all, func(int) bool { return false }, false)
	lost := func(i int) bool { return i%10 == 7 }
	concealed := snr(whole, decodeLossy(t, &pool, all, lost, false))
	recovered := snr(whole, decodeLossy(t, &pool, all, lost, true))
	t.Logf("10 %% lost: %.1f dB concealed, %.1f dB recovered", concealed, recovered)
	if concealed < 1 || recovered < concealed+3 {
		t.Errorf("10 %% lost: %.1f dB concealed, %.1f dB recovered, want more than 1, and 3 dB more", concealed, recovered)
	}
}

func decodeLossy(t *testing.T, pool *Pool, all [][]byte, lost func(int) bool, fec bool) (out []float32) {
	d, err := pool.Decoder(DecoderConfig{Channels: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	pcm := make([]float32, d.MaxSamples())
	for i, p := range all {
		n, err := 0, error(nil)
		switch {
		case !lost(i):
			n, err = d.Decode(p, pcm)
		case fec && i+1 < len(all):
			n, err = d.Recover(all[i+1], pcm[:FrameSamples])
		default:
			n, err = d.Conceal(pcm[:FrameSamples])
		}
		if err != nil || n != FrameSamples {
			t.Fatalf("packet %d: %d samples, %v", i, n, err)
		}
		out = append(out, pcm[:n]...)
	}
	return out
}

// Lower rates hold the same speech; silence with DTX takes few bytes.
func TestRatesAndDTX(t *testing.T) {
	speech := samples(t, "speech")
	var pool Pool
	e, err := pool.Encoder(EncoderConfig{Channels: 1, Bitrate: 32000, Complexity: 5, DTX: true})
	if err != nil {
		t.Fatal(err)
	}
	all := encodeAll(t, e, speech)
	for _, rate := range rates {
		d, err := pool.Decoder(DecoderConfig{Channels: 2, Rate: rate})
		if err != nil {
			t.Fatal(err)
		}
		out := decodeAll(t, d, all)
		if len(out) != len(all)*rate/50*2 {
			t.Errorf("%d Hz: %d samples of %d packets", rate, len(out), len(all))
		}
		if r := energy(out) / energy(speech) * Rate / float64(rate) / 2; r < 0.7 || r > 1.3 {
			t.Errorf("%d Hz: %.2f of the energy", rate, r)
		}
		d.Close()
	}
	small := 0
	for _, p := range encodeAll(t, e, make([]float32, FrameSamples*100)) {
		if len(p) <= 2 {
			small++
		}
	}
	if small < 50 {
		t.Errorf("%d of 100 packets of silence have at most 2 bytes, want most", small)
	}
}

func energy(pcm []float32) (e float64) {
	for _, s := range pcm {
		e += float64(s) * float64(s)
	}
	return e
}

func TestErrors(t *testing.T) {
	var pool Pool
	for _, c := range []EncoderConfig{
		{Channels: 0, Bitrate: 32000}, {Channels: 3, Bitrate: 32000}, {Channels: 1, Bitrate: 1},
		{Channels: 1, Bitrate: 32000, Application: 9}, {Channels: 1, Bitrate: 32000, Complexity: 11},
		{Channels: 1, Bitrate: 32000, Loss: 101},
	} {
		if _, err := pool.Encoder(c); earshot.CodeOf(err) != earshot.CodeInvalidArgument {
			t.Errorf("Encoder(%+v): %v", c, err)
		}
	}
	for _, c := range []DecoderConfig{{Channels: 0}, {Channels: 1, Rate: 44100}} {
		if _, err := pool.Decoder(c); earshot.CodeOf(err) != earshot.CodeInvalidArgument {
			t.Errorf("Decoder(%+v): %v", c, err)
		}
	}
	e, _ := pool.Encoder(EncoderConfig{Channels: 1, Bitrate: 32000})
	if _, err := e.EncodeInt16(nil, make([]int16, 100)); earshot.CodeOf(err) != earshot.CodeInvalidArgument {
		t.Errorf("a short frame: %v", err)
	}
	good, err := e.EncodeInt16(nil, make([]int16, FrameSamples))
	if err != nil {
		t.Fatal(err)
	}
	e.Close()
	if _, err := e.Encode(nil, make([]float32, FrameSamples)); earshot.CodeOf(err) != earshot.CodeFailedPrecondition {
		t.Errorf("after Close: %v", err)
	}
	d, _ := pool.Decoder(DecoderConfig{Channels: 1})
	pcm := make([]float32, d.MaxSamples())
	for name, bad := range map[string][]byte{
		"empty": {}, "too long": make([]byte, MaxReceived+1), "frames that are not there": {0x03, 0xff}, "odd": {0x01, 1, 2, 3},
	} {
		if n, err := d.Decode(bad, pcm); earshot.CodeOf(err) != earshot.CodeInvalidArgument || n != 0 {
			t.Errorf("%s: %d samples, %v", name, n, err)
		}
	}
	if n, err := d.Decode(good, pcm); err != nil || n != FrameSamples {
		t.Errorf("after bad packets: %d samples, %v", n, err)
	}
	if _, err := d.Decode(good, pcm[:100]); err == nil {
		t.Error("a packet fits into 100 samples")
	}
	if _, err := d.Conceal(make([]float32, d.MaxSamples()+120)); earshot.CodeOf(err) != earshot.CodeInvalidArgument {
		t.Errorf("much to conceal: %v", err)
	}
	d.Close()
	if _, err := d.Decode(good, pcm); earshot.CodeOf(err) != earshot.CodeFailedPrecondition {
		t.Errorf("after Close: %v", err)
	}
}

// A panic of the implementation is an error, counted, and not the end.
func TestPanicIsAnError(t *testing.T) {
	var pool Pool
	err := func() (err error) {
		defer pool.guard(&err)
		panic("index out of range")
	}()
	if earshot.CodeOf(err) != earshot.CodeInternal || pool.Recovered() != 1 {
		t.Errorf("guard: %v, %d recovered", err, pool.Recovered())
	}
	d, _ := pool.Decoder(DecoderConfig{Channels: 1})
	good := []byte{0xf8, 0xff, 0xfe}
	broken := d.dec
	d.dec = nil
	if err := d.renew(); err != nil || d.dec == broken {
		t.Fatal(err)
	}
	if n, err := d.Decode(good, make([]float32, d.MaxSamples())); n != FrameSamples || err != nil {
		t.Errorf("after a panic: %d samples, %v", n, err)
	}
}

func TestNothingAllocates(t *testing.T) {
	speech := samples(t, "speech")
	var pool Pool
	e, _ := pool.Encoder(EncoderConfig{Channels: 1, Bitrate: 32000, Complexity: 5})
	d, _ := pool.Decoder(DecoderConfig{Channels: 1})
	packet, pcm, at := make([]byte, 0, MaxPacket), make([]float32, d.MaxSamples()), 0
	one := func() {
		at = (at + FrameSamples) % (len(speech) - FrameSamples)
		p, err := e.Encode(packet, speech[at:at+FrameSamples])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Decode(p, pcm); err != nil {
			t.Fatal(err)
		}
	}
	for range 100 {
		one()
	}
	if n := testing.AllocsPerRun(200, one); n > 0 {
		t.Errorf("%v allocations for a frame there and back, want 0", n)
	}
}

func FuzzDecode(f *testing.F) {
	for _, name := range []string{"silk-mono-12k", "silk-mono-60ms", "hybrid-mono-32k", "celt-stereo-64k"} {
		all, _, _ := packets(f, name)
		for i := 0; i < len(all); i += 7 {
			f.Add(all[i], uint8(i))
		}
	}
	f.Add([]byte{0xf8, 0xff, 0xfe}, uint8(0))
	f.Add([]byte{0x03, 0x81, 1}, uint8(3))
	good, _, _ := packets(f, "hybrid-mono-32k")
	var pool Pool
	f.Fuzz(func(t *testing.T, packet []byte, how uint8) {
		d, err := pool.Decoder(DecoderConfig{Channels: 1 + int(how&1), Rate: rates[int(how>>1)%len(rates)]})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		pcm := make([]float32, d.MaxSamples())
		frame := d.cfg.Rate / 50 * d.cfg.Channels
		for i, step := range []func() (int, error){
			func() (int, error) { return d.Decode(packet, pcm) },
			func() (int, error) { return d.Conceal(pcm[:frame]) },
			func() (int, error) { return d.Recover(packet, pcm[:frame]) },
			func() (int, error) { return d.Decode(good[int(how)%len(good)], pcm) },
			func() (int, error) { return d.Decode(packet, pcm) },
		} {
			n, err := step()
			if n < 0 || n*d.cfg.Channels > len(pcm) || err != nil && n != 0 {
				t.Fatalf("step %d: %d samples, %v", i, n, err)
			}
			for _, s := range pcm[:n*d.cfg.Channels] {
				if s != s || math.IsInf(float64(s), 0) {
					t.Fatalf("step %d: a sample is %v", i, s)
				}
			}
			if i == 3 && err != nil {
				t.Fatalf("a good packet after a bad one: %v", err)
			}
		}
		if n := pool.Recovered(); n != 0 {
			t.Fatalf("gopus panicked on %x", packet)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	speech := samples(b, "speech")
	for _, c := range []EncoderConfig{
		{1, Voice, 32000, 5, 0, false}, {1, Voice, 32000, 0, 0, false}, {1, Voice, 48000, 5, 0, false},
		{1, LowDelay, 32000, 0, 0, false}, {1, LowDelay, 32000, 5, 0, false}, {1, LowDelay, 48000, 5, 0, false},
		{2, LowDelay, 64000, 0, 0, false},
	} {
		b.Run(fmt.Sprintf("channels=%d/application=%d/%dk/complexity=%d", c.Channels, c.Application, c.Bitrate/1000, c.Complexity), func(b *testing.B) {
			in := spread(speech, c.Channels)
			var pool Pool
			e, err := pool.Encoder(c)
			if err != nil {
				b.Fatal(err)
			}
			packet, at, size := make([]byte, 0, MaxPacket), 0, FrameSamples*c.Channels
			b.ReportAllocs()
			for b.Loop() {
				if at += size; at+size > len(in) {
					at = 0
				}
				if _, err := e.Encode(packet, in[at:at+size]); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/20e6*100, "%core")
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	all, _, _ := packets(b, "hybrid-mono-32k")
	for _, rate := range []int{48000, 16000} {
		for _, conceal := range []bool{false, true} {
			b.Run(fmt.Sprintf("rate=%d/conceal=%v", rate, conceal), func(b *testing.B) {
				var pool Pool
				d, err := pool.Decoder(DecoderConfig{Channels: 1, Rate: rate})
				if err != nil {
					b.Fatal(err)
				}
				pcm, i := make([]float32, d.MaxSamples()), 0
				b.ReportAllocs()
				for b.Loop() {
					if i++; conceal && i%2 == 0 {
						_, err = d.Conceal(pcm[:rate/50])
					} else {
						_, err = d.Decode(all[i%len(all)], pcm)
					}
					if err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkEncoder is what a new encoder costs.
func BenchmarkEncoder(b *testing.B) {
	var pool Pool
	b.ReportAllocs()
	for b.Loop() {
		e, err := pool.Encoder(EncoderConfig{Channels: 1, Bitrate: 32000})
		if err != nil {
			b.Fatal(err)
		}
		e.Close()
	}
}
