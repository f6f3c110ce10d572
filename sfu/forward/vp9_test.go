package forward

import (
	"bytes"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// vp9Frame is one packet that is a whole layer frame.
type vp9Frame struct {
	id            uint16
	tl0, tid, sid uint8
	key           bool // of the picture
	last          bool // of the picture
	up, alone     bool
	flexible      bool
	layers        int // with a scalability structure
}

func (f vp9Frame) payload() []byte {
	b := []byte{vp9I | vp9L | vp9B | vp9E, 0x80 | byte(f.id>>8)&0x7f, byte(f.id), f.tid<<5 | f.sid<<1}
	set := func(on bool, i int, bit byte) {
		if on {
			b[i] |= bit
		}
	}
	set(!f.key, 0, vp9P)
	set(f.alone, 0, vp9Z)
	set(f.layers > 0, 0, vp9V)
	set(f.up, 3, 0x10)
	set(f.sid > 0 && f.key, 3, 1)
	set(f.flexible, 0, vp9F)
	if !f.flexible {
		b = append(b, f.tl0)
	} else if !f.key {
		b = append(b, 1<<1|1, 2<<1) // two references
	}
	if f.layers > 0 {
		b = append(b, byte(f.layers-1)<<5|0x10|0x08)
		for l := range f.layers {
			b = append(b, 1, 64, 0, byte(45<<l)) // 320 x 45, 90, 180
		}
		b = append(b, 2, 0x10|1<<2, 2, 1<<5) // two pictures, of which the first has a reference
	}
	return append(b, "video"...)
}

func TestVP9Header(t *testing.T) {
	for _, f := range []vp9Frame{
		{id: 0x1234, tl0: 7, key: true, layers: 3},
		{id: 1, tl0: 255, tid: 2, sid: 2, up: true},
		{id: 0x7fff, tid: 1, sid: 1, alone: true, flexible: true},
		{id: 2, sid: 1, key: true, flexible: true},
	} {
		var v VP9Header
		b := f.payload()
		if !v.Parse(b) {
			t.Fatalf("%+v: %x is not accepted", f, b)
		}
		if v.PictureID != f.id || v.TID != f.tid || v.SID != f.sid || v.Inter == f.key || v.SwitchUp != f.up ||
			v.Alone != f.alone || v.Flexible != f.flexible || v.Layers != f.layers || !v.Start || !v.End || !f.flexible && v.TL0 != f.tl0 {
			t.Errorf("%+v: Parse(%x) = %+v", f, b, v)
		}
		if f.layers == 3 && v.Heights != [vp9Layers]uint16{45, 90, 180} {
			t.Errorf("heights %v, want 45, 90, 180", v.Heights)
		}
		for n := range len(b) - len("video") + 1 {
			if v.Parse(b[:n]) {
				t.Errorf("%+v: accepts the first %d bytes of %x", f, n, b)
			}
		}
	}
}

// svc plays pictures of VP9 in three spatial and three temporal layers.
type svc struct {
	layout Layout
	key    bool // K-SVC
	n      int
	seq    uint16
}

// picture returns the packets of the next picture.
func (s *svc) picture(keyPicture bool) []*Packet {
	if keyPicture {
		s.n = 0
	}
	tid := [...]uint8{0, 2, 1, 2}[s.n%4]
	var out []*Packet
	for sid := range uint8(3) {
		f := vp9Frame{
			id: uint16(s.n), tl0: uint8(s.n / 4), tid: tid, sid: sid, key: keyPicture, last: sid == 2,
			up: tid == 0, alone: s.key && !keyPicture && sid < 2 || sid == 2,
		}
		if keyPicture && sid == 0 {
			f.layers = 3
		}
		p := &Packet{SSRC: 1, Seq: s.seq, Timestamp: uint32(s.seq/3) * 3000, Marker: sid == 2, Payload: f.payload()}
		s.layout.Locate(VP9, p, nil)
		s.seq++
		out = append(out, p)
	}
	s.n++
	return out
}

// TestVP9Layers takes a target of a scalable stream, moves it, and writes down
// what is forwarded: the spatial layers of each picture, its temporal layer, and
// a bar where the picture ends for the viewer.
func TestVP9Layers(t *testing.T) {
	for name, s := range map[string]struct {
		key  bool
		want string
	}{
		"SVC":   {false, "012t0| 012t2| 012t1| 012t2| 01t0| 01t2| 01t1| 01t2| 01t0| 01t0| 01t0| 012t0| 012t2| 012t1| "},
		"K-SVC": {true, "012t0| 2t2| 2t1| 2t2| 2t0| 2t2| 2t1| 2t2| 2t0| 01t0| 1t2| 1t1| 1t2| 1t0| 1t0| 012t0| 2t2| 2t1| "},
	} {
		t.Run(name, func(t *testing.T) {
			stream := svc{key: s.key}
			var c LayerChoice
			c.Reset(MakeTarget(2, 2))
			got := ""
			play := func(pictures int, keyPicture bool) {
				for i := range pictures {
					sizes, tid, end := "", uint8(0), ""
					for _, p := range stream.picture(keyPicture && i == 0) {
						if ok, _ := c.Take(p); ok {
							sizes += fmt.Sprint(p.Place.Layer)
							tid = p.Place.Temporal
							if p.Marker || p.Place.Ends.Has(c.Current()) {
								end += "|"
							}
						}
					}
					if sizes != "" {
						got += fmt.Sprintf("%st%d%s ", sizes, tid, end)
					}
				}
			}
			play(4, true)
			c.Aim(MakeTarget(1, 2))
			if s.key {
				play(8, false) // at the lowest rate, until a key frame comes
				play(4, true)
			} else {
				play(4, false)
			}
			c.Aim(MakeTarget(1, 0))
			if !s.key {
				play(4, false)
				play(4, false)
			} else {
				play(8, false)
			}
			c.Aim(MakeTarget(2, 2))
			if !s.key {
				play(4, false) // the size comes with a key frame only
			}
			play(3, true)
			if got != s.want {
				t.Errorf("\n%s, want\n%s", got, s.want)
			}
		})
	}
}

// TestVP9Continuity plays sources in turn: what leaves counts on by one over each
// change, and keeps the gaps that a source has.
func TestVP9Continuity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c VP9Continuity
		var last VP9Header
		for epoch := range uint32(rapid.IntRange(1, 5).Draw(t, "epochs")) {
			id, tl0 := rapid.Uint16Range(0, 0x7fff).Draw(t, "id"), rapid.Uint8().Draw(t, "tl0")
			shift := uint16(0)
			for i := range uint16(rapid.IntRange(1, 40).Draw(t, "pictures")) {
				if i > 0 && rapid.IntRange(0, 3).Draw(t, "left") == 0 {
					continue
				}
				f := vp9Frame{id: (id + i) & 0x7fff, tl0: tl0 + uint8(i), key: i == 0}
				var v VP9Header
				if !v.Parse(c.Rewrite(epoch+1, f.payload(), nil)) {
					t.Fatal("no payload")
				}
				if i == 0 {
					shift = v.PictureID - id
					if epoch > 0 && (v.PictureID != (last.PictureID+1)&0x7fff || v.TL0 != last.TL0+1) {
						t.Fatalf("epoch %d begins with %d, %d after %d, %d", epoch, v.PictureID, v.TL0, last.PictureID, last.TL0)
					}
				} else if v.PictureID != (f.id+shift)&0x7fff {
					t.Fatalf("picture %d of an epoch left as %d, want %d", i, v.PictureID, (f.id+shift)&0x7fff)
				}
				last = v
			}
		}
	})
}

// FuzzVP9 checks that no payload makes the parser, the layout or the rewriter
// panic, that sizes stay, and that what is rewritten says the same of layers.
func FuzzVP9(f *testing.F) {
	f.Add(vp9Frame{key: true, layers: 3}.payload(), vp9Frame{id: 0x7fff, tid: 2, sid: 1, flexible: true}.payload())
	f.Add([]byte{0x80, 0x05, 0}, []byte{0x02, 0xff, 1})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		var c VP9Continuity
		var l Layout
		for i, in := range [][]byte{a, b, a} {
			own := bytes.Clone(in)
			l.Locate(VP9, &Packet{Payload: in}, nil)
			got := c.Rewrite(uint32(i), in, nil)
			if !bytes.Equal(own, in) {
				t.Fatal("the payload was changed")
			}
			var was, is VP9Header
			if ok := was.Parse(in); len(got) != len(in) || is.Parse(got) != ok {
				t.Fatalf("%x became %x", in, got)
			}
			was.PictureID, was.TL0, is.PictureID, is.TL0 = 0, 0, 0, 0
			if was != is {
				t.Fatalf("%+v became %+v", was, is)
			}
		}
	})
}
