package forward

import (
	"bytes"
	"testing"

	"github.com/pion/rtp"
)

func TestParse(t *testing.T) {
	one := rtp.Packet{
		Header:  rtp.Header{Version: 2, Marker: true, PayloadType: 111, SequenceNumber: 65535, Timestamp: 1 << 31, SSRC: 42, CSRC: []uint32{1, 2}},
		Payload: []byte("payload"),
	}
	two := one
	if err := one.SetExtension(1, []byte{0x80 | 30}); err != nil {
		t.Fatal(err)
	}
	if err := one.SetExtension(4, []byte("mid")); err != nil {
		t.Fatal(err)
	}
	two.Header = two.Header.Clone()
	if err := two.SetExtension(200, []byte{5, 6}); err != nil {
		t.Fatal(err)
	}
	if err := two.SetExtension(1, []byte{31}); err != nil {
		t.Fatal(err)
	}
	two.PaddingSize, two.Padding = 4, true

	for name, c := range map[string]struct {
		packet  rtp.Packet
		dBov    int
		voice   bool
		padding uint8
	}{"one byte": {one, -30, true, 0}, "two byte": {two, -31, false, 4}} {
		b, err := c.packet.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		var p Packet
		if err := p.Parse(b); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if p.Seq != 65535 || p.Timestamp != 1<<31 || p.SSRC != 42 || p.PayloadType != 111 || !p.Marker ||
			string(p.Payload) != "payload" || p.Padding != c.padding {
			t.Errorf("%s: parsed %+v", name, p)
		}
		if dBov, voice, ok := p.AudioLevel(1); dBov != c.dBov || voice != c.voice || !ok {
			t.Errorf("%s: AudioLevel = %d, %v, %v, want %d, %v", name, dBov, voice, ok, c.dBov, c.voice)
		}
		if _, _, ok := p.AudioLevel(9); ok || p.Extension(0) != nil {
			t.Errorf("%s: found an extension that is not there", name)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for name, b := range map[string][]byte{
		"nothing":           nil,
		"short":             make([]byte, 11),
		"version 1":         append([]byte{0x40}, make([]byte, 20)...),
		"sources missing":   append([]byte{0x8f}, make([]byte, 20)...),
		"extension missing": append([]byte{0x90}, make([]byte, 11)...),
		"extension short":   append([]byte{0x90}, append(make([]byte, 11), 0xbe, 0xde, 0, 9)...),
		"no padding":        append([]byte{0xa0}, make([]byte, 11)...),
		"padding of 0":      append([]byte{0xa0}, make([]byte, 15)...),
		"too much padding":  append([]byte{0xa0}, append(make([]byte, 11), 9)...),
	} {
		var p Packet
		if err := p.Parse(b); err == nil {
			t.Errorf("%s: Parse accepted %x", name, b)
		}
	}
}

// FuzzParse compares with pion's parser: what both accept, both read the same.
func FuzzParse(f *testing.F) {
	f.Add([]byte{0x90, 0xef, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0xbe, 0xde, 0, 1, 0x10, 0x9e, 0, 0, 1, 2, 3}, uint8(1))
	f.Add([]byte{0xb0, 0xef, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0x10, 0, 0, 1, 1, 1, 0x9e, 0, 1, 2, 2}, uint8(1))
	f.Fuzz(func(t *testing.T, b []byte, id uint8) {
		var p Packet
		err := p.Parse(b)
		if ext := p.Extension(id); err == nil && len(ext) > len(b) {
			t.Fatalf("extension of %d bytes in %d", len(ext), len(b))
		}
		p.AudioLevel(id)
		var want rtp.Packet
		if err != nil || want.Unmarshal(b) != nil {
			return
		}
		if p.Seq != want.SequenceNumber || p.Timestamp != want.Timestamp || p.SSRC != want.SSRC ||
			p.PayloadType != want.PayloadType || p.Marker != want.Marker || !bytes.Equal(p.Payload, want.Payload) {
			t.Fatalf("Parse(%x) = %+v, pion has %+v", b, p, want)
		}
	})
}

func TestParseDoesNotAllocate(t *testing.T) {
	b := []byte{0x90, 0xef, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0xbe, 0xde, 0, 1, 0x10, 0x9e, 0, 0, 1, 2, 3}
	var p Packet
	var l Level
	if n := testing.AllocsPerRun(1000, func() {
		if p.Parse(b) != nil {
			t.Fatal("refused")
		}
		dBov, voice, _ := p.AudioLevel(1)
		l.Observe(dBov, voice, epoch)
	}); n != 0 {
		t.Errorf("%v allocations a packet, want 0", n)
	}
}
