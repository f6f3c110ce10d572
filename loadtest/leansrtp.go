package loadtest

import (
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"github.com/pion/webrtc/v4"
)

// leanMedia encrypts and decrypts a leanLink's RTP and RTCP, and keeps what
// reports need. The keys are in memory only and nothing of them is ever logged.
type leanMedia struct {
	own uint32 // SSRC of reports: the microphone's, or any

	reading sync.Mutex // guards in to lines
	in      *srtp.Context
	header  rtp.Header // of the packet received last
	lines   map[uint32]*receiveLine
	// of Config.Repair
	repairs  map[uint32]*receiveLine // by the SSRC of repairs
	arrivals *twcc.Recorder
	untold   bool // of the newest arrivals nothing was said
	told     time.Time

	mu   sync.Mutex // guards out to kept; may be held when reading is locked
	out  *srtp.Context
	buf  []byte
	rtcp []byte
	sent sentStats
	kept [][]byte // packets of the camera by sequence number, encrypted
}

// videoLine and voiceLine are the kinds of receiveLine.
const (
	voiceLine = webrtc.RTPCodecTypeAudio
	videoLine = webrtc.RTPCodecTypeVideo
)

// sentStats is what a sender report says of the microphone.
type sentStats struct {
	packets, bytes uint32
	timestamp      uint32
	at             time.Time
}

// receiveLine is a slot with the reception statistics of RFC 3550 appendix A.
type receiveLine struct {
	slotLine
	begun           bool
	base, highest   uint32 // extended sequence numbers
	received        uint32
	expected, prior uint32 // at the last report
	transit         int64
	jitter          float64
	repaired        bool // lost packets are asked for
	missing         missing
	seen            seen   // nil without Config.Repair
	report          uint32 // middle 32 bits of the last sender report's NTP time
	reported        time.Time
}

func newLeanMedia(state *dtls.State, profile dtls.SRTPProtectionProfile, own uint32, a *answer, cfg *Config) (*leanMedia, error) {
	config := &srtp.Config{Profile: srtp.ProtectionProfile(profile)}
	if err := config.ExtractSessionKeysFromDTLS(state, true); err != nil {
		return nil, fmt.Errorf("loadtest: SRTP keys: %w", err)
	}
	m := &leanMedia{own: own, lines: map[uint32]*receiveLine{}}
	var err error
	if m.out, err = srtp.CreateContext(config.Keys.LocalMasterKey, config.Keys.LocalMasterSalt, config.Profile); err != nil {
		return nil, err
	}
	m.in, err = srtp.CreateContext(config.Keys.RemoteMasterKey, config.Keys.RemoteMasterSalt, config.Profile,
		srtp.SRTPReplayProtection(64), srtp.SRTCPReplayProtection(64))
	if err != nil {
		return nil, err
	}
	for ssrc, slot := range a.slots {
		m.lines[ssrc] = &receiveLine{slotLine: slot, repaired: cfg.NACK || slot.kind == videoLine}
	}
	if cfg.Repair {
		m.repairable(a)
	}
	return m, nil
}

// receive decrypts an RTP packet in its own memory and notes it. What is not
// valid, or of no slot, gives no line; lossy says that its line lacks packets.
// Calls are made one at a time.
func (m *leanMedia) receive(at time.Time, packet []byte) (line *receiveLine, payload []byte, lossy bool) {
	m.reading.Lock()
	defer m.reading.Unlock()
	plain, err := m.in.DecryptRTP(packet[:0], packet, &m.header)
	if err != nil {
		return nil, nil, false
	}
	line = m.lines[m.header.SSRC]
	if line == nil {
		return m.repaired(at, plain)
	}
	m.numbered(at)
	line.note(at, &m.header)
	lossy = len(line.missing.packets) > 0 || m.tellable(at)
	if !line.seen.once(m.header.SequenceNumber) {
		return nil, nil, lossy
	}
	return line, m.unpad(plain), lossy
}

func (r *receiveLine) note(at time.Time, h *rtp.Header) {
	seq := uint32(h.SequenceNumber)
	if !r.begun {
		r.begun, r.base, r.highest = true, seq+1<<16, seq+1<<16
	}
	if r.repaired {
		r.missing.gap(uint16(r.highest), h.SequenceNumber, at)
	}
	extended := r.highest + uint32(int32(int16(h.SequenceNumber-uint16(r.highest))))
	if int32(extended-r.highest) > 0 {
		r.highest = extended
	}
	r.received++
	rate := int64(48000)
	if r.kind == webrtc.RTPCodecTypeVideo {
		rate = 90000
	}
	arrival := at.Unix()%1e6*rate + int64(at.Nanosecond())*rate/1e9
	transit := arrival - int64(h.Timestamp)
	if r.transit != 0 {
		d := float64(int32(transit - r.transit))
		r.jitter += (max(d, -d) - r.jitter) / 16
	}
	r.transit = transit
}

