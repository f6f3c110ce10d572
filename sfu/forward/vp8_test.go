package forward

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// vp8Payload writes a descriptor with all fields, as browsers do.
func vp8Payload(id uint16, tl0, key uint8, keyFrame bool) []byte {
	b := []byte{0x90, 0xf0, 0x80 | byte(id>>8)&0x7f, byte(id), tl0, 0x20 | key&0x1f, 0x01, 'x'}
	if keyFrame {
		b[6] = 0
	}
	return b
}

func TestVP8Header(t *testing.T) {
	var v VP8Header
	if !v.Parse(vp8Payload(0x1234, 7, 9, true)) || v.PictureID != 0x1234 || v.TL0 != 7 || v.KeyIndex != 9 || !v.KeyFrame {
		t.Errorf("Parse = %+v", v)
	}
	size := append([]byte{0x10, 0, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x07, 0x38, 0x04}, 0)
	if !v.Parse(size) || v.Width != 1920 || v.Height != 1080 {
		t.Errorf("Parse = %+v, want 1920x1080", v)
	}
	for _, b := range [][]byte{nil, {0x90}, {0x90, 0x80}, {0x90, 0x80, 0x80}, {0x90, 0x40}, {0x90, 0x20}, {0x10}} {
		if v.Parse(b) {
			t.Errorf("Parse(%x) accepts what is cut off", b)
		}
	}
}

// TestVP8Continuity plays frames of several sources in turn, with loss and
// reordering: what leaves counts on by one over each change, and a packet that
// comes again leaves as it did at first.
func TestVP8Continuity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c VP8Continuity
		buffer := make([]byte, 0, 64)
		var last VP8Header
		for epoch := range uint32(rapid.IntRange(1, 5).Draw(t, "epochs")) {
			id := rapid.Uint16Range(0, 0x7fff).Draw(t, "id")
			tl0, key := rapid.Uint8().Draw(t, "tl0"), rapid.Uint8Range(0, 31).Draw(t, "key")
			out := map[int][]byte{}
			newest := 0
			for i := range rapid.IntRange(1, 30).Draw(t, "frames") {
				if i > 0 && rapid.IntRange(0, 4).Draw(t, "lost") == 0 {
					continue
				}
				at := i
				if i > 2 && rapid.IntRange(0, 4).Draw(t, "late") == 0 {
					at = i - 2
				}
				got := bytes.Clone(c.Rewrite(epoch+1, vp8Payload((id+uint16(at))&0x7fff, tl0+uint8(at), key, i == 0), buffer))
				var v VP8Header
				if !v.Parse(got) {
					t.Fatalf("%x is no payload", got)
				}
				if before, again := out[at]; again && !bytes.Equal(before[:6], got[:6]) {
					t.Fatalf("frame %d left as %x, then as %x", at, before, got)
				}
				out[at] = got
				if i == 0 && epoch > 0 && (v.PictureID != (last.PictureID+1)&0x7fff || v.TL0 != last.TL0+1 || v.KeyIndex != (last.KeyIndex+1)&0x1f) {
					t.Fatalf("epoch %d begins with %+v after %+v", epoch, v, last)
				}
				if at >= newest {
					newest, last = at, v
				}
			}
		}
	})
}

func TestVP8ContinuityAllocatesNothing(t *testing.T) {
	var c VP8Continuity
	a, b := vp8Payload(5, 1, 1, true), vp8Payload(900, 3, 4, true)
	buffer, epoch := make([]byte, 0, 1500), uint32(0)
	if n := testing.AllocsPerRun(500, func() {
		epoch++
		c.Rewrite(epoch, a, buffer)
		epoch++
		c.Rewrite(epoch, b, buffer)
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

// FuzzVP8 checks that no payload makes the parser or the rewriter panic, that
// sizes stay, and that what is rewritten parses as before.
func FuzzVP8(f *testing.F) {
	f.Add(vp8Payload(1, 2, 3, true), vp8Payload(0x7fff, 255, 31, false))
	f.Add([]byte{0x90, 0x80, 0x05, 0}, []byte{0x90, 0x20, 0x45, 1})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		var c VP8Continuity
		for i, in := range [][]byte{a, b, a} {
			own := bytes.Clone(in)
			got := c.Rewrite(uint32(i), in, nil)
			if !bytes.Equal(own, in) {
				t.Fatalf("the payload was changed")
			}
			var was, is VP8Header
			if ok := was.Parse(in); len(got) != len(in) || is.Parse(got) != ok {
				t.Fatalf("%x became %x", in, got)
			}
			if was.TID != is.TID || was.KeyFrame != is.KeyFrame || was.Height != is.Height {
				t.Fatalf("%+v became %+v", was, is)
			}
		}
	})
}
