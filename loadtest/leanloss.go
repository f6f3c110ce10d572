package loadtest

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtp"
)

// What a bot with Config.Repair offers besides, as browsers do.
const (
	redPayload     = 63
	rtxVP8Payload  = vp8Payload + 1
	rtxH264Payload = h264Payload + 1

	midURI  = "urn:ietf:params:rtp-hdrext:sdes:mid"
	ridURI  = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
	twccURI = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
	midID   = 4
	twccID  = 5
	ridID   = 10

	// feedbackEvery is how often the arrival of packets is reported: what
	// Chromium does above 1 Mbit/s.
	feedbackEvery = 50 * time.Millisecond
	// maxRED is how many earlier frames a voice packet of a bot may carry,
	// maxREDTaken how many of the server's are taken.
	maxRED      = 2
	maxREDTaken = 16
	// seenPackets is how many numbers of a line are remembered, so that nothing
	// is delivered twice.
	seenPackets = 1024
)

// audioRepair is what an audio line says of redundancy.
func (d *description) audioRepair() (formats, rest string) {
	if !d.repair {
		return "", ""
	}
	return fmt.Sprintf(" %d", redPayload), fmt.Sprintf("a=rtpmap:%d red/48000/2\r\na=fmtp:%[1]d %d/%[2]d\r\n", redPayload, opusPayload)
}

// videoRepair is what a video line says of repair and feedback.
func (d *description) videoRepair() (formats, rest string) {
	if !d.repair {
		return "", ""
	}
	rest = fmt.Sprintf("a=extmap:%d %s\r\n", twccID, twccURI)
	for _, pt := range []int{vp8Payload, h264Payload} {
		rest += fmt.Sprintf("a=rtcp-fb:%d transport-cc\r\na=rtpmap:%d rtx/90000\r\na=fmtp:%[2]d apt=%[1]d\r\n", pt, pt+1)
	}
	return fmt.Sprintf(" %d %d", rtxVP8Payload, rtxH264Payload), rest
}

// simulcast is what the camera's line says of its layers.
func (d *description) simulcast() string {
	if len(d.rids) == 0 {
		return ""
	}
	rest := fmt.Sprintf("a=extmap:%d %s\r\na=extmap:%d %s\r\n", midID, midURI, ridID, ridURI)
	for _, rid := range d.rids {
		rest += "a=rid:" + rid + " send\r\n"
	}
	return rest + "a=simulcast:send " + strings.Join(d.rids, ";") + "\r\n"
}

// repairOf takes a group FID: the SSRC of a slot, and that of its repairs.
func (a *answer) repairOf(group string) {
	var slot, repair uint32
	if n, err := fmt.Sscanf(group, "FID %d %d", &slot, &repair); err == nil && n == 2 && len(a.repairs) < maxBlocks {
		a.repairs[repair] = slot
	}
}

// seen remembers which numbers of a line came.
type seen []uint32

// once reports whether a number comes for the first time.
func (s seen) once(seq uint16) bool {
	if len(s) == 0 {
		return true
	}
	at := &s[int(seq)%len(s)]
	if *at == uint32(seq)+1 {
		return false
	}
	*at = uint32(seq) + 1
	return true
}

// repairable prepares lines for what Config.Repair brings.
func (m *leanMedia) repairable(a *answer) {
	m.arrivals = twcc.NewRecorder(m.own)
	m.repairs = map[uint32]*receiveLine{}
	for repair, ssrc := range a.repairs {
		if line := m.lines[ssrc]; line != nil {
			m.repairs[repair] = line
			delete(m.lines, repair) // the answer declares it beside the slot's
		}
	}
	for _, line := range m.lines {
		line.seen = make(seen, seenPackets)
	}
}

// numbered notes the arrival of the packet in m.header, where it has a number,
// and reports whether it is time to tell. reading is held.
func (m *leanMedia) numbered(at time.Time) {
	if m.arrivals == nil {
		return
	}
	if ext := m.header.GetExtension(twccID); len(ext) >= 2 {
		m.arrivals.Record(m.header.SSRC, binary.BigEndian.Uint16(ext), at.UnixMicro())
		m.untold = true
	}
}

// tellable reports whether it is time to send feedback. reading is held.
func (m *leanMedia) tellable(at time.Time) bool { return m.untold && at.Sub(m.told) >= feedbackEvery }

