package model

import (
	"testing"
	"time"
)

func TestSoundIsOpusOfTwentyMilliseconds(t *testing.T) {
	if n := len(Voices()); n != 2 {
		t.Fatalf("%d voices, want 2", n)
	}
	for _, tc := range []struct {
		name      string
		sound     *Sound
		stereo    bool
		low, high float64 // kbit/s
		least     time.Duration
	}{
		{"first voice", Voices()[0], false, 24, 40, 5 * time.Second},
		{"second voice", Voices()[1], false, 24, 40, 5 * time.Second},
		{"music", Music(), true, 80, 125, 8 * time.Second},
	} {
		sum, sizes := 0, map[int]bool{}
		for i := range tc.sound.Len() {
			frame := tc.sound.AppendFrame(nil, i)
			if len(frame) != tc.sound.Size(i) || len(frame) < 2 || len(frame) > 1275 {
				t.Fatalf("%s, frame %d: %d bytes, Size says %d", tc.name, i, len(frame), tc.sound.Size(i))
			}
			// RFC 6716, section 3.1: one frame (code 0), mono or stereo, of 20 ms.
			if code, stereo := frame[0]&3, frame[0]&4 != 0; code != 0 || stereo != tc.stereo || !twenty(frame[0]>>3) {
				t.Fatalf("%s, frame %d: TOC %#x", tc.name, i, frame[0])
			}
			sum += len(frame)
			sizes[len(frame)] = true
		}
		long := time.Duration(tc.sound.Len()) * FrameDuration
		if kbps := float64(sum) * 8 / 1000 / long.Seconds(); kbps < tc.low || kbps > tc.high || long < tc.least {
			t.Errorf("%s: %v at %.1f kbit/s", tc.name, long, kbps)
		}
		if len(sizes) < 10 {
			t.Errorf("%s: only %d sizes of frames", tc.name, len(sizes))
		}
		if n := tc.sound.Len(); tc.sound.Size(n) != tc.sound.Size(0) {
			t.Errorf("%s: does not begin again after its end", tc.name)
		}
	}
}

// twenty reports whether a configuration of Opus has frames of 20 ms.
func twenty(config byte) bool {
	switch {
	case config < 12: // SILK: 10, 20, 40, 60 ms
		return config%4 == 1
	case config < 16: // hybrid: 10, 20 ms
		return config%2 == 1
	}
	return config%4 == 3 // CELT: 2.5, 5, 10, 20 ms
}
