package cluster

import (
	"context"
	"slices"
	"time"

	"earshot/loadtest"
)

// figure adds what was measured to the report.
func (s *Site) figure(name string, samples []time.Duration, limit *Limit) {
	f := newFigure(name, samples, limit)
	s.report.Figures = append(s.report.Figures, f)
	s.say("%s, of %d: p50 %s, p95 %s, longest %s", name, f.Count, span(f.P50), span(f.P95), span(f.Max))
}

// returns waits until everybody of some is heard and hears again after a cut,
// and adds how long that took. Who never is, is a fault.
func (s *Site) returns(ctx context.Context, people []*person, cut time.Time, limit time.Duration, most *Limit) error {
	missing := func(p *person) string {
		if s.talker(p) {
			if _, ok := p.heard.again(cut); !ok {
				return "nobody hears " + p.String()
			}
		}
		if s.hearer(p) {
			if _, ok := p.hears.again(cut); !ok {
				return p.String() + " hears nobody"
			}
		}
		return ""
	}
	err := s.await(ctx, limit, "everybody is heard again", func() (bool, string) {
		for _, p := range people {
			if why := missing(p); why != "" {
				return false, why
			}
		}
		return true, ""
	})
	if ctx.Err() != nil {
		return err
	}
	var heard, hears []time.Duration
	for _, p := range people {
		if why := missing(p); why != "" {
			s.fault("%s, %v after the cut", why, limit)
		}
		if d, ok := p.heard.again(cut); ok && s.talker(p) {
			heard = append(heard, d)
		}
		if d, ok := p.hears.again(cut); ok && s.hearer(p) {
			hears = append(hears, d)
		}
	}
	s.turns(people, cut)
	s.figure("until somebody heard them again", heard, most)
	s.figure("until they heard somebody again", hears, most)
	return nil
}

// turns adds when connections ended and others began, since a cut.
func (s *Site) turns(people []*person, cut time.Time) {
	var over, back []time.Duration
	for _, p := range people {
		for _, t := range p.since(cut) {
			switch t.Kind {
			case loadtest.TurnLost, loadtest.TurnSent:
				over = append(over, t.At.Sub(cut))
			case loadtest.TurnBack, loadtest.TurnMoved:
				back = append(back, t.At.Sub(cut))
			}
		}
	}
	if len(over) > 0 {
		s.figure("until they noticed", over, nil)
	}
	s.figure("until they were in again", back, nil)
}

// silences adds the longest pause of each in a time: in what they heard, and in
// what was heard of them.
func (s *Site) silences(whose string, people []*person, from, to time.Time, most *Limit) {
	var hears, heard []time.Duration
	var longest gap
	note := func(list []time.Duration, l *line) []time.Duration {
		g := l.silence(from, to)
		if g.length() > longest.length() {
			longest = g
		}
		return append(list, g.length())
	}
	for _, p := range people {
		if s.hearer(p) {
			hears = note(hears, &p.hears)
		}
		if s.talker(p) {
			heard = note(heard, &p.heard)
		}
	}
	s.say("the longest silence of %s was at %.1f s", whose, longest.from.Sub(s.began).Seconds())
	s.figure("longest silence "+whose+" heard", hears, most)
	s.figure("longest silence of "+whose+", as heard", heard, most)
}

// audit has it a fault where somebody heard whom they must not.
func (s *Site) audit() {
	for _, p := range s.people {
		if leaks := p.ears.leaked(); len(leaks) > 0 {
			why := "who was muted"
			if o := s.people[leaks[0].talker-1]; !o.muted {
				why = "and one of the two has blocked the other"
			}
			s.fault("%s heard %s, %s: %d packets from %v after the order on", p, s.people[leaks[0].talker-1], why, len(leaks), leaks[0].after.Round(time.Millisecond))
		}
	}
}

// stayed has it a fault where somebody's connection turned since a time.
func (s *Site) stayed(people []*person, from time.Time) {
	for _, p := range people {
		if turns := p.since(from); len(turns) > 0 {
			s.fault("the connection of %s was %s", p, turns[0].Kind)
		}
	}
}

// fullest is the node with most people, and those.
func (s *Site) fullest() (*node, []*person) {
	counts := map[int]int{}
	for i, n := range s.nodes {
		if n.process.Running() {
			counts[i] = len(s.at(n))
		}
	}
	n := s.nodes[byCount(counts)[0]]
	return n, s.at(n)
}

// instances are those where some people are, sorted.
func instancesOf(people []*person) (list []instanceID) {
	for _, p := range people {
		if !slices.Contains(list, p.instance) {
			list = append(list, p.instance)
		}
	}
	slices.Sort(list)
	return list
}
