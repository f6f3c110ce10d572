package truth

import "time"

// stream is the RTP of one slot.
type stream struct {
	begun bool
	seq   int64  // the newest, unwrapped
	seen  uint64 // bit n: seq-n has come

	voiced bool // the last packet had a voice in it, and so the rest holds
	talker uint32
	sent   uint32 // Packet.Sent of the newest frame of the stay
	first  uint32 // and of its first
	at     int64  // sequence number of the newest

	stamp uint32
	came  time.Time
	mean  float64 // RFC 3550's J, ms

	estimate estimate
}

// restart is a jump of sequence numbers that no loss explains (RFC 3550,
// appendix A.1).
const restart = 3000

// place unwraps a sequence number. It reports false for one that came before,
// or is too old to tell.
func (s *stream) place(seq uint16) (int64, bool) {
	delta := int64(int16(seq - uint16(s.seq)))
	switch {
	case !s.begun || delta > restart || delta < -restart:
		*s = stream{begun: true, seq: int64(seq), seen: 1}
		return s.seq, true
	case delta > 0:
		s.seq += delta
		if delta >= 64 {
			s.seen = 0
		} else {
			s.seen <<= uint(delta)
		}
		s.seen |= 1
		return s.seq, true
	case delta <= -64 || s.seen>>uint(-delta)&1 == 1:
		return 0, false
	}
	s.seen |= 1 << uint(-delta)
	return s.seq + delta, true
}

func (s *stream) silence() { s.came = time.Time{} }

// jitter returns the interarrival jitter (RFC 3550, section 6.4.1) in ms after
// a packet that follows one of the same talker in order. Where a slot changes
// hands its time stamps go on by the server's clock, which is no jitter.
func (s *stream) jitter(p *Packet, place int64) (float64, bool) {
	follows := s.voiced && !s.came.IsZero() && s.talker == p.Talker && place == s.seq
	took, meant := p.At.Sub(s.came), int32(p.Timestamp-s.stamp)
	if place == s.seq {
		s.came, s.stamp = p.At, p.Timestamp
	}
	if !follows || meant > 48_000 || meant < 0 {
		return 0, false
	}
	d := milliseconds(took) - float64(meant)/48
	s.mean += (max(d, -d) - s.mean) / 16
	return s.mean, true
}

// stay counts what is missing between the frames of one talker who stays in
// the slot: lost on the way up or down, or dropped by the server. It reports
// whether the talker was there before.
func (s *stream) stay(p *Packet, place int64, f *Figures) (stays bool) {
	ahead := int64(int32(p.Sent - s.sent))
	switch {
	case s.voiced && s.talker == p.Talker && ahead <= 0 && ahead > -restart:
		if int32(p.Sent-s.first) < 0 { // before what came first: not missed before
			f.Expected++
			s.first = p.Sent
		}
		f.Received++
		return true
	case s.voiced && s.talker == p.Talker && ahead > 0 && ahead-(place-s.at) <= stayFrames:
		f.Expected += ahead
		f.Received++
		stays = true
	default:
		if s.voiced && s.talker != p.Talker {
			f.SlotChanges++
		}
		s.first = p.Sent
		f.Expected++
		f.Received++
	}
	s.voiced, s.talker, s.sent, s.at = true, p.Talker, p.Sent, place
	return stays
}
