package forward

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
)

// TestRedundancyFillsLoss packs a talker's frames, loses packets of them and
// reads what came: with one earlier frame each loss on its own is filled, with
// two also those of two in a row.
func TestRedundancyFillsLoss(t *testing.T) {
	const pt = 111
	for depth, lost := range map[int][]int{1: {3, 5, 9}, 2: {3, 4, 8, 9, 12}} {
		var r Redundancy
		got := map[uint32]string{}
		for i := range 20 {
			stamp := Stamp{Seq: uint16(65530 + i), Timestamp: uint32(960*i) - 5000}
			frame := fmt.Appendf(nil, "frame %d", i)
			packed, ok := r.Pack(1, stamp, pt, frame, depth)
			if ok != (i > 0) {
				t.Fatalf("depth %d: Pack of frame %d = %v", depth, i, ok)
			}
			if !ok {
				got[stamp.Timestamp] = string(frame)
				continue
			}
			if slices.Contains(lost, i) {
				continue
			}
			var red RED
			if !red.Parse(packed, pt) {
				t.Fatalf("depth %d: frame %d does not parse", depth, i)
			}
			if len(red.Earlier()) != min(i, depth) {
				t.Errorf("depth %d: frame %d has %d earlier frames", depth, i, len(red.Earlier()))
			}
			got[stamp.Timestamp] = string(red.Primary)
			for _, e := range red.Earlier() {
				got[stamp.Timestamp-e.Offset] = string(e.Payload)
			}
		}
		for i := range 20 {
			if want := fmt.Sprintf("frame %d", i); got[uint32(960*i)-5000] != want {
				t.Errorf("depth %d: frame %d is %q", depth, i, got[uint32(960*i)-5000])
			}
		}
	}
}

// TestRedundancyForgets: of one epoch nothing comes in another.
func TestRedundancyForgets(t *testing.T) {
	var r Redundancy
	r.Pack(1, Stamp{Seq: 1, Timestamp: 960}, 111, []byte("of the denied"), 2)
	if packed, ok := r.Pack(2, Stamp{Seq: 2, Timestamp: 1920}, 111, []byte("of another"), 2); ok {
		t.Errorf("the first packet of an epoch repeats %q", packed)
	}
	r.Forget()
	for i := range r.frames {
		if !bytes.Equal(r.frames[i].data[:], make([]byte, keptSize)) {
			t.Errorf("frame %d is in memory after Forget", i)
		}
	}
}

// TestRedundancyLeavesOut what does not fit: frames too old for an offset, too
// large, or missing.
func TestRedundancyLeavesOut(t *testing.T) {
	var r Redundancy
	pack := func(seq uint16, ts uint32, size, depth int) int {
		packed, ok := r.Pack(1, Stamp{Seq: seq, Timestamp: ts}, 111, make([]byte, size), depth)
		if !ok {
			return 0
		}
		if len(packed) > maxREDPacket {
			t.Errorf("a packet has %d bytes", len(packed))
		}
		var red RED
		if !red.Parse(packed, 111) || len(red.Primary) != size {
			t.Fatalf("%d bytes do not parse", len(packed))
		}
		return len(red.Earlier())
	}
	for i, c := range []struct {
		seq  uint16
		ts   uint32
		size int
		want int
	}{
		{1, 0, 80, 0},
		{2, 20000, 80, 0},           // 417 ms after the first
		{3, 20960, keptSize + 1, 1}, // large itself
		{4, 21920, 80, 1},           // not the large one, but that before it
		{6, 23840, 80, 1},           // 5 is missing
		{5, 22880, 80, 1},           // late: 4 is before it, 3 was large
		{7, 24800, maxREDPacket - 100, 1},
		{8, 25760, maxREDPacket, 0},
		{9, 26720, 0, 0},
	} {
		if got := pack(c.seq, c.ts, c.size, 2); got != c.want {
			t.Errorf("packet %d (number %d) has %d earlier frames, want %d", i, c.seq, got, c.want)
		}
	}
}

func TestRedundancyDoesNotAllocate(t *testing.T) {
	r := &Redundancy{}
	stamp, frame := Stamp{}, make([]byte, 80)
	if n := testing.AllocsPerRun(100, func() {
		stamp.Seq, stamp.Timestamp = stamp.Seq+1, stamp.Timestamp+960
		packed, ok := r.Pack(1, stamp, 111, frame, 2)
		var red RED
		if ok && !red.Parse(packed, 111) {
			t.Fatal("malformed")
		}
	}); n != 0 {
		t.Errorf("%v allocations a frame, want 0", n)
	}
}

// FuzzRED reads whatever a publisher may send.
func FuzzRED(f *testing.F) {
	f.Add([]byte{0x80 | 111, 15, 0, 2, 111, 1, 2, 3, 4})
	f.Add([]byte{111, 0xf8})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		var r RED
		if !r.Parse(b, 111) {
			return
		}
		total := 1 + len(r.Primary)
		for _, e := range r.Earlier() {
			if e.Offset > maxREDOffset || len(e.Payload) > maxREDLength {
				t.Fatalf("an earlier frame of %d bytes, %d samples back", len(e.Payload), e.Offset)
			}
			total += redHeader + len(e.Payload)
		}
		if total != len(b) {
			t.Fatalf("%d bytes of %d are accounted for", total, len(b))
		}
	})
}
