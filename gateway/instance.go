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
	senseEvery = 3 // of NPCs
	videoEvery = 30
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

	taping *taping // what records the instance, or nil; guarded by mu
	room   room    // the instance as LiveKit's API has it; guarded by mu

	live atomic.Pointer[roster] // copy of members for the tick; rebuilt under mu

	mixer mixer // of the tick
	deeds *npc.Deeds

	zones atomic.Pointer[zone.Set] // nil without any; replaced under policy

	audience audience          // who watches streams without being here
	said     []moderation.Line // the last in chat; guarded by mu

	// populating serialises changes of who lives here and guards
	// what follows. It is taken before all others.
	populating sync.Mutex
	residents  map[string]*resident                // by id of the NPC
	standIns   map[earshot.ParticipantID]*resident // by whose place they keep
	stopped    bool
}

// roster is a snapshot of the members of an instance.
type roster struct {
	all     []*session
	byID    map[earshot.ParticipantID]*session
	clients int // those of all who are no residents
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
	in.cfg.Store(&cfg)
	in.live.Store(&roster{})
	in.audience.changed = func(n int) { g.metrics.viewers.WithLabelValues(world).Set(float64(n)) }
	in.deeds = npc.NewDeeds(world, in.situate)
	return in, nil
}

// run ticks until ctx ends, and lets NPCs live as long.
func (in *Instance) run(ctx context.Context) {
	in.populate()
	defer in.depopulate()
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
			}
			live := in.live.Load()
			if live.clients == 0 { // NPCs among themselves do not mind
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
			s.send(&protocol.Near{Enter: c.Enter, Leave: c.Leave})
		}
	}
	for _, d := range out.Datagrams {
		if s := live.byID[d.To]; s != nil && s.line.SendPose(d.Bytes) {
			in.g.metrics.datagrams.Inc()
		}
	}
	in.locate(live)
	if n%noteEvery == 0 {
		in.note(now)
	}
	for i, s := range live.all {
		// Staggered by place in the roster, so that ticks cost alike.
		if s.resident != nil {
			if (n+i)%senseEvery == 0 {
				in.mixer.sense(in, live, s, now)
			}
			continue
		}
		if (n+i)%voiceEvery == 0 && s.ready.Load() {
			in.mixer.review(in, live, s, (n+i)%videoEvery == 0, now)
			s.tellLayers(now)
		}
		if (n+i)%tickRate == 0 {
			if reason, bye := s.overdue(now); reason != "" {
				s.end(reason, bye)
			}
		}
	}
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

	if s.stream != nil {
		spawn = s.stream.at
	}
	in.dismiss(s.participant, nil)
	s.name = in.named(s.claims)
	if s.resident == nil {
		in.g.names.learn(s.participant, s.name)
	}

	in.policy.Lock()
	defer in.policy.Unlock()
	if err := in.standing(s, now); err != nil {
		return err
	}
	index, err := in.space.Join(s.participant, spawn, now)
	if err != nil {
		return err
	}
	in.mu.Lock()
	s.index = index
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

