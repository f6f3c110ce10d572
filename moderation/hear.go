package moderation

import (
	"context"

	"earshot/moderation/journal"
	"earshot/moderation/policy"
)

// Hear takes in what other nodes decided, in their order: it is in force for who
// is here, counts for who comes, and waits in the queue, as if it had been decided
// here. It returns the incidents that were judged, when all of it is in the
// journal; who is here is told and silenced within moments. Errors are those of
// the journal; the same may be said again.
func (p *Pipeline) Hear(ctx context.Context, list []journal.Shared) (judged []journal.Item, err error) {
	news, err := p.journal.Hear(ctx, list)
	for i := range news {
		h := &news[i]
		p.obey(ctx, h)
		switch {
		case h.Judgement != nil || h.Undo != nil:
			if item, err := p.journal.Item(ctx, h.About()); err == nil {
				judged = append(judged, item)
				p.heardVerdict(item, h)
			}
		case h.Appeal != nil && p.deps.Evidence != nil:
			item, err := p.journal.Item(ctx, h.About())
			if err == nil && len(item.Evidence) > 0 {
				err = p.deps.Evidence.Appealed(ctx, item.Evidence, h.Appeal.At)
			}
			if err != nil {
				p.log.Warn("evidence of an appeal is not kept longer", "incident", h.About(), "err", err)
			}
		}
	}
	return judged, err
}

// obey makes the record in memory that of the journal again, and carries out what
// another node orders. Nothing of it is written as done: who is here has gone with
// this process, and who comes finds it in force.
func (p *Pipeline) obey(ctx context.Context, h *journal.Heard) {
	s := subject{h.World, h.Who}
	if h.Who == "" || h.Report != nil || h.Appeal != nil {
		return
	}
	p.writes.add(s, func(context.Context) { p.settle(s) }) // where there is no room, what is there settles it
	o := h.Order
	if o == nil {
		return
	}
	order := Order{
		ID: o.ID, Incident: o.Incident, World: o.World, Who: o.Who, Acts: o.Acts, Statement: o.Statement, At: o.At, Heard: true,
	}
	do := func(run context.Context) {
		if !p.try(run, s, order) {
			return
		}
		if n, ok := noticeOfOrder(o); ok {
			p.notify(n)
		}
	}
	for !p.orders.add(s, do) {
		p.m.refused.WithLabelValues("orders").Inc()
		if p.ended() || !wait(ctx, firstPause) {
			return
		}
	}
}

// heardVerdict lets those who are here know what a moderator decided elsewhere.
func (p *Pipeline) heardVerdict(item journal.Item, h *journal.Heard) {
	j := Judgement{Incident: item.ID, Verdict: policy.Wrong}
	if g := h.Judgement; g != nil {
		j.Verdict, j.Actions, j.Appeal = g.Verdict, g.Actions, g.Appeal
	}
	if h.First {
		item.Judgements, item.Undo = nil, nil
	}
	p.told(&item, j)
}
