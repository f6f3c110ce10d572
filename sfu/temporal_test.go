package sfu

import (
	"sync/atomic"
	"testing"
	"time"

	"earshot/sfu/egress"
	"earshot/sfu/forward"

	"github.com/pion/rtp"
	"pgregory.net/rapid"
)

// TestSimulcastInFrameRates plays three encodings of VP8 in three frame rates
// into a slot whose aim changes at any moment, with key frames as they come.
// What leaves is what a decoder of VP8 insists on: numbers and picture ids
// without a gap, TL0PICIDX that counts the frames of the lowest layer, nothing
// that refers to what was left out, one end of each frame; and what is repaired
// is to the bit what left.
func TestSimulcastInFrameRates(t *testing.T) {
	base, _ := newFanOut(t, forward.VP8, 0)
	rapid.Check(t, func(t *rapid.T) {
		p := base
		p.layers = newLayers([]string{"l", "m", "h"})
		node := &SFU{cfg: DefaultConfig(), metrics: p.metrics}
		lines := &offer{pts: [forward.Codecs]uint8{forward.VP8: 111}}
		s := newSlot(listening(node, lines), "1", forward.Video, 0)
		k := &keeper{sent: map[uint16][]byte{}}
		s.writer = k
		s.assign(p, new(atomic.Uint64))
		defer s.assign(nil, nil)
		now := time.Now()
		var seq, frame [forward.MaxLayers]uint16
		var tl0 [forward.MaxLayers]uint8
		var step [forward.MaxLayers]int
		for i := range seq {
			seq[i], frame[i] = rapid.Uint16().Draw(t, "seq"), rapid.Uint16Range(0, 0x7fff).Draw(t, "picture")
		}
		for n := range rapid.IntRange(10, 150).Draw(t, "pictures") {
			now = now.Add(50 * time.Millisecond)
			if rapid.IntRange(0, 5).Draw(t, "aim") == 0 {
				s.aim(p, forward.MakeTarget(rapid.IntRange(0, 2).Draw(t, "size"), rapid.IntRange(0, 2).Draw(t, "rate")))
			}
			for l := range uint8(forward.MaxLayers) {
				if n > 0 && rapid.IntRange(0, 9).Draw(t, "paused") == 0 {
					continue
				}
				key := n == 0 || rapid.IntRange(0, 19).Draw(t, "key") == 0
				if key {
					step[l] = 0
				}
				tid := [...]uint8{0, 2, 1, 2}[step[l]%4]
				sync := byte(0)
				if step[l]%4 == 1 || step[l]%4 == 2 {
					sync = 0x20
				}
				if tid == 0 {
					tl0[l]++
				}
				packets := rapid.IntRange(1, 3).Draw(t, "packets")
				for part := range packets {
					payload := []byte{0x80, 0xf0, 0x80 | byte(frame[l]>>8), byte(frame[l]), tl0[l], tid<<6 | sync, 1, l}
					if part == 0 {
						payload[0] |= 0x10
						if key {
							payload[6] = 0
						}
					}
					packet := forward.Packet{
						SSRC: 100 + uint32(l), Seq: seq[l], Timestamp: uint32(n) * 4500, PayloadType: 111,
						Marker: part == packets-1, Payload: payload, Layer: l,
					}
					p.receive(&packet, now)
					seq[l]++
					if rapid.IntRange(0, 30).Draw(t, "padding") == 0 && part == packets-1 {
						p.receive(&forward.Packet{SSRC: 100 + uint32(l), Seq: seq[l], Timestamp: uint32(n) * 4500, PayloadType: 111, Layer: l}, now)
						seq[l]++
					}
				}
				frame[l] = (frame[l] + 1) & 0x7fff
				step[l]++
			}
		}
		checkVP8(t, k)
		order := k.order
		for _, seq := range order[max(0, len(order)-20):] {
			was := string(k.sent[seq])
			if s.resend(seq, &egress.Burst{}) && string(k.sent[seq]) != was {
				t.Fatalf("number %d was sent again as %x, want %x", seq, k.sent[seq], was)
			}
		}
	})
}

func checkVP8(t *rapid.T, k *keeper) {
	var was forward.VP8Header
	var before rtp.Packet
	rate := uint8(0)
	for i, seq := range k.order {
		var packet rtp.Packet
		var v forward.VP8Header
		if packet.Unmarshal(k.sent[seq]) != nil || !v.Parse(packet.Payload) {
			t.Fatalf("packet %d is no packet", i)
		}
		if i == 0 {
			was, before = v, packet
			continue
		}
		if seq != k.order[i-1]+1 {
			t.Fatalf("number %d after %d", seq, k.order[i-1])
		}
		if v.Start != before.Marker {
			t.Fatalf("packet %d: a frame begins is %v, one ended is %v", i, v.Start, before.Marker)
		}
		if v.Start {
			if v.PictureID != (was.PictureID+1)&0x7fff {
				t.Fatalf("packet %d: picture %d after %d", i, v.PictureID, was.PictureID)
			}
			if v.TL0 != was.TL0+map[bool]uint8{true: 1}[v.TID == 0] {
				t.Fatalf("packet %d: TL0 %d, layer %d, after TL0 %d", i, v.TL0, v.TID, was.TL0)
			}
			if v.TID > rate && !v.Sync {
				t.Fatalf("packet %d: layer %d without Y after %d", i, v.TID, rate)
			}
			if v.TID == 0 {
				rate = 0
			}
			rate = max(rate, v.TID)
		} else if v.PictureID != was.PictureID {
			t.Fatalf("packet %d: picture %d goes on as %d", i, was.PictureID, v.PictureID)
		}
		was, before = v, packet
	}
}