// shut reports whether nothing may pass between a and b.
func (in *Instance) shut(a, b *session) bool {
	in.mu.Lock()
	isolated := a.sanctions.isolated || b.sanctions.isolated
	in.mu.Unlock()
	return isolated || in.space.Blocked(a.participant, b.participant)
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
		TokenExpires: time.Unix(s.expires.Load(), 0).UTC().Format(time.RFC3339),
	})
	page := make([]protocol.Participant, 0, protocol.JoinedPage)
	for _, other := range in.members {
		if other == s || !other.opened.Load() {
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
	in.broadcast(&protocol.Joined{Participants: []protocol.Participant{s.describe()}})
	s.opened.Store(true)
	in.noteJoin(s)
	in.tape(s)
	if !s.claims.Can(protocol.GrantSubscribe) {
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
	if in.taping != nil {
		in.taping.release(s)
	}
	delete(in.members, s.participant)
	in.rebuild()
	in.space.Leave(s.participant)
	for _, other := range in.members {
		if other.resident != nil {
			other.resident.lose(s.participant)
		}
	}
	if s.opened.Load() {
		in.broadcast(&protocol.Left{Participant: s.participant, Reason: reason})
	}
	in.noteLeave(s, reason, time.Now())
}

// broadcast queues msg to every member who was welcomed. in.mu is held.
func (in *Instance) broadcast(msg protocol.ServerMessage) {
	data := protocol.Encode(msg)
	for _, s := range in.members {
		if s.opened.Load() {
			s.sendBytes(data)
		}
	}
}

// rebuild makes live match members. in.mu is held.
func (in *Instance) rebuild() {
	next := &roster{
		all:  make([]*session, 0, len(in.members)),
		byID: make(map[earshot.ParticipantID]*session, len(in.members)),
	}
	for id, s := range in.members {
		next.all = append(next.all, s)
		next.byID[id] = s
		if s.resident == nil {
			next.clients++
		}
	}
	in.live.Store(next)
	in.g.metrics.participants.WithLabelValues(in.world).Set(float64(len(next.all)))
}

// describe is s as others are told. in.mu is held.
func (s *session) describe() protocol.Participant {
	p := protocol.Participant{
		ID: s.participant, Index: s.index, Name: s.name, Kind: s.claims.Kind,
		Muted: s.muted || s.moderated, Moderated: s.moderated, Hushed: s.hushed, Camera: s.camera, Screen: s.screen,
		Encrypted: s.encrypted,
	}
	if s.resident != nil {
		p.Of = s.resident.role.owner
	}
	return p
}

func (in *Instance) size() int { return len(in.live.Load().all) }

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
	in.denyViewers()
	return in.standInBlocks(by, other, on)
}

// part opens or closes the way of media between a and b, each way, as
// everything that is in force has it. in.policy is held.
func (in *Instance) part(a, b *session) {
	shut := in.shut(a, b)
	a.deny(b.participant, shut || in.withholds(b, a))
	b.deny(a.participant, shut || in.withholds(a, b))
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
	in.noteMuted(s, sfu.SourceMicrophone, silent)
	switch by {
	case protocol.ByZone:
		in.broadcast(&protocol.Muted{Participant: s.participant, Muted: s.hushed, By: by})
		return
	case "self":
		in.broadcast(&protocol.Muted{Participant: s.participant, Muted: muted, By: by})
		return
	}
	in.broadcast(&protocol.Muted{Participant: s.participant, Muted: s.moderated, By: by})
	if !s.moderated { // what they chose themselves counts again
		in.broadcast(&protocol.Muted{Participant: s.participant, Muted: s.muted, By: "self"})
	}
}

func (in *Instance) publish(s *session, source protocol.Source, active bool) error {
	var p *sfu.Publication
	if s.media != nil {
		p = s.media.Video(string(source))
	}
	if p == nil {
		return earshot.Errorf(earshot.CodeFailedPrecondition, "the offer reserved no line for %s; join again with a sendonly video for it", source)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if active && s.withheld[source] {
		return earshot.Errorf(earshot.CodePermissionDenied, "an administrator took your %s off; ask them to allow it again", source)
	}
	in.show(s, p, source, active)
	return nil
}

// show makes a video flow or end and tells everybody. in.mu is held.
func (in *Instance) show(s *session, p *sfu.Publication, source protocol.Source, active bool) {
	switch source {
	case protocol.SourceCamera:
		s.camera = active
	case protocol.SourceScreen:
		s.screen = active
	}
	p.SetActive(active)
	in.noteMuted(s, string(source), !active)
	in.broadcast(&protocol.Published{Participant: s.participant, Source: source, Active: active})
	in.noteTracks(s)
}

func (in *Instance) moderate(m *protocol.Moderate, now time.Time) error {
	in.mu.Lock()
	s := in.members[m.Participant]
	if s == nil {
		in.mu.Unlock()
		return earshot.Errorf(earshot.CodeNotFound, "%s is not here", m.Participant)
	}
	if m.Action != protocol.ActionKick {
		s.moderated = m.Action == protocol.ActionMute
		in.silence(s, "moderator")
		in.mu.Unlock()
		return nil
	}
	for id, until := range in.barred {
		if now.After(until) {
			delete(in.barred, id)
		}
	}
	in.barred[m.Participant] = now.Add(barFor)
	in.mu.Unlock()
	in.dismissViewers(m.Participant)
	message := "a moderator removed you"
	if m.Reason != "" {
		message += ": " + m.Reason
	}
	s.end(protocol.ReasonKicked, &protocol.Bye{Code: earshot.CodePermissionDenied, Message: message})
	return nil
}

// spawn is where the n-th arrival stands: newcomers spread over the disc by
// the golden angle.
func (in *Instance) spawn(n int) earshot.Pose {
	const spots = 24
	angle := float64(n) * math.Pi * (3 - math.Sqrt(5))
	w := in.cfg.Load()
	r := float64(w.SpawnRadius) * math.Sqrt((float64(n%spots)+0.5)/spots)
	x, z := r*math.Sin(angle), r*math.Cos(angle)
	root := earshot.Vec3{X: w.Spawn[0] + float32(x), Y: w.Spawn[1], Z: w.Spawn[2] + float32(z)}
	return earshot.Standing(root, w.SpawnYaw*math.Pi/180)
}
