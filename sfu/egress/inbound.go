package egress

import (
	"crypto/cipher"
	"encoding/binary"
)

// replayWindow is how far behind the newest packet of a Source one may be. It is
// what pion takes; RFC 3711, section 3.3.2, asks for at least as much.
const replayWindow = 64

// Inbound has the SRTP key of what one session sends to us: AEAD_AES_128_GCM
// without MKI (RFC 7714). pion has it too, and may open what nobody opens here:
// to open a packet twice does no harm, to seal two under one nonce would.
type Inbound struct {
	aead cipher.AEAD
	salt [saltSize]byte
}

func newInbound(masterKey, masterSalt []byte) (*Inbound, error) {
	c, err := newContext(masterKey, masterSalt)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return &Inbound{aead: c.aead, salt: c.salt}, nil
}

// Close wipes what can be wiped. It opens nothing any more.
func (in *Inbound) Close() {
	clear(in.salt[:])
	in.aead = nil
}

// Source opens the packets of one SSRC. It is guarded by its owner. Where pion
// opens some of them, Take has to be told, from the first on: so both agree on
// the turns of the sequence number, and none comes by both ways.
type Source struct {
	ssrc    uint32
	started bool
	newest  int64  // index of the newest packet: 65536 * rollover counter + sequence number
	seen    uint64 // which of those from newest on, backwards, came
	nonce   [saltSize]byte
}

// NewSource returns the receiver of an SSRC.
func NewSource(ssrc uint32) Source { return Source{ssrc: ssrc} }

// Open decrypts an SRTP packet into dst, which has room for it and may be the
// packet itself, and returns the RTP packet. It is false for one that is not of
// the session or the SSRC, that came before, or that is too old to know; dst is
// spoiled then, and nothing else changed.
func (s *Source) Open(in *Inbound, dst, packet []byte) (plain []byte, ok bool) {
	head := rtpHeader(packet)
	if head == 0 || len(packet) < head+tagSize || in.aead == nil || binary.BigEndian.Uint32(packet[8:]) != s.ssrc {
		return nil, false
	}
	index, ok := s.index(binary.BigEndian.Uint16(packet[2:]))
	if !ok {
		return nil, false
	}
	dst = dst[:len(packet)]
	copy(dst, packet[:head])
	setNonce(&s.nonce, &in.salt, s.ssrc, index)
	if _, err := in.aead.Open(dst[head:head], s.nonce[:], packet[head:], packet[:head]); err != nil {
		return nil, false
	}
	s.note(index)
	return dst[:len(packet)-tagSize], true
}

// Take notes a packet that pion has opened. It is false for one that came before,
// or that is too old to know.
func (s *Source) Take(seq uint16) bool {
	index, ok := s.index(seq)
	if ok {
		s.note(index)
	}
	return ok
}

// index returns the index of a packet, the one nearest to the newest (RFC 3711,
// section 3.3.1), and whether it is one that did not come yet.
func (s *Source) index(seq uint16) (index int64, ok bool) {
	if !s.started {
		return int64(seq), true
	}
	index = s.newest + int64(int16(seq-uint16(s.newest)))
	behind := s.newest - index
	old := behind >= replayWindow || behind >= 0 && s.seen>>behind&1 != 0
	return index, index >= 0 && index <= maxIndex && !old
}

func (s *Source) note(index int64) {
	switch ahead := index - s.newest; {
	case !s.started || ahead >= replayWindow:
		s.seen = 1
	case ahead > 0:
		s.seen = s.seen<<ahead | 1
	default:
		s.seen |= 1 << -ahead
		return
	}
	s.started, s.newest = true, index
}

// rtpHeader returns the bytes of the header of an RTP packet, CSRCs and
// extensions included (RFC 3550, section 5.1); 0 of what is none.
func rtpHeader(b []byte) int {
	if len(b) < headerSize || b[0]>>6 != 2 {
		return 0
	}
	n := headerSize + 4*int(b[0]&0x0f)
	if b[0]&0x10 != 0 {
		if len(b) < n+4 {
			return 0
		}
		n += 4 + 4*int(binary.BigEndian.Uint16(b[n+2:]))
	}
	if n > len(b) {
		return 0
	}
	return n
}
