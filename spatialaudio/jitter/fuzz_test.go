package jitter

import (
	"encoding/binary"
	"math"
	"testing"
	"time"
)

// FuzzBuffer plays a script of packets, times and orders that nobody sane sends.
// Whatever comes, ticks give finite samples, and the work of each is bounded.
func FuzzBuffer(f *testing.F) {
	f.Add([]byte{0, 1, 0, 1, 20, 5, 0x48, 0, 1, 2, 3, 255, 0, 0, 0, 0})
	f.Add([]byte("\x00\x02\x00\x01\x14\x09\x80\x6f\x0f\x04\x6f\x48\x48\x00\x00\x00\xff\xff\xff\xff\xf1\xf2\xf3"))
	many := []byte{}
	for i := range byte(60) {
		many = append(many, 0, i, i, 1, i&3, 3, 0x48, 0x40, i, 255)
	}
	f.Add(many)
	f.Fuzz(func(t *testing.T, script []byte) {
		b, d := New(epoch), new(tone)
		b.Attach(d)
		now := epoch
		out := make([]float32, FrameSamples)
		take := func(n int) []byte {
			n = min(n, len(script))
			taken := script[:n]
			script = script[n:]
			return taken[:n:n] // so that nobody appends to the script
		}
		for len(script) > 0 {
			switch op := take(1)[0]; op {
			case 255: // ticks
				for range 3 {
					now = now.Add(20 * time.Millisecond)
					before := d.decodes + d.plc + d.fec
					b.Tick(now, out)
					if work := d.decodes + d.plc + d.fec - before; work > 2*maxQueued {
						t.Fatalf("a tick called the decoder %d times", work)
					}
					for _, x := range out {
						if math.IsNaN(float64(x)) || x > 1 || x < -1 {
							t.Fatalf("a sample is %v", x)
						}
					}
				}
			case 254:
				b.Detach()
			case 253:
				b.Attach(d)
			case 252:
				b.Flush()
			case 251:
				now = now.Add(time.Duration(append(take(1), 0)[0]) * time.Second)
			case 250:
				d.refuse = !d.refuse
			default:
				head := append(take(5), 0, 0, 0, 0, 0)
				now = now.Add(time.Duration(head[4]) * time.Millisecond)
				b.Push(now, Packet{
					SSRC: uint32(op & 1), Sequence: uint16(int8(head[0])), Timestamp: uint32(int32(int16(binary.BigEndian.Uint16(head[1:]))) * 240),
					RED: op&2 != 0, Payload: take(int(head[3])),
				})
			}
		}
		s := b.Stats()
		if s.Decoded > uint64(d.decodes) || s.Malformed > s.Received {
			t.Fatalf("%+v of %d decodes", s, d.decodes)
		}
	})
}

// FuzzRedundant holds the reader of redundant data to its limits.
func FuzzRedundant(f *testing.F) {
	f.Add(withRED(1, 1, 1).Payload)
	f.Add([]byte{111, 1, 2, 3})
	f.Add([]byte{0xef, 0xff, 0xff, 0xff, 111})
	f.Fuzz(func(t *testing.T, b []byte) {
		var blocks [maxBlocks]block
		primary, n, ok := redundant(b, &blocks)
		if !ok {
			return
		}
		total := len(primary)
		for _, e := range blocks[:n] {
			if e.offset < 0 || e.offset >= 1<<14 || len(e.payload) == 0 {
				t.Fatalf("block %+v", e)
			}
			total += len(e.payload)
		}
		if total > len(b) {
			t.Fatalf("%d bytes in blocks of %d", total, len(b))
		}
		if d := duration(primary); d < 0 || d > maxDuration {
			t.Fatalf("duration %d", d)
		}
		repairs(primary)
	})
}
