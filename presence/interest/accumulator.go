package interest

import "time"

const (
	// repeat is after how long a pose that does not change is sent again, for
	// those who lost it: twice, and then after twice as long from time to time, up
	// to rest. Nobody is likely to have lost it thrice, and of people who sit in a
	// hall the repeats would be most of what is sent.
	repeat = time.Second
	rest   = 8 * time.Second

	// burst is how far an accumulator fills while there is nothing new to
	// send. Above 1, so that a sender whose poses come a little early or late
	// against the ticks is not delayed by a tick.
	burst = 2
)

// Due advances the priority accumulators by rate times dt and appends to dst
// the positions in Members of those whose pose should be sent now: the
// accumulator has reached 1 and the pose is newer than the one last sent, or it is
// time to repeat that; or half of the time to then has passed, where another is
// repeated anyhow. newest holds the version of each entity's pose by id, and turn
// differs, and is not 0, whenever one of those does: while all are at rest nobody
// is looked at.
//
// Send them, highest Priority first where not all can go, and call Sent for
// those that went. The others keep accumulating and so come first in the end.
func (s *Set) Due(newest []uint32, turn uint64, dt, now time.Duration, dst []int32) []int32 {
	if s.turn == turn && now < s.until {
		s.rested = min(s.rested+dt, repeat)
		return dst
	}
	rested, seconds := float32(s.rested.Seconds()), float32(min(dt, repeat).Seconds())
	repeats, moving, until := false, false, now+rest
	first := len(dst)
	for i := range s.Members {
		m := &s.Members[i]
		if rested > 0 {
			m.acc = min(m.acc+m.Rate*rested, burst)
		}
		m.acc += m.Rate * seconds
		same := newest[m.ID] == m.Version
		if same && now-m.SentAt < m.pause() {
			m.acc = min(m.acc, burst)
			until = min(until, m.SentAt+m.pause())
			continue
		}
		moving = true
		if m.acc >= 1 {
			dst = append(dst, int32(i))
			repeats = repeats || same
		}
	}
	if repeats {
		dst = s.company(newest, now, dst)
	}
	s.turn, s.until, s.rested = turn, until, 0
	if moving || len(dst) > first {
		s.turn = 0
	}
	return dst
}

// company appends those that go along with one that is repeated: those for whom
// half of the time has passed, so that in the end all those of a set are repeated
// together. A datagram costs both sides more than what is in it.
func (s *Set) company(newest []uint32, now time.Duration, dst []int32) []int32 {
	for i := range s.Members {
		m := &s.Members[i]
		age, pause := now-m.SentAt, m.pause()
		if newest[m.ID] == m.Version && age >= pause/2 && age < pause && m.acc >= 1 {
			dst = append(dst, int32(i))
		}
	}
	return dst
}

// ByPriority orders positions that Due returned, most urgent first.
func (s *Set) ByPriority(due []int32) {
	for i := 1; i < len(due); i++ {
		for j := i; j > 0 && s.Members[due[j]].acc > s.Members[due[j-1]].acc; j-- {
			due[j], due[j-1] = due[j-1], due[j]
		}
	}
}

// pause is how long a pose that does not change rests until it is repeated.
func (m *Member) pause() time.Duration { return min(repeat<<max(int(m.again)-1, 0), rest) }

// Sent records that the pose of this version, captured at capture (ms), went
// to the set's owner.
func (m *Member) Sent(version uint32, capture int64, now time.Duration) {
	switch {
	case version != m.Version:
		m.again = 0
	case repeat<<m.again < rest<<1:
		m.again++
	}
	m.Version, m.Capture, m.SentAt = version, capture, now
	m.acc = min(m.acc-1, burst-1)
}
