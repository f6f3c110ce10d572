package gateway

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/moderation"
	"earshot/npc"
	"earshot/presence"
	"earshot/sfu"
	"earshot/spatialaudio/zone"
)

const (
	// tickRate is how often poses go out, per second. Voice slots are reviewed
	// every third tick, video slots and statistics every thirtieth.
	tickRate   = 60
	voiceEvery = 3
	// crowdEvery is the same in a crowd of more than crowdVoices microphones, which
	// everybody's slots are compared with.
	crowdEvery  = 2 * voiceEvery
	crowdVoices = 128
	senseEvery  = 3 // of NPCs
	videoEvery  = 30
	// barFor is how long one who was kicked stays out.
	barFor = 5 * time.Minute
)

// Instance is one running copy of a world. It holds references and forwards
// values between presence, spatialaudio and sfu; what there is to decide is
// decided there.
type Instance struct {
	id    earshot.InstanceID
	world string
	g     *Gateway
	cfg   atomic.Pointer[WorldConfig] // replaced when a designer tunes the world
	space *presence.Space

	// policy serialises block changes with arrivals, so that no order of the
	// two leaves a blocked pair audible. It is held across calls into presence
	// and sfu, which never call back under a lock, and taken before mu.
	policy sync.Mutex

	// mu guards members, their state, arrivals, barred and revoked. It is held while
	// messages are queued and while space forgets a member, which never block
	// and never call back: so everybody is told of arrivals and departures in
	// the same order, and space knows exactly the members.
	mu       sync.Mutex
	members  map[earshot.ParticipantID]*session
	barred   map[earshot.ParticipantID]time.Time
	revoked  revocations
	arrivals int

	most int // that this instance takes, where that is less than its world has; 0: it is not

	taping *taping // what records the instance, or nil; guarded by mu
	room   room    // the instance as LiveKit's API has it; guarded by mu
	onward onward  // the same, where it goes on on another node

	span *span // with other nodes that run the instance; nil where it does not span

	borders *borders // with other worlds; nil where there are none
	beyond  *beyond  // who is seen across them

	live atomic.Pointer[roster] // copy of members for the tick; rebuilt under mu

	review   reviewing
	deserted time.Time   // since when nobody is in this copy of a world; guarded by mu
	retired  atomic.Bool // it has ended and lets nobody in; set under mu

	mixer mixer // of the tick
	crowd crowding
	deeds *npc.Deeds

	zones atomic.Pointer[zone.Set] // nil without any; replaced under policy

	audience audience          // who watches streams without being here
	said     []moderation.Line // the last in chat; guarded by mu
	kept     time.Time         // when the last of those was said that other nodes know; guarded by mu

	// populating serialises changes of who lives here and guards
	// what follows. It is taken before all others.
	populating sync.Mutex
	residents  map[string]*resident                // by id of the NPC
	standIns   map[earshot.ParticipantID]*resident // by whose place they keep
	stopped    bool
}

func newInstance(g *Gateway, id earshot.InstanceID, world string, cfg WorldConfig) (*Instance, error) {
	spaceCfg := cfg.space()
	spaceCfg.Epoch = g.epoch
	space, err := presence.NewSpace(spaceCfg)
	if err != nil {
		return nil, err
	}
	in := &Instance{
		id: id, world: world, g: g, space: space,
		members: make(map[earshot.ParticipantID]*session),
		barred:  make(map[earshot.ParticipantID]time.Time),
		revoked: make(revocations),

		residents: make(map[string]*resident),
		standIns:  make(map[earshot.ParticipantID]*resident),
	}
	zones, err := zone.New(cfg.Zones)
	if err != nil {
		return nil, err
	}
	in.zones.Store(zones)
	if _, ok := madeKind(id); ok {
		in.most = cfg.Capacity
	}
	in.cfg.Store(&cfg)
	in.live.Store(&roster{})
	in.audience.changed = func(by int) { g.metrics.viewers.WithLabelValues(world).Add(float64(by)) }
	in.deeds = npc.NewDeeds(world, in.situate)
	in.span = g.cluster.span(in)
	if in.borders, in.beyond, err = newBorders(in, &cfg); err != nil {
		return nil, err
	}
	in.crowd = newCrowding(g, &cfg)
	return in, nil
}

