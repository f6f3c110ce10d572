package cluster

import (
	"context"
	"time"
)

const (
	backFor   = 30 * time.Second // whoever is not back by then is lost
	auditFor  = 3 * time.Second  // after everybody is back
	heardSoon = 5000             // ms after kill -9
	unnoticed = 300              // ms of silence that nobody counts as one
)

// kill ends a node as a power cut does.
func (s *Site) kill(ctx context.Context) error {
	victim, theirs := s.fullest()
	spared := s.others(theirs)
	cut := time.Now()
	victim.process.Kill()
	s.say("killed %s with %d people in %d instances", victim.name, len(theirs), len(instancesOf(theirs)))
	if err := s.returns(ctx, theirs, cut, backFor, &Limit{"p95", heardSoon}); err != nil {
		return err
	}
	if err := s.wait(ctx, auditFor); err != nil {
		return err
	}
	s.silences("those of the other nodes", spared, cut, time.Now(), nil)
	s.stayed(spared, cut)
	return s.allThere(ctx)
}

// allThere has it a fault where somebody is not heard now.
func (s *Site) allThere(ctx context.Context) error {
	if err := s.settle(ctx); err != nil {
		if ctx.Err() != nil {
			return err
		}
		s.fault("%v", err)
	}
	return nil
}
