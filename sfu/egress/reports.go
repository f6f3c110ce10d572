package egress

import "encoding/binary"

const (
	// reportHeader is what of an SRTCP packet is not encrypted at its beginning,
	// and indexSize the index with the bit that says whether it is, at its end (RFC
	// 7714, section 9).
	reportHeader = 8
	indexSize    = 4
	encrypted    = 1 << 31

	// ReportLeast is the least SRTCP packet.
	ReportLeast = reportHeader + tagSize + indexSize

	// maxReporters is how many SSRCs of one session may report here. What more of
	// them say is left to pion.
	maxReporters = 64
)

// Reports opens the SRTCP packets of one session. It is guarded by its owner. The
// zero Reports has opened none.
//
// SRTCP names the index of each packet (RFC 3711, section 3.4), so whoever opens
// some of them need not see the others: what is left to pion disturbs nothing here.
type Reports struct {
	senders map[uint32]*window
}

// Opened reports whether a packet was opened, so that the keys are those of the
// client.
func (r *Reports) Opened() bool { return len(r.senders) > 0 }

// Takes reports whether a packet is one that Open can open, if it is not forged and
// did not come before. One that is not encrypted is not, nor one of an SSRC too
// many.
func (r *Reports) Takes(packet []byte) bool {
	if len(packet) < ReportLeast || packet[len(packet)-indexSize]&0x80 == 0 {
		return false
	}
	return len(r.senders) < maxReporters || r.senders[binary.BigEndian.Uint32(packet[4:])] != nil
}

// Open decrypts an SRTCP packet into dst, which has room for it and is not the
// packet itself, and returns the RTCP packet. It is false for one that it does not
// take, that is not of the session, that was opened before or is too old to know;
// dst is spoiled then, and nothing else changed.
func (r *Reports) Open(in *Inbound, dst, packet []byte) (plain []byte, ok bool) {
	if in.reports == nil || !r.Takes(packet) {
		return nil, false
	}
	end := len(packet) - indexSize
	word := binary.BigEndian.Uint32(packet[end:])
	ssrc, index := binary.BigEndian.Uint32(packet[4:]), int64(word&^encrypted)
	seen := r.senders[ssrc]
	if seen != nil && !seen.fresh(index) {
		return nil, false
	}
	dst = dst[:len(packet)]
	copy(dst, packet[:reportHeader])
	// The additional data are the header and the index: RFC 7714, section 9.2.
	copy(in.aad[:], packet[:reportHeader])
	copy(in.aad[reportHeader:], packet[end:])
	// Bytes 6 and 7 of the nonce are zero, the index follows: section 9.1. It is
	// the nonce of RTP with 16 bits of zero in front of the 32 of the index.
	setNonce(&in.nonce, &in.reportSalt, ssrc, index)
	if _, err := in.reports.Open(dst[reportHeader:reportHeader], in.nonce[:], packet[reportHeader:end], in.aad[:]); err != nil {
		return nil, false
	}
	if seen == nil {
		if r.senders == nil {
			r.senders = make(map[uint32]*window)
		}
		seen = &window{}
		r.senders[ssrc] = seen
	}
	seen.note(index)
	return dst[:end-tagSize], true
}
