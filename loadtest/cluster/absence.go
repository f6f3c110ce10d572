package cluster

import (
	"context"
	"time"
)

const convergeSoon = 5000 // ms after the store is back

// absence takes the store away for a while. It comes back with nothing in it.
func (s *Site) absence(ctx context.Context) error {
	cut := time.Now()
	s.store.process.Kill()
	s.say("killed the store")
	if err := s.wait(ctx, s.cfg.Away); err != nil {
		return err
	}
	s.silences("people", s.people, cut, time.Now(), &Limit{"max", unnoticed})
	s.stayed(s.people, cut)
	if err := s.store.start(ctx); err != nil {
		return err
	}
	back := time.Now()
	s.say("the store is back, empty")
	d := s.watchDoors(ctx, instancesOf(s.people))
	err := s.wait(ctx, 2*convergeSoon*time.Millisecond)
	knocks := d.close()
	if err != nil {
		return err
	}
	var admitting []time.Duration
	for _, id := range instancesOf(s.people) {
		first, ok := firstAdmission(knocks, id, back, -1)
		if !ok {
			s.fault("nobody is let into %s, %v after the store's return", id, 2*convergeSoon*time.Millisecond)
			continue
		}
		admitting = append(admitting, first)
		if order, double := owners(knocks, id); double || len(order) > 1 {
			s.fault("%s had several owners after the store's return: nodes %v", id, order)
		}
	}
	s.figure("until instances let people in again", admitting, &Limit{"max", convergeSoon})
	s.stayed(s.people, cut)
	return s.comeAgain(ctx)
}

// comeAgain has everybody leave and join again, so that what is in force on them
// comes from what the nodes share.
func (s *Site) comeAgain(ctx context.Context) error {
	some := make([]*person, 0, len(s.people))
	for _, p := range s.people {
		if p.muted || p.blocking != 0 {
			some = append(some, p)
		}
	}
	if err := s.each(some, func(p *person) error {
		_ = p.guest.Close()
		return s.bring(ctx, p, s.nodes[int(p.number+1)%len(s.nodes)])
	}); err != nil {
		return err
	}
	s.say("%d people with orders on them joined anew", len(some))
	if err := s.wait(ctx, auditFor); err != nil {
		return err
	}
	return s.allThere(ctx)
}
