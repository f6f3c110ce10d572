package policy

import "time"

// Sum returns the weight of a person's strikes now.
func (p *Policy) Sum(r *Record, now time.Time) float64 {
	if r == nil {
		return 0
	}
	rules := &p.Spec.Strikes
	sum := 0.0
	for _, s := range r.Strikes {
		sum += s.decayed(time.Duration(rules.HalfLife), time.Duration(rules.Forget), now)
	}
	return min(sum, rules.Most)
}

// climb adds the strike of d to the record and returns what the ladder says;
// what is beyond what may be automatic becomes a proposal.
func (p *Policy) climb(d *Decision, automatic bool, r *Record, now time.Time, t *trace) Act {
	before := p.Sum(r, now)
	d.Sum = min(before+d.Strike.Weight, p.Spec.Strikes.Most)
	act := Act{Action: None}
	for i, rung := range p.Spec.Ladder {
		if d.Sum < rung.At {
			break
		}
		next := Act{rung.Do, time.Duration(rung.For)}
		if automatic && rung.By == ByPerson {
			d.Proposed = []Act{next}
			continue
		}
		act, d.Rung = next, i+1
	}
	if t != nil {
		t.addf("strikes: %.2f before, %.2f now: rung %d of the ladder: %s", before, d.Sum, d.Rung, act)
		for _, a := range d.Proposed {
			t.addf("for a person to decide: %s", a)
		}
	}
	return act
}
