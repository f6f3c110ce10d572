package sfu

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"earshot"
	"earshot/sfu/forward"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
)

// expelWithin is how long the handler of a session that has to go may take for
// a goodbye.
const expelWithin = 2 * time.Second

// Expelled is a Handler that is told why its session has to go, so that it can
// say so to the client. It ends the session then; in any case that happens
// within two seconds. Of any other Handler the session just ends.
type Expelled interface {
	// OnExpelled is called at most once. Nothing of the session's media is
	// forwarded any more. It must not block.
	OnExpelled(why *earshot.Error)
}

// limits is what one session may send and ask for. What is too much is refused
// where it comes in and counted; forward.Strikes says when it is enough.
//
// Everything counted here came under the keys of the session, or with its ICE
// password: nobody can bring another into trouble. Its methods may be called
// from any goroutine and with any lock held but its own.
type limits struct {
	metrics *metrics
	refused [forward.Offences]atomic.Uint32 // since the last second began
	over    atomic.Bool                     // the session has to go: nothing is taken any more
	expel   chan forward.Offence            // has room for the first reason

	// mu guards what follows. It is never held across a call.
	mu      sync.Mutex
	quota   forward.Quota
	opened  [2]int                      // streams of RTP, of RTCP
	most    [2]int                      // of them
	known   map[netip.AddrPort]struct{} // addresses that were checked lately
	strikes forward.Strikes
	octets  uint32 // of video at the last second
	judged  time.Time
}

// newLimits returns the limits of a session with so many media lines.
func newLimits(m *metrics, lines int) *limits {
	return &limits{
		metrics: m, expel: make(chan forward.Offence, 1), quota: forward.NewQuota(),
		most: [2]int{mostSources, 2*lines + mostReporters}, known: make(map[netip.AddrPort]struct{}),
	}
}

// take reports whether n more of a kind are within the session's budget.
func (l *limits) take(o forward.Offence, n float64, now time.Time) bool {
	if l.over.Load() {
		return false
	}
	l.mu.Lock()
	ok := l.quota.Take(o, n, now)
	l.mu.Unlock()
	if !ok {
		l.refuse(o)
	}
	return ok
}

// spare is take for what is waited for rather than refused, and so no excess.
func (l *limits) spare(o forward.Offence, n float64, now time.Time) bool {
	if l.over.Load() {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.quota.Take(o, n, now)
}

// repair reports whether one more packet may be sent again.
func (l *limits) repair(now time.Time) bool {
	l.mu.Lock()
	ok := l.quota.Repair(now)
	l.mu.Unlock()
	if !ok {
		l.refuse(forward.OffenceRepairs)
	}
	return ok
}

// refuse counts something that was too much.
func (l *limits) refuse(o forward.Offence) {
	l.metrics.excess[o].Inc()
	n := l.refused[o].Add(1)
	if most := o.AtOnce(); most > 0 && n >= most {
		l.end(o)
	}
}

func (l *limits) end(o forward.Offence) {
	l.over.Store(true)
	select {
	case l.expel <- o:
	default: // for another reason already
	}
}

// second judges the last second, in which video of so many bytes was sent to
// the session since it joined.
func (l *limits) second(octets uint32, now time.Time) {
	var refused [forward.Offences]uint32
	for o := range refused {
		refused[o] = l.refused[o].Swap(0)
	}
	l.mu.Lock()
	if ago := now.Sub(l.judged); !l.judged.IsZero() && ago > 0 {
		l.quota.Sent(float64(octets-l.octets), ago, now)
	}
	l.octets, l.judged = octets, now
	o, enough := l.strikes.Second(&refused)
	l.mu.Unlock()
	if enough {
		l.end(o)
	}
}

// checked is told of each connection check that carried the session's ICE
// password. It never decides where media goes.
func (l *limits) checked(_ *stun.Message, _, remote ice.Candidate, _ *ice.CandidatePair) bool {
	ip, err := netip.ParseAddr(remote.Address())
	if err != nil {
		return false
	}
	from := netip.AddrPortFrom(ip, uint16(remote.Port()))
	l.mu.Lock()
	_, known := l.known[from]
	if !known {
		if len(l.known) >= forward.AddressesAtOnce { // a long session on the move
			clear(l.known)
		}
		l.known[from] = struct{}{}
	}
	l.mu.Unlock()
	if !known {
		l.take(forward.OffenceAddresses, 1, time.Now())
	}
	return false
}

// judge looks at the last second of a session.
func (s *Session) judge(now time.Time) {
	var octets uint32
	for _, sl := range s.lineup.Load().video {
		sl.mu.Lock()
		octets += sl.octets
		sl.mu.Unlock()
	}
	s.limits.second(octets, now)
}

// expel ends the session of one who sends too much for too long. It is called
// by run.
func (s *Session) expel(o forward.Offence) {
	s.limits.metrics.expelled[o].Inc()
	s.log.Warn("participant removed: the client does not keep to the limits",
		"participant", string(s.participant), "excess", o.String())
	s.Retire()
	h, ok := s.handler.(Expelled)
	if !ok {
		s.Stop()
		return
	}
	h.OnExpelled(earshot.Errorf(earshot.CodeResourceExhausted, "you were removed because your client went on sending %s", o.Words()))
	time.AfterFunc(expelWithin, s.Stop)
}
