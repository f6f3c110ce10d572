package sfu

import (
	"sync"
	"time"

	"earshot/sfu/forward"

	"github.com/pion/rtcp"
)

// How much of what was sent is remembered until feedback comes.
const (
	sentPackets = 1024 // over two seconds at 4 Mbit/s
	overhead    = 50   // bytes of a packet beside its payload: RTP, SRTP, UDP, IP
	maxReported = 4096 // packets one feedback may speak of
)

// downlink finds out how much video the way to a client carries: it numbers
// what is sent there (draft-holmer-rmcat-transport-wide-cc-extensions-01) and
// reads from the client's feedback what came when.
type downlink struct {
	// mu is taken with a slot's mutex held.
	mu    sync.Mutex
	seq   uint16
	began time.Time
	sent  []sentPacket // by number; nil before the first
	clock time.Duration
	ref   uint32 // of the last feedback, in 64 ms, 24 bits
	heard bool
	rate  forward.Estimate
	probe forward.Probe
}

type sentPacket struct {
	at    time.Duration // since began
	size  uint16
	seq   uint16
	state packetState
}

type packetState uint8

const (
	packetUnknown packetState = iota
	packetSent
	packetMissed
	packetCame
)

// number returns the number of the next packet, which leaves now.
func (d *downlink) number(payload int, now time.Time) uint16 {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.sent == nil {
		d.sent, d.began = make([]sentPacket, sentPackets), now
	}
	d.seq++
	d.sent[d.seq%sentPackets] = sentPacket{
		at: now.Sub(d.began), size: uint16(payload + overhead), seq: d.seq, state: packetSent,
	}
	return d.seq
}

// feedback takes what a client says about the packets that it got.
func (d *downlink) feedback(f *rtcp.TransportLayerCC, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.sent == nil {
		return
	}
	d.advance(f.ReferenceTime)
	arrival, deltas := d.clock, f.RecvDeltas
	left := min(int(f.PacketStatusCount), maxReported)
	seq := f.BaseSequenceNumber
	take := func(symbol uint16) bool {
		if left == 0 {
			return false
		}
		left--
		came := symbol == rtcp.TypeTCCPacketReceivedSmallDelta || symbol == rtcp.TypeTCCPacketReceivedLargeDelta
		if came {
			if len(deltas) == 0 {
				return false
			}
			arrival += time.Duration(deltas[0].Delta) * time.Microsecond
			deltas = deltas[1:]
		}
		d.report(seq, came, arrival)
		seq++
		return true
	}
	for _, chunk := range f.PacketChunks {
		if !eachSymbol(chunk, take) {
			break
		}
	}
	d.judgeProbe(now)
	d.rate.Update(now)
}

// eachSymbol calls take with what a chunk says of each packet until that
// returns false.
func eachSymbol(chunk rtcp.PacketStatusChunk, take func(uint16) bool) bool {
	switch c := chunk.(type) {
	case *rtcp.RunLengthChunk:
		for range c.RunLength {
			if !take(c.PacketStatusSymbol) {
				return false
			}
		}
	case *rtcp.StatusVectorChunk:
		for _, symbol := range c.SymbolList {
			if !take(symbol) {
				return false
			}
		}
	}
	return true
}

// advance moves the client's clock to a reference time, which wraps. mu is held.
func (d *downlink) advance(ref uint32) {
	const unit = 64 * time.Millisecond
	if d.heard {
		d.clock += time.Duration(int32((ref-d.ref)<<8)>>8) * unit
	} else {
		d.clock = time.Duration(ref) * unit
	}
	d.ref, d.heard = ref, true
}

// report tells the estimate of one packet, once. mu is held.
func (d *downlink) report(seq uint16, came bool, arrival time.Duration) {
	p := &d.sent[seq%sentPackets]
	switch {
	case p.seq != seq || p.state == packetUnknown || p.state == packetCame:
	case came:
		p.state = packetCame
		if d.probe.Has(seq) {
			d.probe.Take(true, int(p.size), arrival)
			d.rate.Probing(int(p.size), arrival)
			return
		}
		d.rate.Arrived(int(p.size), p.at, arrival)
	case p.state == packetSent:
		p.state = packetMissed
		if d.probe.Has(seq) {
			d.probe.Take(false, 0, 0)
		}
		d.rate.Lost()
	}
}

// estimate returns what the way carries in bit/s of video, and when more was
// last sent than it does. known is false without feedback.
func (d *downlink) estimate() (rate float64, known bool, congested time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	rate, known = d.rate.Rate()
	return rate, known, d.rate.Congested()
}