// send encrypts a packet and writes it. keep has it kept, to be sent again.
func (m *leanMedia) send(p *rtp.Packet, now time.Time, keep bool, write func([]byte) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := p.MarshalSize()
	if cap(m.buf) < n+32 {
		m.buf = make([]byte, n+256)
	}
	m.buf = m.buf[:cap(m.buf)]
	size, err := p.MarshalTo(m.buf)
	if err != nil {
		return err
	}
	out, err := m.out.EncryptRTP(m.buf[:0], m.buf[:size], &p.Header)
	if err != nil {
		return err
	}
	if p.SSRC == m.own {
		m.sent.packets++
		m.sent.bytes += uint32(len(p.Payload))
		m.sent.timestamp, m.sent.at = p.Timestamp, now
	}
	if keep {
		m.keep(p.SequenceNumber, out)
	}
	return write(out)
}

const (
	typeSenderReport   = 200
	typeReceiverReport = 201
	typeDescription    = 202
	typeTransport      = 205
	typeFeedback       = 206
)

// control decrypts RTCP and notes what the server's sender reports say. It
// returns the packets of the camera that the server lacks, as a NACK lists
// them, and whether it asks for a key frame.
func (m *leanMedia) control(at time.Time, packet []byte) (lacking []byte, keyFrame bool) {
	m.reading.Lock()
	defer m.reading.Unlock()
	plain, err := m.in.DecryptRTCP(nil, packet, nil)
	if err != nil {
		return nil, false
	}
	for len(plain) >= 8 {
		size := 4 * (1 + int(binary.BigEndian.Uint16(plain[2:])))
		if size > len(plain) {
			break
		}
		switch format := plain[0] & 0x1f; plain[1] {
		case typeSenderReport:
			if line := m.lines[binary.BigEndian.Uint32(plain[4:])]; line != nil && size >= 28 {
				line.report, line.reported = binary.BigEndian.Uint32(plain[10:]), at
			}
		case typeTransport:
			if format == 1 && size > 12 {
				lacking = append(lacking, plain[12:size]...)
			}
		case typeFeedback:
			keyFrame = keyFrame || format == 1 || format == 4 // PLI, FIR
		}
		plain = plain[size:]
	}
	return lacking, keyFrame
}

// maxBlocks is how many report blocks fit into a report.
const maxBlocks = 31

// report writes a compound packet: a sender report if the microphone has sent,
// else a receiver report, with what was received, and the CNAME (RFC 3550
// section 6).
func (m *leanMedia) report(now time.Time, write func([]byte) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := append(m.rtcp[:0], 0x80, typeReceiverReport, 0, 0)
	b = binary.BigEndian.AppendUint32(b, m.own)
	if m.sent.packets > 0 {
		b[1] = typeSenderReport
		b = binary.BigEndian.AppendUint64(b, ntp(now))
		since := uint32(now.Sub(m.sent.at).Seconds() * 48000)
		b = binary.BigEndian.AppendUint32(b, m.sent.timestamp+since)
		b = binary.BigEndian.AppendUint32(b, m.sent.packets)
		b = binary.BigEndian.AppendUint32(b, m.sent.bytes)
	}
	b = m.appendBlocks(b, now)
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)/4-1))
	b = append(b, 0x81, typeDescription, 0, 3)
	b = binary.BigEndian.AppendUint32(b, m.own)
	b = append(b, 1, 3, 'b', 'o', 't', 0, 0, 0)
	m.rtcp = b
	out, err := m.out.EncryptRTCP(nil, b, nil)
	if err != nil {
		return err
	}
	return write(out)
}

// appendBlocks adds a block for each slot in use, and their number to the header.
func (m *leanMedia) appendBlocks(b []byte, now time.Time) []byte {
	m.reading.Lock()
	defer m.reading.Unlock()
	blocks := 0
	for ssrc, line := range m.lines {
		if line.begun && blocks < maxBlocks {
			b = line.append(b, ssrc, now)
			blocks++
		}
	}
	b[0] |= byte(blocks)
	return b
}

func (r *receiveLine) append(b []byte, ssrc uint32, now time.Time) []byte {
	expected := r.highest - r.base + 1
	lost := int32(expected - r.received)
	interval, got := expected-r.expected, r.received-r.prior
	fraction := uint32(0)
	if interval > got {
		fraction = (interval - got) << 8 / interval
	}
	r.expected, r.prior = expected, r.received
	b = binary.BigEndian.AppendUint32(b, ssrc)
	b = binary.BigEndian.AppendUint32(b, min(fraction, 255)<<24|uint32(lost)&0xffffff)
	b = binary.BigEndian.AppendUint32(b, r.highest)
	b = binary.BigEndian.AppendUint32(b, uint32(r.jitter))
	b = binary.BigEndian.AppendUint32(b, r.report)
	delay := uint32(0)
	if !r.reported.IsZero() {
		delay = uint32(now.Sub(r.reported).Seconds() * 65536)
	}
	return binary.BigEndian.AppendUint32(b, delay)
}

// ntp is the time in NTP's format: seconds since 1900 and their 2^32nds.
func ntp(t time.Time) uint64 {
	return uint64(t.Unix()+2208988800)<<32 | uint64(t.Nanosecond())<<32/1e9
}
