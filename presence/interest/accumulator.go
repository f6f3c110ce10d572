package interest

import "time"

const (
	// repeat is how often a pose that does not change is sent again, for those
	// who lost it.
	repeat = time.Second

	// along is the age from which a pose that does not change goes along with one
	// that is repeated. Half of repeat, so that in the end all those of a set are
	// repeated together: a datagram costs both sides more than what is in it.
	along = repeat / 2

	// burst is how far an accumulator fills while there is nothing new to
	// send. Above 1, so that a sender whose poses come a little early or late
	// against the ticks is not delayed by a tick.
	burst = 2
)

// Due advances the priority accumulators by rate times dt and appends to dst
// the positions in Members of those whose pose should be sent now: the
// accumulator has reached 1 and the pose is newer than the one last sent, or
// that was a second ago; or half a second, where another is repeated anyhow.
// newest holds the version of each entity's pose by id.
//
// Send them, highest Priority first where not all can go, and call Sent for
// those that went. The others keep accumulating and so come first in the end.
func (s *Set) Due(newest []uint32, dt, now time.Duration, dst []int32) []int32 {
	seconds, repeats := float32(min(dt, repeat).Seconds()), false
	for i := range s.Members {
		m := &s.Members[i]
		m.acc += m.Rate * seconds
		same := newest[m.ID] == m.Version
		if same && now-m.SentAt < repeat {
			m.acc = min(m.acc, burst)
			continue
		}
		if m.acc >= 1 {
			dst = append(dst, int32(i))
			repeats = repeats || same
		}
	}
	if repeats {
		dst = s.company(newest, now, dst)
	}
	return dst
}

// company appends those that go along with one that is repeated.
func (s *Set) company(newest []uint32, now time.Duration, dst []int32) []int32 {
	for i := range s.Members {
		m := &s.Members[i]
		age := now - m.SentAt
		if newest[m.ID] == m.Version && age >= along && age < repeat && m.acc >= 1 {
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

// Sent records that the pose of this version, captured at capture (ms), went
// to the set's owner.
func (m *Member) Sent(version uint32, capture int64, now time.Duration) {
	m.Version, m.Capture, m.SentAt = version, capture, now
	m.acc = min(m.acc-1, burst-1)
}
