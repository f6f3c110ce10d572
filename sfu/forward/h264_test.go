package forward

import (
	"encoding/hex"
	"testing"
)

// parameterSets are sequence parameter sets that encoders wrote for pictures of
// a height (ffmpeg -f lavfi -i testsrc).
var parameterSets = []struct {
	from   string
	height int
	sps    string
}{
	{"x264 baseline", 720, "6742c01fd9005005bb0110000003001000000303c0f1832480"},
	{"x264 baseline", 1080, "6742c028d900780227e5c044000003000400000300f03c60c920"},
	{"x264 high", 1080, "67640028acd940780227e5c044000003000400000300f03c60c658"},
	{"x264 interlaced", 576, "6764001facd940b424d80880000003008000001e0f8b16cb"},
	{"x264 4:4:4", 362, "67f4001e919b281405ff3e0220000003002000000781e2c5b2c0"},
	{"x264 grey", 358, "6764001ef3650280bfe2f016c8000003000800000301e078b16cb0"},
}

// TestH264Height reads the height from a parameter set alone, in an aggregate
// as browsers send it, and not from what is cut short.
func TestH264Height(t *testing.T) {
	for _, c := range parameterSets {
		sps, err := hex.DecodeString(c.sps)
		if err != nil {
			t.Fatal(err)
		}
		if got := h264Height(sps); got != c.height {
			t.Errorf("%s: %d pixels high, want %d", c.from, got, c.height)
		}
		aggregate := []byte{nalSTAPA, 0, 2, 9, 0x10, 0, byte(len(sps))}
		aggregate = append(aggregate, sps...)
		aggregate = append(aggregate, 0, 2, 0x68, 0xce)
		var l Layout
		p := Packet{Payload: aggregate}
		l.Locate(H264, &p, nil)
		if l.Height(0) != c.height || p.Place.Begins == 0 {
			t.Errorf("%s: %d pixels high in an aggregate (begins %b), want %d", c.from, l.Height(0), p.Place.Begins, c.height)
		}
		p.Payload = []byte{nalIDR, 1, 2, 3}
		if l.Locate(H264, &p, nil); l.Height(0) != c.height {
			t.Errorf("%s: the slice behind it forgets the height", c.from)
		}
		for n := range 8 {
			if got := h264Height(sps[:n]); got != 0 {
				t.Errorf("%s: %d pixels high by the first %d bytes", c.from, got, n)
			}
		}
		if n := testing.AllocsPerRun(100, func() { h264Height(sps) }); n != 0 {
			t.Errorf("%v allocations", n)
		}
	}
}

// FuzzH264Height: whatever comes, a height is possible or unknown.
func FuzzH264Height(f *testing.F) {
	for _, c := range parameterSets {
		sps, err := hex.DecodeString(c.sps)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(sps)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if h := h264Height(b); h < 0 || h >= 2*mostHeight {
			t.Errorf("%d pixels high", h)
		}
		h264KeyFrame(b)
	})
}
