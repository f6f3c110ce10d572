package cluster

import (
	"context"
	"slices"
	"time"

	"earshot/loadtest"
)

const (
	// cutFor is how long a node is cut off, or asleep: longer than a lease, and
	// shorter than its people may stay there.
	cutFor = 12 * time.Second
	// convergeFor is how long after that everything has found its place.
	convergeFor = 25 * time.Second
)

// partition cuts a node off from the store, then puts one to sleep.
func (s *Site) partition(ctx context.Context) error {
	if err := s.cutOff(ctx); err != nil {
		return err
	}
	return s.sleep(ctx)
}

// cutOff takes the store away from one node. Its people have to stay heard, and
// another node has to let people in, alone.
func (s *Site) cutOff(ctx context.Context) error {
	victim, theirs := s.fullest()
	at := slices.Index(s.nodes, victim)
	ids := instancesOf(theirs)
	d := s.watchDoors(ctx, ids)
	defer d.stop()
	if err := s.wait(ctx, 2*time.Second); err != nil {
		return err
	}
	cut := time.Now()
	victim.gate.shut()
	s.say("cut %s with %d people off from the store", victim.name, len(theirs))
	if err := s.wait(ctx, cutFor); err != nil {
		return err
	}
	s.silences("those of the node that was cut off", theirs, cut, time.Now(), &Limit{"max", unnoticed})
	healed := time.Now()
	victim.gate.reopen()
	s.say("%s reaches the store again", victim.name)
	err := s.await(ctx, convergeFor, "everybody of the node is where their instance is", func() (bool, string) {
		for _, p := range theirs {
			if p.guest.Bot().Node() == victim.url {
				return false, p.String() + " is still there"
			}
		}
		return true, ""
	})
	switch {
	case ctx.Err() != nil:
		return err
	case err != nil:
		s.fault("%v", err)
	}
	if err := s.allThere(ctx); err != nil {
		return err
	}
	s.silences("those who moved when it was back", theirs, healed, time.Now(), nil)
	s.judge(d.close(), ids, cut, at)
	return nil
}

// sleep stops a node's process where it is, and lets it go on.
func (s *Site) sleep(ctx context.Context) error {
	victim, theirs := s.fullest()
	at := slices.Index(s.nodes, victim)
	ids := instancesOf(theirs)
	d := s.watchDoors(ctx, ids)
	defer d.stop()
	if err := s.wait(ctx, 2*time.Second); err != nil {
		return err
	}
	cut := time.Now()
	if err := victim.process.Freeze(); err != nil {
		return err
	}
	s.say("stopped %s with %d people", victim.name, len(theirs))
	if err := s.returns(ctx, theirs, cut, backFor, nil); err != nil {
		return err
	}
	if err := s.wait(ctx, time.Until(cut.Add(cutFor))); err != nil {
		return err
	}
	if err := victim.process.Thaw(); err != nil {
		return err
	}
	s.say("%s goes on", victim.name)
	if err := s.wait(ctx, auditFor); err != nil {
		return err
	}
	s.judge(d.close(), ids, cut, at)
	return s.allThere(ctx)
}

// judge says who admitted to the instances of a node that was cut off, and has
// it a fault where two did at once.
func (s *Site) judge(knocks []knock, ids []instanceID, cut time.Time, victim int) {
	counts := map[loadtest.Verdict]int{}
	for _, k := range knocks {
		counts[k.verdict]++
	}
	s.say("of %d strangers at all nodes' doors %d were let in, %d sent to another node, %d refused; %d had no answer in time",
		len(knocks), counts[loadtest.Admits], counts[loadtest.Elsewhere], counts[loadtest.Refuses], counts[loadtest.Silent])
	var taken []time.Duration
	for _, id := range ids {
		order, double := owners(knocks, id)
		names := make([]string, len(order))
		for i, n := range order {
			names[i] = s.nodes[n].name
		}
		s.say("%s was let into by %v, in this order", id, names)
		if double {
			s.fault("two nodes let people into %s in turns: %v", id, names)
		}
		first, ok := firstAdmission(knocks, id, cut, victim)
		if !ok {
			s.fault("no other node let anybody into %s", id)
			continue
		}
		taken = append(taken, first)
	}
	s.figure("until another node let people in", taken, nil)
}
