package gateway

import (
	"context"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/moderation/journal"
	"earshot/moderation/policy"
)

// remind tells a newcomer what is in force against them, until when and why, in
// the words of the decision: a client keeps nothing over a reload.
func (in *Instance) remind(s *session) {
	p := in.g.pipeline
	if p == nil || s.resident != nil {
		return
	}
	held := p.Standing(in.world, s.participant).InForce
	if len(held) == 0 {
		return
	}
	in.g.work.Go(func() {
		ctx, cancel := in.g.brief()
		defer cancel()
		now := time.Now()
		told := map[string]bool{}
		for _, sanction := range held {
			if !told[sanction.Incident] {
				told[sanction.Incident] = true
				s.send(in.g.reminder(ctx, sanction.Incident, held, now))
			}
		}
		// What a moderator undid while the above was read has been told already,
		// before it.
		for _, sanction := range p.Standing(in.world, s.participant).InForce {
			delete(told, sanction.Incident)
		}
		for incident := range told {
			s.send(&protocol.Order{ID: incident, Lifted: true})
		}
	})
}

// reminder is the order of an incident, as far as it is still in force.
func (g *Gateway) reminder(ctx context.Context, incident string, held []policy.Sanction, now time.Time) *protocol.Order {
	msg := &protocol.Order{ID: incident}
	for _, sanction := range held {
		if sanction.Incident == incident {
			msg.Sanctions = append(msg.Sanctions, wireSanction(sanction.Action, sanction.Until))
		}
	}
	it, err := g.deps.Moderation.Journal.Item(ctx, incident)
	if err != nil { // erased, or the disk: what holds is told without its reasons
		if earshot.CodeOf(err) != earshot.CodeNotFound {
			g.log.Warn("the reasons of what is in force cannot be read", "incident", incident, "err", err)
		}
		return msg
	}
	within := time.Duration(g.pipeline.Policy(it.World).Spec.Appeals.Within)
	msg.Appeal = it.Appeal == nil && (within <= 0 || now.Sub(it.At) <= within)
	msg.Statement = wireStatement(reasons(&it))
	return msg
}

// reasons are the newest that the person was given.
func reasons(it *journal.Item) policy.Statement {
	for i := len(it.Orders) - 1; i >= 0; i-- {
		if st := it.Orders[i].Statement; st.What != "" {
			return st
		}
	}
	_, d := it.Now()
	return d.Statement
}

func wireSanction(action policy.Action, until time.Time) protocol.Sanction {
	s := protocol.Sanction{Action: string(action)}
	if !until.IsZero() {
		s.Until = until.UTC().Format(time.RFC3339)
	}
	return s
}

func wireStatement(st policy.Statement) protocol.Statement {
	return protocol.Statement{
		What: st.What, Facts: st.Facts, Automation: st.Automation, Rule: st.Rule, Redress: st.Redress,
	}
}
