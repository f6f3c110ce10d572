package gateway

import (
	"sync"
	"time"

	"earshot"
	"earshot/moderation"
	"earshot/moderation/policy"
)

// audience are the viewers of an instance.
type audience struct {
	mu      sync.Mutex
	viewers map[earshot.SessionID]*viewer
	changed func(by int) // tells the metrics; called under mu
}

func (a *audience) add(v *viewer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.viewers == nil {
		a.viewers = make(map[earshot.SessionID]*viewer)
	}
	a.viewers[v.id] = v
	a.changed(1)
}

func (a *audience) remove(v *viewer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.viewers[v.id] == v {
		delete(a.viewers, v.id)
		a.changed(-1)
	}
}

func (a *audience) find(id earshot.SessionID) *viewer {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.viewers[id]
}

func (a *audience) size() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.viewers)
}

// all returns a copy: nothing of a viewer is called under mu.
func (a *audience) all() []*viewer {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.viewers) == 0 {
		return nil
	}
	list := make([]*viewer, 0, len(a.viewers))
	for _, v := range a.viewers {
		list = append(list, v)
	}
	return list
}

// showStreams gives every viewer the stream that it wants, and ends those
// whose token expired.
func (in *Instance) showStreams(now time.Time) {
	live := in.live.Load()
	for _, v := range in.audience.all() {
		if now.After(v.expires.Add(tokenGrace)) {
			v.end()
			continue
		}
		v.show(live, now)
	}
}

// denyViewers makes blocks and isolations hold for the audience too: when it
// returns, no packet of a stream goes to a viewer that may not have it.
// in.policy is held, and whoever changes a block or an isolation calls it.
func (in *Instance) denyViewers() {
	for _, v := range in.audience.all() {
		in.denyViewer(v)
	}
}

// denyViewer is denyViewers for one viewer. in.policy is held.
func (in *Instance) denyViewer(v *viewer) {
	for _, s := range in.live.Load().all {
		if s.stream == nil {
			continue
		}
		in.mu.Lock()
		isolated := s.sanctions.isolated
		in.mu.Unlock()
		v.media.Deny(s.participant, isolated || in.space.Blocked(v.participant, s.participant))
		v.media.DenyVoice(s.participant, !in.zones.Load().Reaches(s.within(), 0)) // a player stands outside of all zones
	}
}

// dismissViewers ends the connections of viewers whose token names a person
// that a moderator removed.
func (in *Instance) dismissViewers(who earshot.ParticipantID) {
	for _, v := range in.audience.all() {
		if v.participant == who {
			v.end()
		}
	}
}

// obeyViewers puts an order in force against a person who watches. in.policy
// is held.
func (in *Instance) obeyViewers(o *moderation.Order, now time.Time) {
	_, suspended := o.Sanctioned(policy.Suspend, now)
	_, isolated := o.Sanctioned(policy.Isolate, now)
	kicked := false
	for _, a := range o.Acts {
		kicked = kicked || a.Action == policy.Kick && now.Sub(o.At) < barFor
	}
	if suspended || isolated || kicked {
		in.dismissViewers(o.Who)
	}
}
