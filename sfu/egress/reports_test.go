package egress

import (
	"bytes"
	"testing"

	"github.com/pion/rtcp"
	"github.com/pion/srtp/v3"
)

// reporter is a client that sends RTCP by pion.
type reporter struct{ context *srtp.Context }

func newReporter() reporter {
	key, salt := testKeys()
	return reporter{must(srtp.CreateContext(key, salt, srtp.ProtectionProfileAeadAes128Gcm))}
}

// seal returns an SRTCP packet of an SSRC and the RTCP packet in it.
func (r reporter) seal(ssrc uint32) (sealed, plain []byte) {
	plain = must((&rtcp.ReceiverReport{SSRC: ssrc, Reports: []rtcp.ReceptionReport{{SSRC: 5, Jitter: 6}}}).Marshal())
	return must(r.context.EncryptRTCP(nil, plain, nil)), plain
}

// What pion seals is opened, once, and in the order in which it comes.
func TestReportsOpen(t *testing.T) {
	client, in := newReporter(), must(newInbound(testKeys()))
	var r Reports
	var late [][]byte
	dst := make([]byte, 200)
	for i := range 300 {
		packet, want := client.seal(uint32(7 + i%3))
		if i%10 == 4 {
			late = append(late, packet)
			continue
		}
		for again := range 2 {
			got, ok := r.Open(in, dst, packet)
			if ok != (again == 0) || ok && !bytes.Equal(got, want) {
				t.Fatalf("packet %d, time %d: Open = %x, %v, want %x", i, again+1, got, ok, want)
			}
		}
	}
	for i, packet := range late {
		_, ok := r.Open(in, dst, packet)
		if want := 3*replayWindow > 300-(10*i+4); ok != want && (300-10*i)/3 > replayWindow+2 {
			t.Errorf("packet %d, late: Open = %v, want %v", 10*i+4, ok, want)
		}
		if _, again := r.Open(in, dst, packet); again && ok {
			t.Errorf("packet %d was opened twice", 10*i+4)
		}
	}
}

func TestReportsRefuse(t *testing.T) {
	good, _ := newReporter().seal(7)
	for name, spoil := range map[string]func(b []byte) []byte{
		"another report": func(b []byte) []byte { b[12] ^= 1; return b },
		"another header": func(b []byte) []byte { b[1] ^= 1; return b },
		"another SSRC":   func(b []byte) []byte { b[7] ^= 1; return b },
		"another index":  func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
		"not encrypted":  func(b []byte) []byte { b[len(b)-4] &= 0x7f; return b },
		"another tag":    func(b []byte) []byte { b[len(b)-5] ^= 1; return b },
		"cut":            func(b []byte) []byte { return b[:len(b)-1] },
		"the least":      func(b []byte) []byte { return b[:ReportLeast-1] },
		"nothing":        func([]byte) []byte { return nil },
	} {
		in, dst := must(newInbound(testKeys())), make([]byte, 200)
		var r Reports
		if _, ok := r.Open(in, dst, spoil(bytes.Clone(good))); ok {
			t.Errorf("%s: it was opened", name)
		}
		if _, ok := r.Open(in, dst, good); !ok {
			t.Errorf("%s: the packet itself is not opened any more", name)
		}
		var fresh Reports
		in.Close()
		if _, ok := fresh.Open(in, dst, good); ok {
			t.Errorf("%s: it was opened without keys", name)
		}
	}
}

// A client cannot make the server remember more than so many SSRCs.
func TestReportersAreBounded(t *testing.T) {
	client, in, dst := newReporter(), must(newInbound(testKeys())), make([]byte, 200)
	var r Reports
	for i := range 2 * maxReporters {
		packet, _ := client.seal(uint32(i))
		if _, ok := r.Open(in, dst, packet); ok != (i < maxReporters) {
			t.Fatalf("SSRC %d: Open = %v", i, ok)
		}
	}
	if packet, _ := client.seal(3); len(r.senders) != maxReporters {
		t.Errorf("%d are remembered", len(r.senders))
	} else if _, ok := r.Open(in, dst, packet); !ok {
		t.Error("one who is known is not opened any more")
	}
}

func TestReportsDoNotAllocate(t *testing.T) {
	client, in, dst := newReporter(), must(newInbound(testKeys())), make([]byte, 200)
	var packets [][]byte
	for range 202 {
		packet, _ := client.seal(7)
		packets = append(packets, packet)
	}
	var r Reports
	r.Open(in, dst, packets[0])
	next := 1
	if n := testing.AllocsPerRun(200, func() {
		if _, ok := r.Open(in, dst, packets[next]); !ok {
			t.Fatal("not opened")
		}
		next++
	}); n != 0 {
		t.Errorf("opening a report allocates %v times", n)
	}
}

func FuzzReports(f *testing.F) {
	good, _ := newReporter().seal(7)
	f.Add(good)
	f.Add(good[:ReportLeast])
	f.Fuzz(func(t *testing.T, packet []byte) {
		var r Reports
		in := must(newInbound(testKeys()))
		plain, ok := r.Open(in, make([]byte, len(packet)), packet)
		if ok && len(plain) != len(packet)-tagSize-indexSize {
			t.Errorf("%d bytes of %d were opened", len(plain), len(packet))
		}
	})
}