// run ticks until ctx ends or nobody wants the instance any more, and lets
// NPCs live as long.
func (in *Instance) run(ctx context.Context) {
	in.populate()
	defer in.depopulate()
	in.span.open()
	defer in.span.close()
	defer in.g.cluster.openCoast(in)()
	defer in.beyond.close()
	defer in.borders.close()
	defer in.crowd.end()
	ticker := time.NewTicker(time.Second / tickRate)
	defer ticker.Stop()
	var out presence.Tick
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			if n%videoEvery == 0 {
				in.showStreams(now)
				in.closeIdle(now)
				if in.retire(now) {
					in.g.forget(in)
					in.g.manager.closed(in)
					return
				}
			}
			live := in.live.Load()
			if n%borderEvery == 0 {
				in.borders.tick(live, now)
			}
			if live.clients+live.ghosts == 0 { // NPCs among themselves do not mind
				continue
			}
			in.tick(live, n, now, &out)
			in.g.metrics.tick.Observe(time.Since(now).Seconds())
		}
	}
}

func (in *Instance) tick(live *roster, n int, now time.Time, out *presence.Tick) {
	in.space.Tick(now, out)
	for i := range out.Changes {
		c := &out.Changes[i]
		if s := live.byID[c.Of]; s != nil && s.ready.Load() {
			s.sendSoon(protocol.Encode(&protocol.Near{Enter: c.Enter, Leave: c.Leave}))
		}
	}
	for _, d := range out.Datagrams {
		if s := live.byID[d.To]; s != nil && s.line.SendPose(d.Bytes) {
			in.g.metrics.datagrams.Inc()
		}
	}
	in.locate(live)
	if f := in.g.fleet; f != nil {
		if n%placeEvery == 0 {
			f.tell(in, live, now)
		}
		if n%snapEvery == 0 {
			f.keep(in)
		}
	}
	if n%noteEvery == 0 {
		in.note(now)
	}
	every := voiceEvery
	if in.mixer.gather(live, now) > crowdVoices {
		every = crowdEvery
	}
	in.mixer.voiced = in.beyond.voiced(in.mixer.voiced)
	if n%lookEvery == 0 {
		in.look(live, now)
	}
	for i, s := range live.all {
		// Staggered by place in the roster, so that ticks cost alike.
		if s.resident != nil {
			if (n+i)%senseEvery == 0 {
				in.mixer.sense(in, live, s, now)
			}
			continue
		}
		if s.ghost != nil {
			continue
		}
		if (n+i)%every == 0 && s.ready.Load() {
			in.mixer.review(in, live, s, (n+i)%videoEvery == 0, now)
			s.tellLayers(now)
		}
		if (n+i)%gradeEvery == 0 && live.doors > 0 {
			s.regrade(now)
		}
		if (n+i)%tickRate == 0 {
			if reason, bye := s.overdue(now); reason != "" {
				s.end(reason, bye)
			}
		}
	}
	in.span.tick(live, now)
}

