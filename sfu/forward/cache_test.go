package forward

import (
	"fmt"
	"testing"
	"time"
)

func TestCache(t *testing.T) {
	c := NewCache(8)
	for i := range 20 {
		c.Put(&Packet{SSRC: 1, Seq: uint16(65530 + i), Payload: fmt.Append(nil, i)})
	}
	var p Packet
	for i := range 20 {
		got := c.Get(1, uint16(65530+i), nil, &p)
		if want := i >= 12; got != want {
			t.Errorf("Get(packet %d) = %v, want %v", i, got, want)
		} else if got && string(p.Payload) != fmt.Sprint(i) {
			t.Errorf("Get(packet %d) has payload %q", i, p.Payload)
		}
	}
	if c.Get(2, 13, nil, &p) {
		t.Error("Get found a packet of another SSRC")
	}
	c.Put(&Packet{SSRC: 1, Seq: 9, Payload: []byte("video"), Dependency: Dependency{Raw: []byte("descriptor")}})
	if !c.Get(1, 9, make([]byte, 0, 99), &p) || string(p.Payload) != "video" || string(p.Dependency.Raw) != "descriptor" {
		t.Errorf("Get = %q, %q, want the payload and the descriptor", p.Payload, p.Dependency.Raw)
	}
	p.Timestamp = 5
	if c.Has(&p) || c.Has(&Packet{SSRC: 1, Seq: 20}) || c.Has(&Packet{SSRC: 2, Seq: 9}) || !c.Has(&Packet{SSRC: 1, Seq: 9}) {
		t.Error("Has = true for what was not kept, or false for what was")
	}
	none := NewCache(0)
	none.Put(&p)
	if none.Get(p.SSRC, p.Seq, nil, &p) {
		t.Error("a cache of no packets has one")
	}
}

func TestCacheDoesNotAllocate(t *testing.T) {
	c := NewCache(64)
	p := Packet{Payload: make([]byte, 1100)}
	var got Packet
	buffer := make([]byte, 1500)
	for range 64 {
		p.Seq++
		c.Put(&p)
	}
	if n := testing.AllocsPerRun(1000, func() {
		p.Seq++
		c.Put(&p)
		c.Get(0, p.Seq, buffer, &got)
	}); n != 0 {
		t.Errorf("%v allocations a packet, want 0", n)
	}
}

func TestKeyFrames(t *testing.T) {
	var k KeyFrames
	at := func(ms int) time.Time { return epoch.Add(time.Duration(ms) * time.Millisecond) }
	for _, c := range []struct {
		ms   int
		what string
		want bool
	}{
		{0, "due", false}, {0, "want", true}, {10, "want", false}, {900, "due", false},
		{1000, "due", true},                            // none came
		{1050, "arrived", false}, {1060, "due", false}, // it came
		{1100, "want", false}, {1400, "due", false}, {1500, "due", true}, // too soon, but not forgotten
		{1600, "arrived", false}, {9000, "want", true},
	} {
		var got bool
		switch c.what {
		case "want":
			got = k.Want(at(c.ms))
		case "due":
			got = k.Due(at(c.ms))
		case "arrived":
			k.Arrived()
		}
		if got != c.want {
			t.Errorf("%s at %d ms = %v, want %v", c.what, c.ms, got, c.want)
		}
	}
}

func TestStartsKeyFrame(t *testing.T) {
	for _, c := range []struct {
		name    string
		codec   Codec
		payload []byte
		want    bool
	}{
		{"opus", Opus, []byte{0xf8}, true},
		{"vp8 plain key frame", VP8, []byte{0x10, 0x10}, true},
		{"vp8 plain delta frame", VP8, []byte{0x10, 0x11}, false},
		{"vp8 second packet", VP8, []byte{0x00, 0x10}, false},
		{"vp8 second partition", VP8, []byte{0x11, 0x10}, false},
		{"vp8 long picture id and all fields", VP8, []byte{0x90, 0xf0, 0x80, 1, 2, 3, 0x10}, true},
		{"vp8 long picture id, delta", VP8, []byte{0x90, 0xf0, 0x80, 1, 2, 3, 0x11}, false},
		{"vp8 short picture id", VP8, []byte{0x90, 0x80, 0x01, 0x10}, true},
		{"vp8 cut off", VP8, []byte{0x90, 0xf0, 0x80, 1, 2, 3}, false},
		{"vp8 empty", VP8, nil, false},
		{"h264 sps", H264, []byte{0x67, 0}, true},
		{"h264 idr", H264, []byte{0x65, 0}, true},
		{"h264 slice", H264, []byte{0x41, 0}, false},
		{"h264 stap with sps", H264, []byte{0x18, 0, 1, 0x09, 0, 2, 0x67, 0}, true},
		{"h264 stap cut off", H264, []byte{0x18, 0xff, 0xff, 0x09, 0, 2, 0x67, 0}, false},
		{"h264 start of idr", H264, []byte{0x7c, 0x85}, true},
		{"h264 middle of idr", H264, []byte{0x7c, 0x05}, false},
		{"vp9 key frame", VP9, []byte{0x8c, 0x05, 0}, true},
		{"vp9 delta frame", VP9, []byte{0xcc, 0x05, 0}, false},
		{"vp9 second layer of a key frame", VP9, []byte{0xac, 0x05, 0x02, 7, 0}, false},
		{"av1 new sequence", AV1, []byte{0x18, 0}, true},
		{"av1 frame", AV1, []byte{0x10, 0}, false},
		{"av1 cut off", AV1, []byte{0x18}, false},
		{"none", NoCodec, []byte{0x10, 0x10}, false},
	} {
		if got := c.codec.StartsKeyFrame(c.payload); got != c.want {
			t.Errorf("%s: StartsKeyFrame(%x) = %v, want %v", c.name, c.payload, got, c.want)
		}
	}
}

func FuzzStartsKeyFrame(f *testing.F) {
	f.Add([]byte{0x90, 0xf0, 0x80, 1, 2, 3, 0x10})
	f.Add([]byte{0x18, 0, 1, 0x09, 0, 2, 0x67, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		for c := range Codecs {
			c.StartsKeyFrame(b)
		}
	})
}
