package loadtest

import (
	"encoding/binary"
	"time"
)

const (
	// repairEvery is how long a lost packet is waited for before it is asked
	// for again, repairTries how often; then a key frame is asked for.
	repairEvery = 60 * time.Millisecond
	repairTries = 3
	// maxMissing bounds what is asked for: more than that is a gap, not a loss.
	maxMissing = 64
	// keyEvery is the least time between two requests for a key frame.
	keyEvery = 500 * time.Millisecond
	// keptPackets is how many packets of the camera can be sent again, a power
	// of two.
	keptPackets = 512
)

// missing are the packets of a slot that were lost and are asked for (RFC
// 4585, generic NACK).
type missing struct {
	packets map[uint16]*loss
	keyed   time.Time // the last request for a key frame
	key     bool      // one is to be asked for
}

type loss struct {
	tries int
	next  time.Time
}

// gap notes that seq came after last, in a line that is repaired.
func (m *missing) gap(last, seq uint16, now time.Time) {
	if m.packets == nil {
		m.packets = map[uint16]*loss{}
	}
	delete(m.packets, seq)
	lost := int16(seq-last) - 1
	if lost <= 0 {
		return
	}
	if int(lost)+len(m.packets) > maxMissing {
		clear(m.packets)
		m.key = true
		return
	}
	for s := last + 1; s != seq; s++ {
		m.packets[s] = &loss{next: now}
	}
}

// ask returns what is to be asked for now, and when to ask again; none is the
// zero time.
func (m *missing) ask(now time.Time) (packets []uint16, key bool, next time.Time) {
	for seq, l := range m.packets {
		if l.tries == repairTries && !l.next.After(now) {
			delete(m.packets, seq)
			m.key = true
			continue
		}
		if !l.next.After(now) {
			packets = append(packets, seq)
			l.tries++
			l.next = now.Add(repairEvery)
		}
		if next.IsZero() || l.next.Before(next) {
			next = l.next
		}
	}
	if m.key && now.Sub(m.keyed) >= keyEvery {
		m.key, m.keyed, key = false, now, true
	}
	return packets, key, next
}

// repair asks for what is missing in all lines and returns when to look again;
// the zero time is not before something is lost.
func (m *leanMedia) repair(now time.Time, write func([]byte) error) (next time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	next = m.feedback(now, write)
	for ssrc, packets := range m.wanting(now, &next) {
		b := append(m.rtcp[:0], 0x81, typeTransport, 0, byte(2+len(packets.lost)))
		b = binary.BigEndian.AppendUint32(b, m.own)
		b = binary.BigEndian.AppendUint32(b, ssrc)
		for _, seq := range packets.lost {
			b = binary.BigEndian.AppendUint16(b, seq)
			b = append(b, 0, 0)
		}
		if len(packets.lost) == 0 {
			b = b[:0]
		}
		if packets.key {
			b = append(b, 0x81, typeFeedback, 0, 2)
			b = binary.BigEndian.AppendUint32(b, m.own)
			b = binary.BigEndian.AppendUint32(b, ssrc)
		}
		m.rtcp = b
		if out, err := m.out.EncryptRTCP(nil, b, nil); err == nil {
			_ = write(out) // lost is as good: it is asked for again
		}
	}
	return next
}

type want struct {
	lost []uint16
	key  bool
}

func (m *leanMedia) wanting(now time.Time, next *time.Time) map[uint32]want {
	m.reading.Lock()
	defer m.reading.Unlock()
	var all map[uint32]want
	for ssrc, line := range m.lines {
		if len(line.missing.packets) == 0 && !line.missing.key {
			continue
		}
		lost, key, again := line.missing.ask(now)
		if !again.IsZero() && (next.IsZero() || again.Before(*next)) {
			*next = again
		}
		if key && line.kind != videoLine {
			key = false
		}
		if len(lost) > 0 || key {
			if all == nil {
				all = map[uint32]want{}
			}
			all[ssrc] = want{lost, key}
		}
	}
	return all
}

// keep remembers an encrypted packet of the camera.
func (m *leanMedia) keep(seq uint16, packet []byte) {
	if m.kept == nil {
		m.kept = make([][]byte, keptPackets)
	}
	slot := &m.kept[seq%keptPackets]
	*slot = append((*slot)[:0], packet...)
}

// again sends the packets of the camera that a NACK asks for, as they were.
func (m *leanMedia) again(feedback []byte, write func([]byte) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for ; len(feedback) >= 4; feedback = feedback[4:] {
		first, more := binary.BigEndian.Uint16(feedback), binary.BigEndian.Uint16(feedback[2:])
		for i := range uint16(17) {
			if i > 0 && more&(1<<(i-1)) == 0 {
				continue
			}
			seq := first + i
			if m.kept == nil {
				return
			}
			if p := m.kept[seq%keptPackets]; len(p) > 4 && binary.BigEndian.Uint16(p[2:]) == seq {
				_ = write(p)
			}
		}
	}
}