// repaired takes a packet of a stream of repairs (RFC 4588): m.header becomes
// that of the packet that is sent again. reading is held.
func (m *leanMedia) repaired(at time.Time, plain []byte) (line *receiveLine, payload []byte, lossy bool) {
	line = m.repairs[m.header.SSRC]
	if line == nil {
		return nil, nil, false
	}
	m.numbered(at)
	lossy = m.tellable(at)
	payload = m.unpad(plain)
	if len(payload) < 2 {
		return nil, nil, lossy
	}
	m.header.SequenceNumber = binary.BigEndian.Uint16(payload)
	m.header.PayloadType--
	delete(line.missing.packets, m.header.SequenceNumber)
	if !line.seen.once(m.header.SequenceNumber) {
		return nil, nil, lossy
	}
	return line, payload[2:], lossy
}

// unpad returns the payload of the packet in m.header.
func (m *leanMedia) unpad(plain []byte) []byte {
	payload := plain[m.header.MarshalSize():]
	if m.header.Padding && len(payload) > 0 {
		payload = payload[:max(0, len(payload)-int(payload[len(payload)-1]))]
	}
	return payload
}

// feedback says how packets arrived, where that is due, and returns when to say
// it next; the zero time is not before something arrives. mu is held.
func (m *leanMedia) feedback(now time.Time, write func([]byte) error) (next time.Time) {
	m.reading.Lock()
	defer m.reading.Unlock()
	switch {
	case m.arrivals == nil || !m.untold:
		return time.Time{}
	case !m.tellable(now):
		return m.told.Add(feedbackEvery)
	}
	m.told, m.untold = now, false
	for _, p := range m.arrivals.BuildFeedbackPacket() {
		b, err := p.Marshal()
		if err != nil {
			continue
		}
		if out, err := m.out.EncryptRTCP(nil, b, nil); err == nil {
			_ = write(out) // lost is as on the way
		}
	}
	return time.Time{}
}

// hear delivers a packet of voice, and what of the frames that it carries
// besides was lost (RFC 2198).
func (l *leanLink) hear(line *receiveLine, at time.Time, h *rtp.Header, payload []byte) {
	if h.PayloadType != redPayload {
		l.sink.heard(line.slot, at, h, payload)
		return
	}
	var sizes, offsets [maxREDTaken]int
	n, b := 0, payload
	for len(b) > 0 && b[0]&0x80 != 0 {
		if n == maxREDTaken || len(b) < 4 {
			return
		}
		offsets[n], sizes[n] = int(b[1])<<6|int(b[2]>>2), int(b[2]&3)<<8|int(b[3])
		n, b = n+1, b[4:]
	}
	if len(b) == 0 {
		return
	}
	b = b[1:]
	for i := range n {
		if len(b) < sizes[i] {
			return
		}
		earlier := *h
		earlier.PayloadType, earlier.Marker = opusPayload, false
		earlier.Timestamp -= uint32(offsets[i])
		earlier.SequenceNumber -= uint16(earlierBy(offsets[i], n-i))
		if line.seen.once(earlier.SequenceNumber) {
			l.sink.heard(line.slot, at, &earlier, b[:sizes[i]])
		}
		b = b[sizes[i]:]
	}
	h.PayloadType = opusPayload
	l.sink.heard(line.slot, at, h, b)
}

// earlierBy is how many packets an earlier frame was sent before: its time says
// so, but over a pause, where its place does.
func earlierBy(offset, place int) int {
	if frames := offset / SamplesPerFrame; frames >= 1 && frames <= maxREDTaken {
		return frames
	}
	return place
}

// redundant packs the frames that a bot sends with up to two before (RFC 2198).
type redundant struct {
	frames [maxRED]struct {
		timestamp uint32
		payload   []byte
	}
	buf []byte
}

// pack makes a packet carry the frames before it.
func (r *redundant) pack(p *rtp.Packet, depth int) {
	b := r.buf[:0]
	own, at := p.Payload, p.Timestamp
	for i := min(depth, maxRED) - 1; i >= 0; i-- {
		if f := &r.frames[i]; usable(f.payload, at-f.timestamp) {
			offset, size := at-f.timestamp, len(f.payload)
			b = append(b, 0x80|opusPayload, byte(offset>>6), byte(offset<<2)|byte(size>>8), byte(size))
		}
	}
	if len(b) > 0 {
		b = append(b, opusPayload)
		for i := min(depth, maxRED) - 1; i >= 0; i-- {
			if f := &r.frames[i]; usable(f.payload, at-f.timestamp) {
				b = append(b, f.payload...)
			}
		}
		p.PayloadType = redPayload
		r.buf = append(b, own...)
	}
	last := r.frames[maxRED-1].payload
	copy(r.frames[1:], r.frames[:])
	r.frames[0].timestamp, r.frames[0].payload = at, append(last[:0], own...)
	if p.PayloadType == redPayload {
		p.Payload = r.buf
	}
}

func usable(payload []byte, offset uint32) bool {
	return len(payload) > 0 && len(payload) < 1024 && offset < 1<<14
}
