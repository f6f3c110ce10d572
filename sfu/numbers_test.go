package sfu

import (
	"bytes"
	"testing"
	"time"

	"earshot/sfu/egress"
	"earshot/sfu/forward"

	"github.com/pion/rtp"
)

// tape keeps what a slot writes, as it is on the wire before encryption.
type tape struct {
	sink
	wire map[uint16][][]byte // by sequence number
}

func (w *tape) WriteRTP(h *rtp.Header, payload []byte) (int, error) {
	head, err := h.Marshal()
	if err != nil {
		return 0, err
	}
	w.wire[h.SequenceNumber] = append(w.wire[h.SequenceNumber], append(head, payload...))
	return len(head) + len(payload), nil
}

// TestRepairsAreWhatWasSent: encrypted under one nonce, a packet and its repair
// must not differ in a single byte, the number on the downlink included.
func TestRepairsAreWhatWasSent(t *testing.T) {
	p, _ := newFanOut(t, forward.VP8, 1)
	s := p.outlets.Load().slots[0]
	w := &tape{wire: map[uint16][][]byte{}}
	s.writer, s.twccID = w, 3
	check(t, s.header.SetExtension(3, s.number[:]))
	b := testPacket(t, append([]byte{0x90, 0xf0, 0x81, 2, 3, 4, 0x00}, make([]byte, 200)...))
	var packet forward.Packet
	now := time.Now()
	for seq := uint16(1); seq <= 40; seq++ {
		now = now.Add(20 * time.Millisecond)
		next(b, seq, uint32(seq)*1800)
		check(t, packet.Parse(b))
		p.receive(&packet, now)
		if seq%10 != 0 {
			continue
		}
		for out := range w.wire {
			if !s.resend(out, new(egress.Burst)) {
				t.Fatalf("packet %d cannot be repaired", out)
			}
		}
	}
	if len(w.wire) != 40 {
		t.Fatalf("%d packets sent, want 40", len(w.wire))
	}
	for seq, sent := range w.wire {
		for _, again := range sent[1:] {
			if !bytes.Equal(sent[0], again) {
				t.Fatalf("packet %d was %x and is %x as a repair", seq, sent[0][:24], again[:24])
			}
		}
	}
}
