package egress

import (
	"crypto/cipher"
	"encoding/binary"
)

// Inbound has the SRTP keys of what one session sends to us, of RTP and of RTCP:
// AEAD_AES_128_GCM without MKI (RFC 7714). pion has them too, and may open what
// nobody opens here: to open a packet twice does no harm, to seal two under one
// nonce would. It is guarded by its owner.
type Inbound struct {
	aead       cipher.AEAD
	salt       [saltSize]byte
	reports    cipher.AEAD
	reportSalt [saltSize]byte

	nonce [saltSize]byte // scratch of Reports
	aad   [reportHeader + indexSize]byte
}

func newInbound(masterKey, masterSalt []byte) (in *Inbound, err error) {
	in = &Inbound{}
	if in.aead, in.salt, err = sessionKeys(labelKey, labelSalt, masterKey, masterSalt); err != nil {
		return nil, err
	}
	if in.reports, in.reportSalt, err = sessionKeys(labelReportKey, labelReportSalt, masterKey, masterSalt); err != nil {
		return nil, err
	}
	return in, nil
}

// Close wipes what can be wiped. It opens nothing any more.
func (in *Inbound) Close() {
	clear(in.salt[:])
	clear(in.reportSalt[:])
	in.aead, in.reports = nil, nil
}

// Source opens the packets of one SSRC. It is guarded by its owner. Where pion
// opens some of them, Take has to be told, from the first on: so both agree on
// the turns of the sequence number, and none comes by both ways.
type Source struct {
	ssrc   uint32
	window // by index: 65536 * rollover counter + sequence number
	nonce  [saltSize]byte
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
	return index, index >= 0 && index <= maxIndex && s.fresh(index)
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
