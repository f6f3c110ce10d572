package livekit

import (
	"bytes"
	"strings"
	"testing"

	"earshot/gateway/livekit/wire"
)

// frame is a packet of a data track: see the format in livekit/rust-sdks.
func frame(handle byte, rest ...byte) []byte {
	return append([]byte{0x18, 0, 0, handle, 0, 1, 0, 1, 0, 0, 0, 0}, rest...)
}

func TestDataHandle(t *testing.T) {
	extended := func(rest ...byte) []byte {
		b := frame(7, rest...)
		b[0] |= flagExtensions
		return b
	}
	timestamp := []byte{0, 2, 2, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0xaa} // ten bytes, no padding, payload
	for name, c := range map[string]struct {
		packet []byte
		want   uint16
	}{
		"plain":                  {frame(7, 1, 2, 3), 7},
		"without payload":        {frame(7), 7},
		"with a timestamp":       {extended(timestamp...), 7},
		"with padding":           {extended(0, 1, 1, 2, 0, 0, 0, 0, 0xaa), 7},
		"no handle":              {frame(0), 0},
		"short":                  {frame(7)[:11], 0},
		"another version":        {append([]byte{0x38}, frame(7)[1:]...), 0},
		"no room for extensions": {extended(0), 0},
		"longer than it is":      {extended(0, 9, 2, 8), 0},
		"an extension cut off":   {extended(0, 0, 2, 8), 0},
		"a sender":               {extended(0, 1, 255, 3, 'P', 'A', '_', 0), 0},
	} {
		handle, ok := DataHandle(c.packet)
		if ok != (c.want != 0) || ok && handle != c.want {
			t.Errorf("%s: handle %d, %t, want %d", name, handle, ok, c.want)
		}
	}
	packet := frame(7, 1)
	SetDataHandle(packet, 0x1234)
	if handle, _ := DataHandle(packet); handle != 0x1234 || !bytes.Equal(packet[4:], frame(7, 1)[4:]) {
		t.Errorf("after SetDataHandle: %x", packet)
	}
}

// FuzzDataHandle gives whatever a client may send: nothing panics, and what is
// taken can get another handle.
func FuzzDataHandle(f *testing.F) {
	f.Add(frame(7, 1, 2))
	f.Add([]byte{0x1c, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0})
	f.Fuzz(func(t *testing.T, packet []byte) {
		if _, ok := DataHandle(packet); !ok {
			return
		}
		SetDataHandle(packet, 9)
		if handle, ok := DataHandle(packet); !ok || handle != 9 {
			t.Fatalf("%x: handle %d, %t", packet, handle, ok)
		}
	})
}

func TestDataTracks(t *testing.T) {
	d := DataTracks{Of: "pa_ada", Tag: "abcd"}
	long := strings.Repeat("é", 257)
	word := ""
	for name, c := range map[string]struct {
		m    wire.PublishDataTrack
		want wire.RequestReason
	}{
		"no handle":    {wire.PublishDataTrack{Name: "x"}, wire.RequestInvalidHandle},
		"a large one":  {wire.PublishDataTrack{PubHandle: 1 << 16, Name: "x"}, wire.RequestInvalidHandle},
		"no name":      {wire.PublishDataTrack{PubHandle: 1}, wire.RequestInvalidName},
		"a long name":  {wire.PublishDataTrack{PubHandle: 1, Name: long}, wire.RequestInvalidName},
		"no encoding":  {wire.PublishDataTrack{PubHandle: 1, Name: "x", FrameEncoding: &wire.DataEncoding{Custom: &word}}, wire.RequestInvalid},
		"empty schema": {wire.PublishDataTrack{PubHandle: 1, Name: "x", Schema: &wire.DataSchema{}}, wire.RequestInvalid},
	} {
		if info, reason, message := d.Publish(&c.m); info != nil || reason != c.want || message == "" {
			t.Errorf("%s: %v, %d, want %d", name, info, reason, c.want)
		}
	}
	first, _, _ := d.Publish(&wire.PublishDataTrack{PubHandle: 5, Name: "x"})
	if first == nil || DataTrackPublisher(first.SID) != "pa_ada" || d.SIDOf(5) != first.SID || d.SIDOf(6) != "" {
		t.Fatalf("published %+v", first)
	}
	for want, m := range map[wire.RequestReason]wire.PublishDataTrack{
		wire.RequestDuplicateHandle: {PubHandle: 5, Name: "y"}, wire.RequestDuplicateName: {PubHandle: 6, Name: "x"},
	} {
		if _, reason, _ := d.Publish(&m); reason != want {
			t.Errorf("%+v: %d, want %d", m, reason, want)
		}
	}
	before := d.Infos()
	if d.Unpublish(5) != first || d.Unpublish(5) != nil || len(before) != 1 || len(d.Infos()) != 0 {
		t.Errorf("unpublished: before %v, now %v", before, d.Infos())
	}
	again, _, _ := d.Publish(&wire.PublishDataTrack{PubHandle: 5, Name: "x"})
	if again.SID == first.SID {
		t.Error("another track has the sid of the one before")
	}
	for i := uint32(1); ; i++ {
		if _, reason, _ := d.Publish(&wire.PublishDataTrack{PubHandle: 100 + i, Name: strings.Repeat("n", int(i))}); reason != wire.RequestOK {
			if reason != wire.RequestLimitExceeded || i != MaxDataTracks {
				t.Errorf("track %d: %d", i, reason)
			}
			break
		}
	}
	for _, sid := range []string{"", "TR_ada_m1", "DTR_", "DTR_ada", "DTR_!_1", "DTR_ada_" + strings.Repeat("1", 100)} {
		if id := DataTrackPublisher(sid); id != "" {
			t.Errorf("%q is of %s", sid, id)
		}
	}
}

func TestDataSubscriptions(t *testing.T) {
	d := DataSubscriptions{last: 0xfffe}
	for _, sid := range []string{"a", "b", "b", "c"} {
		if !d.Subscribe(sid) {
			t.Fatalf("%s was not taken", sid)
		}
	}
	if h := d.Handles(); len(h) != 3 || h[0xffff] != "a" || h[1] != "b" || h[2] != "c" {
		t.Errorf("handles = %v", h)
	}
	d.Unsubscribe("b")
	d.Keep(func(sid string) bool { return sid != "c" })
	if _, ok := d.Handle("b"); ok || len(d.Handles()) != 1 {
		t.Errorf("handles = %v, want a's", d.Handles())
	}
	for i := 1; i < MaxDataSubscriptions; i++ {
		d.Subscribe(strings.Repeat("n", i))
	}
	if d.Subscribe("one more") {
		t.Error("more were taken than there may be")
	}
}
