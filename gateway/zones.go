package gateway

import (
	"reflect"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/sfu/relay/wire"
	"earshot/spatialaudio/zone"
)

// What the zones of a world forbid is enforced where the media flows, as a block is: Session.DenyVoice,
// Tap.DenyVoice and a mix's Deny between two people whom a sealed wall parts, SetMuted for one
// who may not speak where they stand. Both change only when somebody crosses a
// border that matters or a designer moves one, always under Instance.policy, and
// hold when that is done. How loud a voice is otherwise is the mixer's.

// locate works out where everybody stands, and makes the sfu follow those who
// crossed a border. Only the tick calls it.
func (in *Instance) locate(live *roster) {
	m := &in.mixer
	m.zones, m.amplified = in.zones.Load(), m.amplified[:0]
	if m.zones == nil {
		return
	}
	for _, s := range live.all {
		head, here := in.space.Head(s.participant)
		if !here {
			continue
		}
		m.zones.Locate(head.Position, &s.spot)
		if m.zones.Matters(s.spot.In) != s.within() {
			in.policy.Lock()
			in.wall(s)
			in.policy.Unlock()
		}
		if m.zones.Amplified(s.spot.In) && len(m.amplified) < maxAmplified {
			m.amplified = append(m.amplified, s)
		}
	}
	in.beyond.locate(m.zones)
}

// maxAmplified bounds how many talkers in megaphones are looked at for each
// listener.
const maxAmplified = 32

// within is in which zones that matter s was when the walls around it were
// last closed.
func (s *session) within() zone.Mask { return zone.Mask(s.zoned.Load()) }

// wall closes and opens the ways between s and all others as the zones want it
// where s stands now. When it returns, no packet of a voice goes through a wall.
// in.policy is held; s is a member, or about to be heard by nobody yet.
func (in *Instance) wall(s *session) {
	set := in.zones.Load()
	in.settleIn(set, s)
	for _, other := range in.live.Load().all {
		if other != s {
			other.denyVoice(s.participant, !set.Reaches(s.within(), other.within()))
			s.denyVoice(other.participant, !set.Reaches(other.within(), s.within()))
		}
	}
	if s.stream != nil {
		in.denyViewers()
	}
}

// settleIn notes where s is, and mutes it where it may not speak.
func (in *Instance) settleIn(set *zone.Set, s *session) {
	var spot zone.Spot
	if head, here := in.space.Head(s.participant); here {
		set.Locate(head.Position, &spot)
	}
	s.zoned.Store(uint64(set.Matters(spot.In)))
	who := zone.Speaker{ID: s.participant, Grants: s.claims.Grants, Performer: s.stream != nil || s.ghost.performs()}
	hushed := !set.MaySpeak(spot.In, who)
	in.mu.Lock()
	defer in.mu.Unlock()
	if s.hushed != hushed {
		s.hushed = hushed
		in.silence(s, protocol.ByZone)
	}
}

// rebuildWalls makes the zones of a world that a designer changed hold for
// everybody who is here: when it returns, nothing passes that they forbid.
func (in *Instance) rebuildWalls(list zone.List) {
	in.policy.Lock()
	defer in.policy.Unlock()
	before := in.zones.Load()
	if reflect.DeepEqual([]zone.Zone(before.Zones()), []zone.Zone(list)) || before == nil && len(list) == 0 {
		return
	}
	set, err := zone.New(list)
	if err != nil {
		in.g.log.Error("zones that were validated do not work; those before hold", "instance", in.id, "err", err)
		return
	}
	in.zones.Store(set)
	all := in.live.Load().all
	was := make([]zone.Mask, len(all))
	for i, s := range all {
		was[i] = s.within()
		in.settleIn(set, s)
	}
	for i, a := range all {
		for j, b := range all[:i] {
			if now := set.Reaches(a.within(), b.within()); now != before.Reaches(was[i], was[j]) {
				b.denyVoice(a.participant, !now)
			}
			if now := set.Reaches(b.within(), a.within()); now != before.Reaches(was[j], was[i]) {
				a.denyVoice(b.participant, !now)
			}
		}
	}
	in.denyViewers()
}

// unwall forgets the walls around one who left, unless they are back.
func (in *Instance) unwall(id earshot.ParticipantID) {
	in.policy.Lock()
	defer in.policy.Unlock()
	live := in.live.Load()
	if live.byID[id] != nil {
		return
	}
	for _, s := range live.all {
		s.denyVoice(id, false)
	}
}

// denyVoice opens or closes the way of voices from other to s.
func (s *session) denyVoice(other earshot.ParticipantID, on bool) {
	switch {
	case s.resident != nil:
		if s.resident.ears != nil {
			s.resident.ears.DenyVoice(other, on)
		}
	case s.media != nil:
		s.media.DenyVoice(other, on)
		if l := s.ears.mix.Load(); l != nil {
			l.Deny(other, on || s.barred(other))
		}
		s.denyBeds(other, on)
	}
}

// walled reports whether a sealed wall keeps other's voice from s. Mixes have one
// list for that and for blocks: whoever lifts one asks for the other.
func (s *session) walled(other earshot.ParticipantID) bool {
	from := s.in.live.Load().byID[other]
	return from != nil && !s.in.passes(from, s)
}

// barred is walled for blocks, isolations and what permissions withhold.
func (s *session) barred(other earshot.ParticipantID) bool {
	from := s.in.live.Load().byID[other]
	return from != nil && s.in.closed(from, s)
}

// passes reports whether what from says, in words too, may get to to.
func (in *Instance) passes(from, to *session) bool {
	return in.zones.Load().Reaches(from.within(), to.within())
}

// utter tells those whom the voice of s may reach within metres what it says.
func (in *Instance) utter(s *session, metres float64, msg protocol.ServerMessage) {
	in.mu.Lock()
	hushed := s.hushed
	in.mu.Unlock()
	if hushed {
		return
	}
	data := protocol.Encode(msg)
	live := in.live.Load()
	var away []*session
	for _, id := range in.space.Within(s.participant, metres, nil) {
		switch other := live.byID[id]; {
		case other == nil || !other.ready.Load() || !in.passes(s, other):
		case other.ghost != nil:
			away = append(away, other)
		default:
			other.sendBytes(data)
		}
	}
	in.carry(s, away, wire.Tell{Data: data, Uttered: true})
}
