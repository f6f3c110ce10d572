package router

import "time"

// estimate is a prediction for one request on one model of one backend. Times
// are in seconds.
type estimate struct {
	ttft, tpot float64
	apart      float64 // part of ttft that says nothing about the cost per token
	load       float64 // part of ttft: loading the model
	work       float64 // uncached tokens of this model, own and ahead
	cached     int     // prompt tokens
	blocks     int     // of the prefix that the backend holds
}

// estimate predicts
//
//	TTFT = rtt + W_slot + (Q_unc + unc)*c + load + late
//
// W_slot is the wait for a slot; over is by how many requests the backend is
// full, see member.over. Q_unc is exact: tokens are added when a request is
// sent and taken away at its first token. late is by how much its oldest
// request without a first token is late already, apart from those that later
// ones have overtaken: a server that hangs gives no sample to learn from, yet
// what is sent there now will wait at least as long.
func (r *Router) estimate(m *member, s *served, q *Request, over int, now time.Time) (e estimate) {
	if len(q.Prefix) > 0 {
		e.blocks = m.cache.match(s.salt, q.Prefix)
		e.cached = min(e.blocks*r.cfg.BlockTokens, q.PromptTokens)
	}
	e.tpot = s.perOutput(min(m.inflight+1, m.Slots))
	e.apart = m.rtt
	ahead := max(m.inflight-m.Slots+1, over)
	if over > 0 {
		ahead += m.held
	}
	if ahead > 0 {
		e.apart += float64(ahead) * s.tokens() * e.tpot / float64(m.Slots)
	}
	for _, other := range m.models {
		if other != s && other.queued > 0 {
			e.apart += float64(other.queued) * other.costPerToken()
		}
	}
	e.work = float64(s.queued + q.PromptTokens - e.cached + overheadTokens)
	if !s.loaded {
		e.load = s.loadTime()
		if !s.loading.IsZero() {
			e.load = max(0, e.load-now.Sub(s.loading).Seconds())
		}
	}
	e.ttft = e.apart + e.work*s.costPerToken() + e.load
	if m.next != nil {
		e.ttft += max(0, now.Sub(m.next.sent).Seconds()-m.next.ttft)
	}
	return e
}

// cost weighs a prediction against price and distance.
func (r *Router) cost(m *member, q *Request, e *estimate) float64 {
	cost := 0.8*e.ttft/r.cfg.TargetTTFT.Seconds() + 0.2*e.tpot/r.cfg.TargetTPOT.Seconds() + r.cfg.PriceCost*m.Price
	if q.Region != "" && m.Region != q.Region {
		cost += r.cfg.RegionCost
	}
	return cost
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
