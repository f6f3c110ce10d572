package cluster

import (
	"context"
	"time"
)

const (
	drainSoon    = 30_000 // ms
	drainSilence = 300    // ms
)

// drain has a node end by itself.
func (s *Site) drain(ctx context.Context) error {
	victim, theirs := s.fullest()
	began := time.Now()
	s.say("told %s with %d people in %d instances to end", victim.name, len(theirs), len(instancesOf(theirs)))
	if err := victim.process.Terminate(s.cfg.Drain + 15*time.Second); err != nil {
		s.fault("%v", err)
	}
	took := time.Since(began)
	s.figure("until the node had ended", []time.Duration{took}, &Limit{"max", drainSoon})
	if err := s.wait(ctx, auditFor); err != nil {
		return err
	}
	if err := s.allThere(ctx); err != nil {
		return err
	}
	s.turns(theirs, began)
	s.silences("its people", theirs, began, time.Now(), &Limit{"p95", drainSilence})
	s.silences("those of the other nodes", s.others(theirs), began, time.Now(), nil)
	return nil
}
