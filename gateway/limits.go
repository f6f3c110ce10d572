package gateway

import (
	"runtime"
	"strings"
	"sync"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/sfu"
)

// turnstile bounds the work of joins, which takes tens of milliseconds of a core
// each: so many are set up at once that half of the cores are left to those
// who are in, the others wait in a queue, and who finds that full, or waits
// for too long, is told to come back.
type turnstile struct {
	queue chan struct{} // one token per join that waits or is being set up
	work  chan struct{} // one token per join that is being set up
}

func newTurnstile(most int) turnstile {
	return turnstile{make(chan struct{}, most), make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))}
}

// enter waits for a turn, at most so long. leave must be called when the join is
// set up or refused.
func (t *turnstile) enter(patience time.Duration) (leave func(), err error) {
	select {
	case t.queue <- struct{}{}:
	default:
		return nil, earshot.Errorf(earshot.CodeUnavailable, "too many joins at once; try again in a second")
	}
	given := time.NewTimer(patience)
	defer given.Stop()
	select {
	case t.work <- struct{}{}:
		return func() { <-t.work; <-t.queue }, nil
	case <-given.C:
		<-t.queue
		return nil, earshot.Errorf(earshot.CodeUnavailable, "too many joins are waiting; try again in a second")
	}
}

// How often a participant may ask for places or instances.
const (
	arrangePerSecond = 0.5
	arrangeBurst     = 10
)

// mostKept bounds how many a pace remembers.
const mostKept = 8192

// pace limits how often each of many may do something. It forgets those whose
// budget is full again, and where there are too many all of them: it bounds
// what one can cost. The zero pace is not usable.
type pace struct {
	perSecond, burst float64

	// mu guards what follows.
	mu      sync.Mutex
	of      map[string]*protocol.Limiter
	cleared time.Time
}

func newPace(perSecond, burst float64) *pace {
	return &pace{perSecond: perSecond, burst: burst, of: make(map[string]*protocol.Limiter)}
}

// allow reports whether key may do it once more.
func (p *pace) allow(key string, now time.Time) bool {
	if p.perSecond <= 0 {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.of[key]
	if l == nil {
		key = strings.Clone(key) // it may be a buffer of fiber's
		p.forget(now)
		fresh := protocol.NewLimiter(p.perSecond, p.burst)
		l = &fresh
		p.of[key] = l
	}
	return l.Allow(now)
}

// forget makes room, at most once in the time in which every budget fills. mu
// is held.
func (p *pace) forget(now time.Time) {
	if len(p.of) < mostKept && now.Sub(p.cleared).Seconds() < p.burst/p.perSecond {
		return
	}
	if now.Sub(p.cleared).Seconds() >= p.burst/p.perSecond {
		for key, l := range p.of {
			if l.Idle(now) {
				delete(p.of, key)
			}
		}
	}
	if len(p.of) >= mostKept {
		clear(p.of)
	}
	p.cleared = now
}

// mayJoin limits how often one participant joins.
func (g *Gateway) mayJoin(id earshot.ParticipantID, now time.Time) error {
	if !g.joiners.allow(string(id), now) {
		return earshot.Errorf(earshot.CodeResourceExhausted,
			"you joined more than %d times in a short time; wait a few seconds", protocol.JoinBurst)
	}
	return nil
}

// mayKnock limits how many joins come from one address, before anything else
// is done with them.
func (g *Gateway) mayKnock(address string, now time.Time) error {
	if !g.knocks.allow(address, now) {
		return earshot.Errorf(earshot.CodeUnavailable, // clients come back by themselves
			"more than %d joins a second come from your address; try again in a second", g.cfg.MaxJoinsPerAddress)
	}
	return nil
}

var _ sfu.Expelled = (*session)(nil)

// OnExpelled ends the session of one who does not keep to the limits of media,
// and says why.
func (s *session) OnExpelled(why *earshot.Error) {
	s.end(protocol.ReasonKicked, &protocol.Bye{Code: why.Code, Message: why.Message})
}

// mayPatch limits renegotiations. One who goes on with them has to go.
func (s *session) mayPatch(now time.Time) error {
	s.mu.Lock()
	ok, dropped := s.patches.Allow(now), s.patches.Dropped()
	s.mu.Unlock()
	if ok {
		return nil
	}
	if dropped > protocol.MaxDroppedPatches {
		s.end(protocol.ReasonKicked, &protocol.Bye{
			Code: earshot.CodeResourceExhausted, Message: "you were removed because your client went on renegotiating",
		})
	}
	return tooManyPatches()
}

func tooManyPatches() error {
	return earshot.Errorf(earshot.CodeResourceExhausted,
		"more than %d PATCH requests a second; this one was refused", protocol.PatchPerSecond)
}

// drowning reports whether the participant kept sending poses although they
// were dropped for their rate.
func (s *session) drowning() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.poses.Dropped() > protocol.MaxDroppedPoses
}
