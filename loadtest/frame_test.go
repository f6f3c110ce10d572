package loadtest

import (
	"testing"
	"time"
)

func TestFrameRoundTrip(t *testing.T) {
	want := Frame{Bot: 59, Tick: 1 << 20, Sent: 77, Into: 3, At: time.Unix(1700000000, 123456789), Late: 1500 * time.Microsecond}
	b := AppendFrame(nil, want, DefaultFrameBytes)
	if len(b) != DefaultFrameBytes {
		t.Errorf("payload has %d bytes, want %d", len(b), DefaultFrameBytes)
	}
	if config, stereo, code := b[0]>>3, b[0]>>2&1, b[0]&3; config != 31 || stereo != 0 || code != 0 {
		t.Errorf("TOC = configuration %d, stereo %d, code %d", config, stereo, code)
	}
	got, ok := ParseFrame(b)
	if !ok || !got.At.Equal(want.At) {
		t.Fatalf("ParseFrame = %+v, %v, want %+v", got, ok, want)
	}
	got.At = want.At
	if got != want {
		t.Errorf("ParseFrame = %+v, want %+v", got, want)
	}
}

func TestParseFrameRefusesWhatIsNotABots(t *testing.T) {
	whole := AppendFrame(nil, Frame{}, frameHeaderBytes)
	for name, b := range map[string][]byte{
		"empty":    nil,
		"silence":  {0xf8, 0xff, 0xfe},
		"short":    whole[:frameHeaderBytes-1],
		"other":    append([]byte{0xf8, 1, 2}, whole[3:]...),
		"no Opus":  append([]byte{0x00}, whole[1:]...),
		"Opus DTX": {0xf8},
	} {
		if f, ok := ParseFrame(b); ok {
			t.Errorf("%s: ParseFrame = %+v, want none", name, f)
		}
	}
}

func FuzzParseFrame(f *testing.F) {
	f.Add(AppendFrame(nil, Frame{Bot: 1}, DefaultFrameBytes))
	f.Add([]byte{0xf8, 0xff, 0xfe})
	f.Fuzz(func(t *testing.T, b []byte) {
		got, ok := ParseFrame(b)
		if !ok {
			return
		}
		again, ok := ParseFrame(AppendFrame(nil, got, len(b)))
		if !ok || again != got {
			t.Errorf("round trip of %+v = %+v, %v", got, again, ok)
		}
	})
}

// quarter is sound of a few sizes, none among them.
type quarter struct{}

func (quarter) AppendFrame(dst []byte, i int) []byte {
	if i%4 == 3 {
		return dst
	}
	return append(append(dst, 0x78), make([]byte, 40*(i%4))...)
}

func TestSoundCarriesTheFrame(t *testing.T) {
	for tick := range uint32(8) {
		f := Frame{Bot: 7, Tick: tick, Sent: 3, Into: 1, At: time.Unix(5, 6), Late: 7 * time.Microsecond}
		b := appendSound([]byte("before"), f, quarter{})[len("before"):]
		got, ok := ParseFrame(b)
		if !ok || got != f {
			t.Errorf("ParseFrame(tick %d) = %+v, %v, want %+v", tick, got, ok, f)
		}
		// RFC 6716 section 3.2.5: table of contents, frame count, padding
		// length, the frame, the padding.
		sound := quarter{}.AppendFrame(nil, int(tick))
		if want := 3 + max(0, len(sound)-1) + 28; len(b) != want || b[0]&3 != 3 || b[1] != 0x41 || b[2] != 28 {
			t.Errorf("tick %d: %d bytes, % x…, want %d of code 3 with padding", tick, len(b), b[:3], want)
		}
	}
}
