//go:build libopus && cgo

package opus

import (
	"slices"
	"strings"
	"testing"
)

// Both implementations, where a build has both.
var both = []codec{pureGo{}, libopus{}}

func TestNativeIsLibopus(t *testing.T) {
	if !strings.HasPrefix(Implementation(), "libopus ") {
		t.Errorf("Implementation() = %q of a build with the tag libopus", Implementation())
	}
}

// What either encodes, both decode to the same, whole or with losses that are
// repaired or concealed.
func TestEachDecodesTheOther(t *testing.T) {
	speech := samples(t, "speech")
	const want = 90 // dB between what the two decode
	for name, c := range map[string]EncoderConfig{
		"voice 12k":         {1, Voice, 12000, 5, 0, false},
		"voice 24k":         {1, Voice, 24000, 5, 0, false},
		"voice 32k, FEC":    {1, Voice, 32000, 5, 20, false},
		"voice 24k, DTX":    {1, Voice, 24000, 5, 0, true},
		"low delay 32k":     {1, LowDelay, 32000, 0, 0, false},
		"stereo 64k":        {2, LowDelay, 64000, 0, 0, false},
		"stereo 48k, c5":    {2, LowDelay, 48000, 5, 0, false},
		"stereo voice, 64k": {2, Voice, 64000, 5, 0, false},
	} {
		in := spread(speech, c.Channels)
		var sizes [2]int
		for i, by := range both {
			all := encodeBy(t, by, c, in)
			for _, p := range all {
				sizes[i] += len(p)
			}
			whole := [2][]float32{}
			for j, of := range both {
				whole[j] = decodeBy(t, of, c.Channels, all)
			}
			if r := snr(whole[0], whole[1]); r < want {
				t.Errorf("%s encoded by %s: decoded alike to %.1f dB, want %d", name, by.name(), r, want)
			} else {
				t.Logf("%s encoded by %s: decoded alike to %.1f dB", name, by.name(), r)
			}
		}
		if ratio := float64(sizes[0]) / float64(sizes[1]); ratio < 0.8 || ratio > 1.25 {
			t.Errorf("%s: gopus makes %.2f of the bytes that libopus makes", name, ratio)
		}
	}
}

// Losses sound alike: concealed by prediction, recovered from the next packet.
func TestLossAlike(t *testing.T) {
	speech := samples(t, "speech")
	all := encodeBy(t, libopus{}, EncoderConfig{Channels: 1, Bitrate: 32000, Complexity: 5, Loss: 20}, speech)
	lost := func(i int) bool { return i%10 == 7 }
	for _, fec := range []bool{false, true} {
		var heard [2][]float32
		for i, c := range both {
			heard[i] = decodeLossy(t, &Pool{codec: c}, all, lost, fec)
		}
		r := snr(heard[1], heard[0])
		t.Logf("fec %v: alike to %.1f dB", fec, r)
		if r < 25 {
			t.Errorf("fec %v: concealed alike to %.1f dB, want 25", fec, r)
		}
	}
}

// A decoder of libopus that was reset is as good as new, whatever it heard.
func TestResetIsNew(t *testing.T) {
	speech := samples(t, "speech")
	other, _, _ := packets(t, "silk-mono-12k")
	for _, c := range both {
		all := encodeBy(t, c, EncoderConfig{Channels: 1, Bitrate: 32000, Complexity: 5}, speech)
		want := decodeBy(t, c, 1, all)
		pool := Pool{codec: c}
		d, err := pool.Decoder(DecoderConfig{Channels: 1})
		if err != nil {
			t.Fatal(err)
		}
		decodeAll(t, d, other)
		d.Reset()
		if !slices.Equal(decodeAll(t, d, all), want) {
			t.Errorf("%s: a decoder that was reset decodes otherwise than a new one", c.name())
		}
	}
}

func encodeBy(t *testing.T, c codec, cfg EncoderConfig, in []float32) [][]byte {
	t.Helper()
	pool := Pool{codec: c}
	e, err := pool.Encoder(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	return encodeAll(t, e, in)
}

func decodeBy(t *testing.T, c codec, channels int, all [][]byte) []float32 {
	t.Helper()
	pool := Pool{codec: c}
	d, err := pool.Decoder(DecoderConfig{Channels: channels})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	return decodeAll(t, d, all)
}
