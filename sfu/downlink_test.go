package sfu

import (
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// symbols makes feedback of packets from a number on: 0 lost, else the time
// since the one before in ms.
func symbols(base uint16, ref uint32, ms ...int) *rtcp.TransportLayerCC {
	f := &rtcp.TransportLayerCC{BaseSequenceNumber: base, PacketStatusCount: uint16(len(ms)), ReferenceTime: ref}
	chunk := &rtcp.StatusVectorChunk{SymbolSize: rtcp.TypeTCCSymbolSizeTwoBit}
	for _, d := range ms {
		if d == 0 {
			chunk.SymbolList = append(chunk.SymbolList, rtcp.TypeTCCPacketNotReceived)
			continue
		}
		chunk.SymbolList = append(chunk.SymbolList, rtcp.TypeTCCPacketReceivedSmallDelta)
		f.RecvDeltas = append(f.RecvDeltas, &rtcp.RecvDelta{Type: rtcp.TypeTCCPacketReceivedSmallDelta, Delta: int64(d) * 1000})
	}
	f.PacketChunks = []rtcp.PacketStatusChunk{chunk}
	return f
}

// TestFeedback tells a downlink of loss, across the wrap of its numbers and of
// the client's clock.
func TestFeedback(t *testing.T) {
	now := time.Now()
	d := &downlink{seq: 65500}
	d.feedback(symbols(1, 1, 5), now) // of nothing sent
	if _, known, _ := d.estimate(); known {
		t.Error("feedback on nothing makes an estimate")
	}
	clock := 64*0xffffff - 1500 // of the client in ms; it wraps soon
	lossy := func(n int, drop int) {
		for range n {
			base, ms, first := d.seq+1, []int{}, clock+21 // odd, so never a multiple of 64
			ref := uint32(first/64) & 0xffffff
			last := first / 64 * 64
			for i := range 10 {
				d.number(1000, now)
				now = now.Add(10 * time.Millisecond)
				if i < drop {
					ms = append(ms, 0)
				} else {
					ms, last = append(ms, first+10*i-last), first+10*i
				}
			}
			clock += 100
			d.feedback(symbols(base, ref, ms...), now)
			d.feedback(symbols(base, ref, ms...), now) // said twice
		}
	}
	lossy(30, 0)
	before, known, congested := d.estimate()
	if !known || !congested.IsZero() {
		t.Errorf("estimate known %v, congested %v, want true, never", known, congested)
	}
	lossy(20, 4)
	after, _, congested := d.estimate()
	if after > 0.7*before || congested.IsZero() {
		t.Errorf("%.0f after a loss of 40 %%, %.0f before; congested %v", after, before, congested)
	}
	lossy(5, 0)
	if d.rate.Loss() > 0.5 {
		t.Errorf("loss %.2f", d.rate.Loss())
	}
}

// FuzzFeedback gives a downlink whatever a client may send.
func FuzzFeedback(f *testing.F) {
	f.Add([]byte{0x8f, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, 0, 1, 0, 3, 0, 0, 1, 0, 0x20, 3, 40, 40})
	f.Fuzz(func(t *testing.T, b []byte) {
		packets, err := rtcp.Unmarshal(b)
		if err != nil {
			return
		}
		now := time.Now()
		d := &downlink{}
		for range 100 {
			d.number(1000, now)
			now = now.Add(5 * time.Millisecond)
		}
		for _, p := range packets {
			if cc, ok := p.(*rtcp.TransportLayerCC); ok {
				d.feedback(cc, now)
			}
		}
		if rate, _, _ := d.estimate(); !(rate >= 50_000 && rate <= 50_000_000) {
			t.Fatalf("estimate %v", rate)
		}
	})
}
