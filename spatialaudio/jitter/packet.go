package jitter

import "encoding/binary"

// Packet is an RTP packet of a voice (RFC 3550, RFC 7587). Its payload is read
// during Push only.
type Packet struct {
	SSRC      uint32
	Sequence  uint16
	Timestamp uint32 // in samples of 48 kHz
	Payload   []byte // an Opus packet, or with RED several
	RED       bool   // Payload is redundant audio data (RFC 2198)
}

// Limits of a payload.
const (
	maxPayload = 1275 + 3*1 // bytes of an Opus packet that is kept
	maxBlocks  = 16         // earlier frames that are read of a packet
	redHeader  = 4          // bytes before an earlier frame's data
)

// block is an earlier frame in a packet.
type block struct {
	offset  int64 // samples by which it is older
	payload []byte
}

// redundant reads redundant audio data. blocks are the earlier frames, the oldest
// first, of the kind of the primary; there are at most maxBlocks.
func redundant(b []byte, blocks *[maxBlocks]block) (primary []byte, n int, ok bool) {
	var kinds [maxBlocks]byte
	var sizes [maxBlocks]int
	at, count := 0, 0
	for ; len(b) > at && b[at]&0x80 != 0; count++ {
		if count == maxBlocks || len(b) < at+redHeader {
			return nil, 0, false
		}
		h := binary.BigEndian.Uint32(b[at:])
		kinds[count] = b[at] & 0x7f
		blocks[count].offset = int64(h >> 10 & 0x3fff)
		sizes[count] = int(h & 0x3ff)
		at += redHeader
	}
	if len(b) <= at {
		return nil, 0, false
	}
	kind := b[at]
	at++
	for i := range count {
		if len(b) < at+sizes[i] {
			return nil, 0, false
		}
		if payload := b[at : at+sizes[i]]; kinds[i] == kind && len(payload) > 0 {
			blocks[n] = block{blocks[i].offset, payload}
			n++
		}
		at += sizes[i]
	}
	return b[at:], n, true
}

// duration returns how many samples of 48 kHz an Opus packet lasts (RFC 6716,
// section 3.1), or 0 where it is none.
func duration(b []byte) int64 {
	if len(b) == 0 {
		return 0
	}
	frames := int64(1)
	switch b[0] & 3 {
	case 1, 2:
		frames = 2
	case 3:
		if len(b) < 2 {
			return 0
		}
		frames = int64(b[1] & 0x3f)
	}
	if d := frames * frameSize(b[0]); d <= maxDuration {
		return d
	}
	return 0
}

// frameSize reads the duration of a frame from the first byte.
func frameSize(toc byte) int64 {
	switch config := toc >> 3; {
	case config < 12: // SILK: 10, 20, 40, 60 ms
		return [...]int64{480, 960, 1920, 2880}[config&3]
	case config < 16: // hybrid: 10, 20 ms
		return [...]int64{480, 960}[config&1]
	default: // CELT: 2.5, 5, 10, 20 ms
		return 120 << (config & 3)
	}
}

// pauses reports whether a packet announces a pause: RFC 6716, section 2.1.9,
// has one byte, encoders also send two.
func pauses(b []byte) bool { return len(b) <= 2 }

// repairs reports whether a packet has a copy of the frame before it (LBRR: RFC
// 6716, section 4.2.4). Those of several frames are taken as having none.
func repairs(b []byte) bool {
	if len(b) < 2 || b[0]&3 != 0 || b[0]>>3 >= 16 {
		return false
	}
	frames := max(frameSize(b[0])/960, 1) // SILK's frames of 20 ms within one of Opus
	if b[1]>>(7-frames)&1 != 0 {
		return true
	}
	return b[0]&4 != 0 && frames < 3 && b[1]>>(6-2*frames)&1 != 0
}
