package gateway

import (
	"sync"
	"time"

	"earshot"
	"earshot/gateway/protocol"
)

// How long, how many and for how many people it is kept what became of reports.
const (
	answersFor     = 30 * 24 * time.Hour
	maxAnswers     = 8
	maxAnswersFrom = 4096
)

// answers are what reporters are told when they come back, in memory: after a
// restart nobody is told.
type answers struct {
	mu sync.Mutex
	of map[earshot.ParticipantID][]answer
}

type answer struct {
	msg *protocol.Reported
	at  time.Time
}

// keep keeps an answer for somebody who is away. The oldest makes room; where
// too many people are waited for, the answer is lost.
func (a *answers) keep(who earshot.ParticipantID, msg *protocol.Reported, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.of == nil {
		a.of = make(map[earshot.ParticipantID][]answer)
	}
	if _, known := a.of[who]; !known && len(a.of) >= maxAnswersFrom {
		for other, list := range a.of {
			if now.Sub(list[len(list)-1].at) > answersFor {
				delete(a.of, other)
			}
		}
		if len(a.of) >= maxAnswersFrom {
			return
		}
	}
	list := a.of[who]
	a.of[who] = append(list[max(0, len(list)-maxAnswers+1):len(list):len(list)], answer{msg, now})
}

// take returns what somebody is still to be told, and forgets it.
func (a *answers) take(who earshot.ParticipantID, now time.Time) (out []*protocol.Reported) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, one := range a.of[who] {
		if now.Sub(one.at) <= answersFor {
			out = append(out, one.msg)
		}
	}
	delete(a.of, who)
	return out
}

// answer tells a reporter what became of their report, now or, with keep, when
// they come back.
func (g *Gateway) answer(who earshot.ParticipantID, report string, upheld, keep bool) {
	msg := &protocol.Reported{ID: report, Outcome: protocol.OutcomeNotUpheld}
	if upheld {
		msg.Outcome = protocol.OutcomeUpheld
	}
	for _, in := range g.running() {
		if s := in.live.Load().byID[who]; s != nil && s.opened.Load() && !s.ending.Load() {
			s.send(msg)
			return
		}
	}
	switch {
	case !keep:
	case g.fleet == nil:
		g.answers.keep(who, msg, time.Now())
	default:
		g.work.Go(func() {
			if !g.fleet.holdsElsewhere(who) {
				g.answers.keep(who, msg, time.Now())
			}
		})
	}
}

// answerNow tells a newcomer what became of their reports meanwhile.
func (s *session) answerNow() {
	if s.resident == nil {
		for _, msg := range s.in.g.answers.take(s.participant, time.Now()) {
			s.send(msg)
		}
	}
}
