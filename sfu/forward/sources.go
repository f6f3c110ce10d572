package forward

// Traffic is what a datagram is by its first bytes (RFC 7983, RFC 5761).
type Traffic uint8

// The kinds of traffic.
const (
	TrafficSTUN  Traffic = iota
	TrafficDTLS          // and so SCTP
	TrafficMedia         // RTP
	TrafficRTCP
	TrafficOther
	Traffics // how many kinds there are
)

// String returns the name in metrics.
func (t Traffic) String() string {
	return [Traffics]string{"stun", "dtls", "rtp", "rtcp", "other"}[t]
}

// TrafficOf tells what a datagram claims to be.
func TrafficOf(b []byte) Traffic {
	switch {
	case len(b) < 2:
		return TrafficOther
	case b[0] < 4:
		return TrafficSTUN
	case b[0] >= 20 && b[0] < 64:
		return TrafficDTLS
	case b[0] >= 128 && b[0] < 192 && b[1] >= 192 && b[1] < 224:
		return TrafficRTCP
	case b[0] >= 128 && b[0] < 192:
		return TrafficMedia
	}
	return TrafficOther
}

// What one address may send a second, and at once. These are above what an
// honest session sends and above the budgets of a session, which are counted
// where the sender is known: an address can be forged, so nothing follows from
// these but that the rest is dropped.
var sourceRates = [Traffics]struct{ rate, burst float32 }{
	TrafficSTUN:  {50, 100},
	TrafficDTLS:  {4000, 2000},
	TrafficMedia: {2 * SessionPackets, SessionPackets},
	TrafficRTCP:  {4 * SessionReports, 2 * SessionReports},
	TrafficOther: {100, 100},
}

// Ways and sets of a Sources: 16,384 addresses at 40 bytes.
const (
	sourceWays = 4
	sourceSets = 4096
)

// Sources limits what is taken from each address, before anything is done with
// it. It knows the addresses that were heard last and forgets the others,
// which then have full budgets again: it bounds what one sender can cost, not
// how many senders there can be. Admit neither allocates nor waits.
type Sources struct {
	seed uint64
	sets [][sourceWays]source
}

type source struct {
	key  uint64 // address and port; 0 is none
	at   int64  // ns
	left [Traffics]float32
}

// NewSources returns a Sources; seed keeps others from choosing addresses that
// share a place in it.
func NewSources(seed uint64) *Sources {
	return &Sources{seed: seed | 1, sets: make([][sourceWays]source, sourceSets)}
}

// Admit reports whether a datagram from an address (as a number, not 0) may
// pass. now is in nanoseconds of any clock that does not go back.
func (s *Sources) Admit(key uint64, kind Traffic, now int64) bool {
	from := s.find(key, now)
	elapsed := float32(now-from.at) / 1e9
	if elapsed > 0 {
		from.at = now
		for k := range from.left {
			from.left[k] = min(sourceRates[k].burst, from.left[k]+elapsed*sourceRates[k].rate)
		}
	}
	if from.left[kind] < 1 {
		return false
	}
	from.left[kind]--
	return true
}

// find returns the entry of an address, in place of the one that was silent
// for the longest time where there is none.
func (s *Sources) find(key uint64, now int64) *source {
	mixed := (key ^ s.seed) * 0x9e3779b97f4a7c15
	mixed ^= mixed >> 32
	mixed *= s.seed
	set := &s.sets[(mixed>>40)%sourceSets]
	oldest := &set[0]
	for i := range set {
		if set[i].key == key {
			return &set[i]
		}
		if set[i].at < oldest.at {
			oldest = &set[i]
		}
	}
	*oldest = source{key: key, at: now}
	for k := range oldest.left {
		oldest.left[k] = sourceRates[k].burst
	}
	return oldest
}
