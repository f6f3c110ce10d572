package gateway

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/presence/cluster"
)

// A handoff brings somebody to another node, or another instance, without a gap:
// their client opens a second connection there while the first goes on. When it
// is open the new node makes it their session (cluster: ATTACH, COMMIT). The old
// one lingers until the rest of the instance has come over, too, and each pair of
// people is carried by exactly one of the two nodes all the while: by the old one
// until both have gone over. See docs/decisions/0031.

// queryHandoff of a join is the handoff of an invite.
const queryHandoff = "handoff"

// follower is a handoff to this node.
type follower struct {
	instance earshot.InstanceID
	from     side
	session  *session // once its client has connected
	used     bool
}

// handed reports whether two who are both still connected here have both gone
// over to another node, which carries what passes between them.
func handed(a, b *session) bool { return a.over.Load() && b.over.Load() }

// handoffText is a key as clients carry it.
func handoffText(k cluster.Key) string {
	return strconv.FormatUint(uint64(k.HLC), 36) + "." + string(k.Node)
}

// handoffKey reads what handoffText wrote, for a participant.
func handoffKey(who earshot.ParticipantID, text string) (cluster.Key, bool) {
	reading, node, ok := strings.Cut(text, ".")
	hlc, err := strconv.ParseUint(reading, 36, 64)
	if !ok || err != nil || len(text) > protocol.MaxHandoffBytes {
		return cluster.Key{}, false
	}
	return cluster.Key{Participant: who, HLC: cluster.HLC(hlc), Node: earshot.NodeID(node)}, true
}

// invite asks the client of somebody who is here to follow their instance. One
// that cannot have two connections is sent there, as at the end of a drain.
func (f *fleet) invite(e *cluster.Event) {
	s, url := f.movable(e.Key), f.urlOf(e.Node)
	switch {
	case s == nil || url == "":
	case e.Instance != s.in.id && s.stays() != "": // they need not go
	case s.media == nil || s.door != nil || s.stream != nil || !s.opened.Load():
		f.ended(&cluster.Event{Key: s.seat, Instance: e.Instance, Node: e.Node, Code: earshot.CodeUnavailable})
	default:
		s.send(&protocol.Invite{
			URL: url, Instance: e.Instance, Handoff: handoffText(e.Key), WithinMS: int(f.cfg.Timing.AttachWithin.Milliseconds()),
		})
	}
}

// movable is the session of somebody whom a handoff would bring elsewhere; nil
// where there is none.
func (f *fleet) movable(by cluster.Key) *session {
	for _, in := range f.g.running() {
		if s := in.live.Load().byID[by.Participant]; s != nil && s.seat != (cluster.Key{}) && s.seat != by && !s.over.Load() {
			return s
		}
	}
	return nil
}

// moved lets somebody linger who has gone over: from now on they and others who
// have are carried by the other node alone.
func (f *fleet) moved(e *cluster.Event) {
	if s := f.movable(e.Key); s != nil {
		s.wentTo.Store(&side{e.Node, e.Instance})
		s.in.handOver(s)
	}
}

// handOver notes that s has gone over to another node. Those who live here
// themselves, NPCs, have gone before: the other node has its own.
func (in *Instance) handOver(s *session) {
	s.stopJudging(nil) // by the other node, which hears all they say
	in.policy.Lock()
	defer in.policy.Unlock()
	live := in.live.Load()
	s.over.Store(true)
	for _, other := range live.all {
		if other.resident != nil {
			other.over.Store(true)
		}
		if other != s && other.over.Load() {
			in.part(s, other)
		}
	}
}

// expect notes that somebody may connect by a handoff.
func (f *fleet) expect(e *cluster.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.followers[e.Key] = &follower{instance: e.Instance, from: side{e.Node, e.From}}
}

// unexpect forgets a handoff that has come to nothing, and whoever had connected
// by it.
func (f *fleet) unexpect(e *cluster.Event) {
	f.mu.Lock()
	g := f.followers[e.Key]
	delete(f.followers, e.Key)
	f.mu.Unlock()
	if g != nil && g.session != nil {
		f.g.work.Go(func() { turnAway(g.session) })
	}
}

// turnAway ends a connection by a handoff that has come to nothing: its client
// goes on with the one it has.
func turnAway(s *session) {
	s.end(protocol.ReasonMoved, &protocol.Bye{
		Code: earshot.CodeNotFound, Message: "this handoff came to nothing; go on where you are",
	})
}

// dismiss ends the handoff of a connection that is gone before it was let in.
func (f *fleet) dismiss(s *session) {
	f.mu.Lock()
	delete(f.followers, s.seat)
	f.mu.Unlock()
	f.CallOff(s.seat)
}

// handoffOver is the error for who joins by a handoff that is good for nothing.
func handoffOver() error {
	return earshot.Errorf(earshot.CodeNotFound, "this handoff is over, or another's; go on where you are, or join without one")
}