// enter makes s a member: it replaces an older session of the same participant
// and takes over its place in space.
func (in *Instance) enter(s *session, now time.Time) error {
	in.mu.Lock()
	until, barred := in.barred[s.participant]
	revoked := in.revoked.check(s.claims)
	old := in.members[s.participant]
	in.arrivals++
	spawn := in.spawn(in.arrivals)
	in.mu.Unlock()
	if revoked != nil {
		return revoked
	}
	if barred && now.Before(until) {
		return earshot.Errorf(earshot.CodePermissionDenied, "a moderator removed you; you may come back in %d minutes", int(math.Ceil(until.Sub(now).Minutes())))
	}
	if old != nil {
		if pose, ok := in.space.Pose(s.participant); ok {
			spawn = pose
		}
		in.remove(old, protocol.ReasonReplaced) // even if it is ending already
		old.end(protocol.ReasonReplaced, &protocol.Bye{
			Code: earshot.CodeAborted, Message: "you joined from somewhere else",
		})
	}

	switch {
	case s.stream != nil:
		spawn = s.stream.at
	case s.back != nil:
		spawn, s.muted = s.back.at, s.back.Muted
	}
	in.dismiss(s.participant, nil)
	name := in.named(s.claims)
	s.name.Store(&name)
	if s.resident == nil {
		in.g.names.learn(s.participant, name)
	}

	in.policy.Lock()
	defer in.policy.Unlock()
	if err := in.standing(s, now); err != nil {
		return err
	}
	if s.resident == nil && s.ghost == nil && in.full(s.participant) { // others came meanwhile
		return in.fullError()
	}
	index, err := in.stand(s.participant, spawn, now)
	if err != nil {
		return err
	}
	in.g.inherit(s, now)
	in.mu.Lock()
	if in.retired.Load() {
		in.space.Leave(s.participant)
		in.mu.Unlock()
		return earshot.Errorf(earshot.CodeUnavailable, "instance %s was empty and has just closed; join again", in.id)
	}
	s.index, s.person = index, in.crowd.enter(s)
	in.members[s.participant] = s
	in.rebuild()
	in.noteEnter(s, now)
	live := in.live.Load()
	in.mu.Unlock()
	for _, other := range live.all {
		if r := other.resident; r != nil && r.role.owner != "" && in.space.Blocked(s.participant, r.role.owner) {
			_ = in.space.Block(other.participant, s.participant, true) // a stand-in has room for blocks
		}
		if other != s {
			in.part(s, other)
		}
	}
	in.space.Isolate(s.participant, s.sanctions.isolated)
	in.wall(s)
	in.denyViewers()
	in.overhear(s)
	return nil
}

// admit welcomes s and tells the others of it.
func (in *Instance) admit(s *session) {
	pose, _ := in.space.Pose(s.participant)
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.members[s.participant] != s || s.opened.Load() {
		return
	}
	s.send(&protocol.Welcome{
		Protocol: protocol.Version, Session: s.id, Instance: in.id, You: s.describe(),
		Spawn:        protocol.Spawn{Position: [3]float32{pose.Root.X, pose.Root.Y, pose.Root.Z}, Yaw: pose.Yaw},
		World:        in.describe(),
		ServerTime:   in.g.serverTime(time.Now()),
		Alternates:   s.news(),
		TokenExpires: time.Unix(s.expires.Load(), 0).UTC().Format(time.RFC3339),
	})
	page := make([]protocol.Participant, 0, protocol.JoinedPage)
	for _, other := range in.members {
		if other == s || !other.opened.Load() || other.hidden {
			continue
		}
		if page = append(page, other.describe()); len(page) == protocol.JoinedPage {
			s.send(&protocol.Joined{Participants: page})
			page = page[:0]
		}
	}
	if len(page) > 0 {
		s.send(&protocol.Joined{Participants: page})
	}
	for _, other := range in.members {
		if other.resident != nil {
			s.send(&other.resident.state)
		}
	}
	if in.taping != nil {
		s.send(in.describeRecording())
	}
	if !s.hidden {
		in.broadcastSoon(&protocol.Joined{Participants: []protocol.Participant{s.describe()}})
	}
	s.opened.Store(true)
	in.noteJoin(s)
	in.tape(s)
	if !s.can(protocol.GrantSubscribe) && !s.hidden {
		in.space.Show(s.participant) // never ready, and has nobody to block
	}
}

