package peer

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/pion/rtp/codecs"
)

func TestVideoPacketGoldenBytes(t *testing.T) {
	m := mark{Bot: 7, Frame: 0x8001, Packet: 0, Last: true, At: time.Unix(1, 5)}
	got := hex.EncodeToString(appendVideo(nil, m, true, 40))
	want := "90808001" + "1000009d012a80026801" + "45535650" + "00000007" + "00008001" + "8000" + "0000" + "000000003b9aca05" + "2627"
	if got != want {
		t.Errorf("a key frame is\n%s, want\n%s", got, want)
	}
}

func TestVideoPacketsAreVP8ToAServer(t *testing.T) {
	at := time.Unix(1000, 1)
	for _, tc := range []struct {
		packet uint16
		key    bool
	}{{0, true}, {0, false}, {1, true}, {2, false}} {
		b := appendVideo(nil, mark{Bot: 3, Frame: 130, Packet: tc.packet, At: at}, tc.key, 900)
		if len(b) != 900 {
			t.Fatalf("%d bytes, want 900", len(b))
		}
		var p codecs.VP8Packet
		frame, err := p.Unmarshal(b)
		if err != nil {
			t.Fatal(err)
		}
		if begins := p.S == 1 && p.PID == 0; begins != (tc.packet == 0) || p.PictureID != 130 {
			t.Errorf("packet %d: S %d, picture %d", tc.packet, p.S, p.PictureID)
		}
		if tc.packet == 0 && (frame[0]&1 == 0) != tc.key {
			t.Errorf("key %v: frame tag %x", tc.key, frame[0])
		}
		if m, ok := parseVideo(b); !ok || m.Packet != tc.packet || m.Bot != 3 || m.Frame != 130 || !m.At.Equal(at) || m.Last {
			t.Errorf("parseVideo = %+v, %v", m, ok)
		}
	}
}

// A server may give the payload another descriptor.
func TestVideoMarkSurvivesAnotherDescriptor(t *testing.T) {
	b := appendVideo(nil, mark{Bot: 9, Frame: 1}, true, 100)[descriptorBytes:]
	for _, d := range [][]byte{{0x10}, {0x90, 0x80, 0x7f}, {0x90, 0xe0, 0x80, 0x01, 0x05, 0x20}, {0x90, 0x00}} {
		if m, ok := parseVideo(append(append([]byte{}, d...), b...)); !ok || m.Bot != 9 {
			t.Errorf("descriptor %x: %+v, %v", d, m, ok)
		}
	}
	for _, other := range [][]byte{nil, {0x90}, {0x90, 0x80}, make([]byte, 200)} {
		if m, ok := parseVideo(other); ok {
			t.Errorf("parseVideo(%d bytes of something else) = %+v", len(other), m)
		}
	}
}

func FuzzVideo(f *testing.F) {
	f.Add(appendVideo(nil, mark{Bot: 1}, true, 60))
	f.Add([]byte{0x90, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, ok := parseVideo(b); ok && m.Packet&0x8000 != 0 {
			t.Errorf("packet %d", m.Packet)
		}
	})
}
