package moderation

import (
	"time"

	"earshot/moderation/journal"
	"earshot/moderation/policy"
)

// noticeOf tells the person about a decision that concerns only a text.
func (p *Pipeline) noticeOf(in *journal.Incident) Notice {
	most := in.Decision.Harshest()
	return Notice{
		Who: in.Who, World: in.World, Incident: in.ID, Cause: CauseDecision, Action: most.Action,
		Until: until(most, in.At), Statement: in.Decision.Statement, Appealable: true,
	}
}

// noticeOfOrder tells the person about an order; ok is false for one that only
// ends something, which is told where that is decided.
func noticeOfOrder(o *journal.Order) (n Notice, ok bool) {
	if len(o.Acts) == 0 {
		return Notice{}, false
	}
	most := (&policy.Decision{Actions: o.Acts}).Harshest()
	return Notice{
		Who: o.Who, World: o.World, Incident: o.Incident, Cause: CauseDecision, Action: most.Action,
		Until: until(most, o.At), Statement: o.Statement, Appealable: o.Incident != "",
	}, true
}

func until(a policy.Act, from time.Time) time.Time {
	if a.For <= 0 {
		return time.Time{}
	}
	return from.Add(a.For)
}