// redeem implements handoffs.
func (f *fleet) redeem(who earshot.ParticipantID, handoff string) (cluster.Key, earshot.InstanceID, error) {
	key, ok := handoffKey(who, handoff)
	if f == nil || !ok {
		return key, "", handoffOver()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	g := f.followers[key]
	if g == nil || g.used {
		return key, "", handoffOver()
	}
	g.used = true
	return key, g.instance, nil
}

// follow is join for who was invited here from another node or instance. Who they are is
// settled; they are let in when their connection is open.
func (g *Gateway) follow(ctx context.Context, claims *Claims, handoff, offer string, encrypted bool) (*session, string, error) {
	key, id, err := g.handoffs().redeem(claims.Participant(), handoff)
	if err != nil {
		return nil, "", err
	}
	s, answer, err := g.connect(ctx, claims, key, id, offer, encrypted)
	if err != nil {
		g.handoffs().CallOff(key)
		return nil, "", err
	}
	return s, answer, nil
}

func (g *Gateway) connect(ctx context.Context, claims *Claims, key cluster.Key, id earshot.InstanceID, offer string, encrypted bool) (*session, string, error) {
	in, err := g.run(id, worldOf(id))
	if err == nil {
		err = in.mayEncrypt(encrypted)
	}
	if err != nil {
		return nil, "", err
	}
	s := newSession(in, claims, time.Now())
	s.encrypted, s.seat = encrypted, key
	s.arriving.Store(true)
	answer, err := s.offered(ctx, offer)
	if err != nil {
		return nil, "", err
	}
	if !g.handoffs().connected(key, s) { // its time has just run out
		err = earshot.Errorf(earshot.CodeNotFound, "this handoff is over; go on where you are, or join without one")
	} else {
		err = g.addSession(s)
	}
	if err != nil {
		g.refuse(s)
		return nil, "", err
	}
	return s, answer, nil
}

// connected implements handoffs.
func (f *fleet) connected(key cluster.Key, s *session) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	waits := f.followers[key]
	if waits != nil {
		waits.session = s
	}
	return waits != nil
}

// arrive lets in whose connection by a handoff is open: COMMIT.
func (f *fleet) arrive(s *session) {
	ctx, cancel := context.WithTimeout(context.Background(), joinDeadline)
	defer cancel()
	s.leads.Store(f.movable(s.seat))
	defer s.leads.Store(nil)
	e, err := f.Attached(ctx, s.seat)
	f.mu.Lock()
	if follower := f.followers[s.seat]; follower != nil {
		s.cameFrom.Store(&origin{follower.from, time.Now().Add(f.cfg.Timing.Linger)})
	}
	delete(f.followers, s.seat)
	f.mu.Unlock()
	if err != nil {
		turnAway(s)
		return
	}
	s.informed = f.g.commons.fresh()
	s.back = stateOf(&e.Member)
	s.takeOver()
	if err := s.in.enter(s, time.Now()); err != nil {
		_, e := wireError(err)
		s.end(protocol.ReasonMoved, &protocol.Bye{Code: e.Code, Message: e.Message, Reconnect: true})
		f.Leave(s.seat)
		return
	}
	s.withhold()
	s.entered.Store(true)
	s.arriving.Store(false)
	f.g.replaceElsewhere(s)
	f.settle(s)
	s.OnControlOpen()
	s.goOn()
	if s.ending.Load() { // it has gone meanwhile, maybe before it was a member
		s.in.remove(s, protocol.ReasonLeft)
		f.Leave(s.seat)
	}
}

// carry notes what of s goes along in a handoff. in.mu is held.
func (s *session) carry(st *state) {
	st.Ready, st.Beds, st.Binaural = s.ready.Load(), s.beds.Load(), s.ears.mix.Load() != nil
	if granted := s.granted.Load(); granted != nil {
		st.Regranted, st.Granted = true, strings.Join(*granted, " ")
	}
	if len(s.withheld) > 0 {
		var sources []string
		for source := range s.withheld {
			sources = append(sources, string(source))
		}
		slices.Sort(sources)
		st.Withheld = strings.Join(sources, " ")
	}
}

// takeOver puts in force on s what was where it comes from, before it is a member.
func (s *session) takeOver() {
	if s.back == nil {
		return
	}
	s.followed = true
	if s.back.Muted {
		if mic := s.microphone(); mic != nil {
			mic.SetMuted(true)
		}
	}
	if s.back.Regranted {
		granted := strings.Fields(s.back.Granted)
		s.granted.Store(&granted)
	}
}

// withhold does the same with the videos that an administrator took away, when it
// is a member, and before it can publish any.
func (s *session) withhold() {
	if s.back == nil || s.back.Withheld == "" {
		return
	}
	withheld := make(map[protocol.Source]bool)
	for _, source := range strings.Fields(s.back.Withheld) {
		withheld[protocol.Source(source)] = true
	}
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	s.withheld = withheld
}

// goOn does for s what it had asked for where it comes from, so that it hears
// without asking again.
func (s *session) goOn() {
	if s.back == nil {
		return
	}
	if s.back.Binaural {
		_ = s.onSetAudio(&protocol.SetAudio{Mode: protocol.AudioBinaural})
	}
	if s.back.Ready {
		_ = s.onReady(&protocol.Ready{Beds: s.back.Beds})
	}
	s.in.space.Hasten(s.participant)
}

// urlOf is where clients reach a node; empty where it is not known.
func (f *fleet) urlOf(id earshot.NodeID) string {
	for _, n := range f.Nodes() {
		if n.Node == id {
			return n.URL
		}
	}
	return ""
}

// origins are what the page may connect to besides its own server, for its
// Content-Security-Policy: any node, for they come and go while it is open.
func (f *fleet) origins() string {
	if f == nil {
		return ""
	}
	scheme, _, _ := strings.Cut(f.cfg.URL, ":")
	return " " + scheme + ":"
}
