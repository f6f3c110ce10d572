package egress

import (
	"bytes"
	"testing"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"pgregory.net/rapid"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// sealer is a client that sends by pion.
type sealer struct{ context *srtp.Context }

func newSealer() sealer {
	key, salt := testKeys()
	return sealer{must(srtp.CreateContext(key, salt, srtp.ProtectionProfileAeadAes128Gcm))}
}

// seal returns an SRTP packet and the RTP packet in it.
func (s sealer) seal(seq uint16, payload string) (sealed, plain []byte) {
	p := rtp.Packet{Header: rtp.Header{Version: 2, SSRC: 7, SequenceNumber: seq, CSRC: []uint32{1, 2}}, Payload: []byte(payload)}
	must(0, p.SetExtension(3, []byte{1, 2, 3}))
	plain = must(p.Marshal())
	return must(s.context.EncryptRTP(nil, plain, nil)), plain
}

// opener is a Source with its keys.
type opener struct {
	*Source
	keys *Inbound
}

func (o opener) open(dst, packet []byte) ([]byte, bool) { return o.Open(o.keys, dst, packet) }

func testSource() opener {
	s := NewSource(7)
	return opener{&s, must(newInbound(testKeys()))}
}

// What pion seals over three turns of the sequence number is opened, in place
// and elsewhere, once.
func TestOpens(t *testing.T) {
	client, s := newSealer(), testSource()
	elsewhere := make([]byte, 200)
	for i := range 3 * 65536 / 50 {
		packet, want := client.seal(uint16(60000+50*i), "hello")
		again := bytes.Clone(packet)
		dst := packet
		if i%2 == 0 {
			dst = elsewhere
		}
		got, ok := s.open(dst, packet)
		if !ok || !bytes.Equal(got, want) {
			t.Fatalf("packet %d: Open = %x, %v, want %x", i, got, ok, want)
		}
		if _, ok := s.open(elsewhere, again); ok {
			t.Fatalf("packet %d was opened twice", i)
		}
	}
}

// Each packet is opened or taken at most once, in whatever order packets come and
// come again; one that is at most a window late is.
func TestNoPacketTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		client, s := newSealer(), testSource()
		const packets = 400
		var sealed [packets][]byte
		for i := range sealed {
			sealed[i], _ = client.seal(uint16(65500+i), "hello")
		}
		opened, newest, at := [packets]bool{}, -1, 0
		buffer := make([]byte, 200)
		for range rapid.IntRange(1, 500).Draw(t, "arrivals") {
			at = min(max(at+rapid.OneOf(rapid.IntRange(-3, 5), rapid.IntRange(-100, 100)).Draw(t, "step"), 0), packets-1)
			if newest < 0 && at > 35 {
				at = 0 // it has to see the first turn
			}
			ok := false
			if rapid.Bool().Draw(t, "by pion") {
				ok = s.Take(uint16(65500 + at))
			} else {
				_, ok = s.open(buffer, sealed[at])
			}
			if want := !opened[at] && newest-at < replayWindow; ok != want && !(newest < 36 && at < newest) {
				t.Fatalf("packet %d after %d, opened %v: Open = %v", at, newest, opened[at], ok)
			}
			if ok && opened[at] {
				t.Fatalf("packet %d was opened twice", at)
			}
			if ok {
				opened[at], newest = true, max(newest, at)
			}
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	client := newSealer()
	good, _ := client.seal(100, "hello")
	for name, spoil := range map[string]func(b []byte) []byte{
		"another payload":   func(b []byte) []byte { b[len(b)-20] ^= 1; return b },
		"another header":    func(b []byte) []byte { b[1] ^= 1; return b },
		"another tag":       func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
		"another SSRC":      func(b []byte) []byte { b[11] ^= 1; return b },
		"cut":               func(b []byte) []byte { return b[:len(b)-1] },
		"a tag only":        func(b []byte) []byte { return b[:tagSize] },
		"nothing":           func([]byte) []byte { return nil },
		"a long extension":  func(b []byte) []byte { b[22] = 0xff; return b },
		"no version":        func(b []byte) []byte { b[0] &= 0x3f; return b },
		"many contributors": func(b []byte) []byte { b[0] |= 0x0f; return b },
	} {
		s := testSource()
		buffer := make([]byte, 200)
		if _, ok := s.open(buffer, spoil(bytes.Clone(good))); ok || s.started {
			t.Errorf("%s was opened", name)
		}
		if _, ok := s.open(buffer, good); !ok {
			t.Errorf("after %s nothing is opened", name)
		}
	}
}

func FuzzOpen(f *testing.F) {
	good, _ := newSealer().seal(100, "hello")
	f.Add(good)
	f.Add(good[:20])
	f.Fuzz(func(t *testing.T, b []byte) {
		s := testSource()
		if plain, ok := s.open(make([]byte, len(b)), b); ok && (len(plain) != len(b)-tagSize || !bytes.Equal(b, good)) {
			t.Errorf("Open(%x) = %x", b, plain)
		}
	})
}

func TestOpenDoesNotAllocate(t *testing.T) {
	client, s := newSealer(), testSource()
	var sealed [][]byte
	for seq := range uint16(1100) {
		b, _ := client.seal(seq, "hello")
		sealed = append(sealed, b)
	}
	next := 0
	if n := testing.AllocsPerRun(1000, func() {
		if _, ok := s.open(sealed[next], sealed[next]); !ok {
			t.Fatal("refused")
		}
		next++
	}); n != 0 {
		t.Errorf("%v allocations a packet, want 0", n)
	}
}