// remove takes s out of the instance and tells the others. Its media end before
// anybody can miss it: what is denied to members from then on, by a block or a
// moderator, must not flow to or from one whose connection lasts a farewell
// longer. in.policy and in.mu must not be held.
func (in *Instance) remove(s *session, reason string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.members[s.participant] != s {
		return
	}
	if s.media != nil {
		s.media.Retire()
	}
	s.silenceMixes()
	if p := s.sound(); p != nil {
		in.g.desk.Silence(p)
	}
	if in.taping != nil {
		in.taping.release(s)
	}
	delete(in.members, s.participant)
	in.rebuild()
	s.deafen()
	in.crowd.leave(s)
	in.space.Leave(s.participant)
	in.span.left(s, reason)
	in.borders.withdraw(s)
	for _, other := range in.members {
		if other.resident != nil {
			other.resident.lose(s.participant)
		}
	}
	if s.opened.Load() && !s.hidden {
		in.broadcastSoon(&protocol.Left{Participant: s.participant, Reason: reason})
	}
	in.noteLeave(s, reason, time.Now())
}

// broadcast queues msg to every member who was welcomed. in.mu is held.
func (in *Instance) broadcast(msg protocol.ServerMessage) {
	in.tellAll(msg, (*session).sendBytes)
}

// broadcastSoon is broadcast for who comes and goes: where many do, everybody is
// told of some at once.
func (in *Instance) broadcastSoon(msg protocol.ServerMessage) {
	in.tellAll(msg, (*session).sendSoon)
}

func (in *Instance) tellAll(msg protocol.ServerMessage, send func(*session, []byte)) {
	data := protocol.Encode(msg)
	for _, s := range in.members {
		if s.opened.Load() {
			send(s, data)
		}
	}
}

// describe is s as others are told. in.mu is held.
func (s *session) describe() protocol.Participant {
	p := protocol.Participant{
		ID: s.participant, Index: s.index, Name: s.called(), Kind: s.claims.Kind,
		Muted: s.muted || s.moderated, Moderated: s.moderated, Hushed: s.hushed, Camera: s.camera, Screen: s.screen,
		Encrypted: s.encrypted,
	}
	if s.resident != nil {
		p.Of = s.resident.role.owner
	}
	if s.ghost != nil {
		p.Of = s.ghost.of
	}
	return p
}

// block changes whether by and other are hidden from each other.
func (in *Instance) block(by *session, other earshot.ParticipantID, on bool) error {
	in.policy.Lock()
	defer in.policy.Unlock()
	if err := in.space.Block(by.participant, other, on); err != nil {
		return err
	}
	if s := in.live.Load().byID[other]; s != nil {
		in.part(by, s)
	}
	in.span.block(by, other, on)
	in.borders.block(by, other, on)
	in.beyond.blocked(by, other, on)
	in.denyViewers()
	return in.standInBlocks(by, other, on)
}

func (in *Instance) mute(s *session, muted bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	s.muted = muted
	in.silence(s, "self")
}

// silence makes the media follow s.muted, s.moderated and s.hushed and tells
// everybody. in.mu is held, so that the last change wins at the sfu too.
func (in *Instance) silence(s *session, by string) {
	muted := s.muted || s.moderated
	silent := muted || s.hushed
	if mic := s.microphone(); mic != nil {
		mic.SetMuted(silent)
	}
	if silent {
		s.silenceMixes()
	}
	in.settleSound(s)
	in.noteMuted(s, sfu.SourceMicrophone, silent)
	switch by {
	case protocol.ByZone:
		in.announce(s, &protocol.Muted{Participant: s.participant, Muted: s.hushed, By: by})
		return
	case "self":
		in.announce(s, &protocol.Muted{Participant: s.participant, Muted: muted, By: by})
		return
	}
	in.announce(s, &protocol.Muted{Participant: s.participant, Muted: s.moderated, By: by})
	if !s.moderated { // what they chose themselves counts again
		in.announce(s, &protocol.Muted{Participant: s.participant, Muted: s.muted, By: "self"})
	}
}
