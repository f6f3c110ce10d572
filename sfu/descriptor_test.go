package sfu

import (
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"earshot/sfu/egress"
	"earshot/sfu/forward"

	"github.com/pion/rtp"
)

const testDescriptor = 12 // id of the header extension

// av1Packets returns what Chromium sent of AV1 in two sizes, up to the key frame
// after the first, as RTP packets that can be played again and again.
func av1Packets(t *testing.T) (out [][]byte) {
	text, err := os.ReadFile("forward/testdata/captured/chromium156.txt")
	check(t, err)
	ts := uint32(0)
	for _, line := range strings.Split(string(text), "\n") {
		var mode, codec, descriptor, payload string
		var marker bool
		if n, _ := fmt.Sscanf(line, "%s %s %t %s %s", &mode, &codec, &marker, &descriptor, &payload); n != 5 || codec != "av1" {
			continue
		}
		raw, err := hex.DecodeString(descriptor)
		check(t, err)
		body, err := hex.DecodeString(payload)
		check(t, err)
		packet := rtp.Packet{Header: rtp.Header{
			Version: 2, PayloadType: 111, SSRC: 7, SequenceNumber: uint16(len(out)), Timestamp: ts, Marker: marker,
		}, Payload: body}
		check(t, packet.Header.SetExtensionWithProfile(testDescriptor, raw, rtp.ExtensionProfileTwoByte))
		b, err := packet.Marshal()
		check(t, err)
		out = append(out, b)
		if marker {
			ts += 4500
		}
	}
	return out
}

// keeper keeps what a slot writes, as bytes by number.
type keeper struct {
	order []uint16
	sent  map[uint16][]byte
}

func (k *keeper) WriteRTP(h *rtp.Header, payload []byte) (int, error) {
	b, err := (&rtp.Packet{Header: *h, Payload: payload}).Marshal()
	if err != nil {
		return 0, err
	}
	k.order = append(k.order, h.SequenceNumber)
	k.sent[h.SequenceNumber] = b
	return len(b), nil
}

func (k *keeper) Write(b []byte) (int, error) { return len(b), nil }

// showAV1 returns a publication of AV1 and a slot that shows it.
func showAV1(t *testing.T, out interface {
	WriteRTP(*rtp.Header, []byte) (int, error)
	Write([]byte) (int, error)
}) (*Publication, *slot) {
	p, _ := newFanOut(t, forward.AV1, 0)
	p.descriptorID = testDescriptor
	node := &SFU{cfg: DefaultConfig(), metrics: p.metrics}
	lines := &offer{pts: [forward.Codecs]uint8{forward.AV1: 111}}
	s := newSlot(listening(node, lines), "1", forward.Video, 0)
	s.writer, s.descriptorID = out, testDescriptor
	s.assign(p, new(atomic.Uint64))
	return p, s
}

// TestDescriptorsOfASlot plays AV1 of a browser into a slot that shows its lower
// size at the lower frame rates, and then all: numbers close up, a picture ends
// once, and what is repaired later is to the bit what left.
func TestDescriptorsOfASlot(t *testing.T) {
	k := &keeper{sent: map[uint16][]byte{}}
	p, s := showAV1(t, k)
	now := time.Now()
	var packet forward.Packet
	play := func(packets [][]byte) {
		for _, b := range packets {
			check(t, packet.Parse(b))
			now = now.Add(5 * time.Millisecond)
			p.receive(&packet, now)
		}
	}
	all := av1Packets(t)
	s.aim(p, forward.MakeTarget(0, 1))
	play(all[:40])
	low := len(k.order)
	if low == 0 || low >= 35 {
		t.Fatalf("%d of 40 packets left for the lower size at half the rate", low)
	}
	s.aim(p, forward.MakeTarget(1, 2))
	play(all[40:])
	ended := map[uint32]int{}
	for i, seq := range k.order {
		if i > 0 && seq != k.order[i-1]+1 {
			t.Errorf("number %d after %d", seq, k.order[i-1])
		}
		check(t, packet.Parse(k.sent[seq]))
		d := packet.Extension(testDescriptor)
		if len(d) < 3 {
			t.Fatalf("packet %d has no descriptor", i)
		}
		if active := len(d) > 3 && d[3]&0x40 != 0; i < low && !active {
			t.Errorf("packet %d, of what is not all, does not say which decode targets are active: %x", i, d)
		}
		if packet.Marker {
			ended[packet.Timestamp]++
		}
		if ended[packet.Timestamp] > 0 && !packet.Marker {
			t.Errorf("packet %d comes after the end of its picture", i)
		}
	}
	for seq, was := range k.sent {
		k.order = nil
		if !s.resend(seq, &egress.Burst{}) || len(k.order) != 1 || string(k.sent[seq]) != string(was) {
			t.Fatalf("number %d was sent again as\n%x, want\n%x", seq, k.sent[seq], was)
		}
	}
	p.SetActive(false)
	if s.resend(k.order[0], &egress.Burst{}) {
		t.Error("a packet of a camera that is off was repaired")
	}
}

// TestDescriptorOnlyWhereOffered shows AV1 to one who did not offer the
// extension: it comes without.
func TestDescriptorOnlyWhereOffered(t *testing.T) {
	k := &keeper{sent: map[uint16][]byte{}}
	p, s := showAV1(t, k)
	s.descriptorID = 0
	var packet forward.Packet
	for _, b := range av1Packets(t)[:20] {
		check(t, packet.Parse(b))
		p.receive(&packet, time.Now())
	}
	if len(k.order) == 0 {
		t.Fatal("nothing left")
	}
	check(t, packet.Parse(k.sent[k.order[0]]))
	if packet.Extension(testDescriptor) != nil {
		t.Error("a descriptor left that was not offered")
	}
}

func TestForwardingDescriptorsDoesNotAllocate(t *testing.T) {
	out := &sink{}
	p, s := showAV1(t, out)
	all := av1Packets(t)
	var packet forward.Packet
	now, n := time.Now(), 0
	send := func() {
		now = now.Add(5 * time.Millisecond)
		check(t, packet.Parse(all[n%len(all)]))
		packet.Seq, packet.Timestamp = uint16(n), uint32(n/2)*900
		p.receive(&packet, now)
		s.aim(p, forward.MakeTarget(n/100%2, n/10%3))
		n++
	}
	for range 2 * videoCache {
		send()
	}
	if n := testing.AllocsPerRun(500, send); n != 0 {
		t.Errorf("%v allocations a packet, want 0", n)
	}
	if out.packets < 200 {
		t.Errorf("%d packets written", out.packets)
	}
}
