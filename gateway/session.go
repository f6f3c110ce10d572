package gateway

import (
	"sync"
	"sync/atomic"
	"time"

	"earshot"
	"earshot/gateway/desk"
	"earshot/gateway/livekit/wire"
	"earshot/gateway/protocol"
	"earshot/presence/cluster"
	"earshot/sfu"
	"earshot/spatialaudio/zone"
)

const (
	// resumeWindow is how long a broken connection may take to come back.
	resumeWindow = 10 * time.Second
	// connectWindow is how long a newcomer may take to open the control channel.
	connectWindow = 15 * time.Second
	// tokenGrace is how long a session outlives its token.
	tokenGrace = 30 * time.Second
)

// line is what a session is reached by: an sfu.Session, or a WebSocket.
type line interface {
	// SendControl queues a message; it fails when the queue is full.
	SendControl(msg []byte) error
	// SendPose sends a datagram, or drops it and reports false.
	SendPose(datagram []byte) bool
	// Close ends the line and waits for its goroutines.
	Close()
}

// patient is a line on which a message costs less that may wait a moment for
// others. Messages keep their order.
type patient interface {
	SendControlSoon(msg []byte) error
}

// session is one connection of a participant. Its methods are called by the
// goroutines of the line and of the instance; none of them blocks.
type session struct {
	id          earshot.SessionID
	participant earshot.ParticipantID
	claims      *Claims
	name        atomic.Pointer[string] // as others see it
	in          *Instance
	line        line
	lined       chan struct{} // closed when line is set, or never will be; nil: it is from the start
	media       *sfu.Session  // the same as line, or nil without media
	resident    *resident     // the same as line, or nil for those with a client
	ghost       *ghost        // the same as line, or nil for those who are on this node
	stream      *stream       // the same as line, or nil for those who do not come by WHIP
	encrypted   bool          // its media, end to end
	hidden      bool          // nobody is told of it
	door        *lkLine       // the same as line, or nil for those who do not come by LiveKit's protocol
	created     time.Time

	pass pass        // by which it came
	seat cluster.Key // in the directory of all nodes, if there is one
	back *back       // where they were on a node that is gone, or that they come from; nil: nowhere

	arriving atomic.Bool             // by a handoff, and not admitted yet
	over     atomic.Bool             // they have gone over to another node, or instance; see handed
	leads    atomic.Pointer[session] // while arriving: the connection they come from, if that is to this node
	follows  atomic.Bool             // the same, to the same instance: nobody is told that they left
	followed bool                    // they came so
	informed bool                    // what moderation decided on other nodes was known when they came
	wentTo   atomic.Pointer[side]    // of one who has gone over
	cameFrom atomic.Pointer[origin]  // of one who has come over

	granted     atomic.Pointer[[]string] // in place of the token's grants, once they were changed
	expires     atomic.Int64             // of the token, Unix seconds
	interrupted atomic.Int64             // since when the connection is broken, Unix ns; 0 while it works
	opened      atomic.Bool              // the control channel is open and welcome was sent
	ready       atomic.Bool              // the participant asked for voices and poses
	beds        atomic.Bool              // its voice slots may have beds
	watching    atomic.Bool              // the participant asked for statistics
	forgetting  atomic.Bool              // the NPCs are being told to
	busy        atomic.Bool              // with a report, an appeal or an act
	entered     atomic.Bool              // it is a member, and has a seat where there are any
	ending      atomic.Bool
	zoned       atomic.Uint64 // zone.Mask: see within
	done        chan struct{} // closed when the line is

	alternates atomic.Pointer[[]string] // as it was told; nil: not yet

	ears ears

	mu       sync.Mutex  // guards the limiters and what follows
	judged   []overheard // voices that moderation hears
	lines    []written   // wait to be judged, the first is being
	messages protocol.Limiter
	chats    protocol.Limiter
	poses    protocol.Limiter
	patches  protocol.Limiter

	// The instance's mu guards these.
	index                            uint16
	person                           desk.PersonID // set on entering
	muted, moderated, camera, screen bool
	hushed                           bool // it may not speak where it stands
	sounding                         bool // its screen has sound, and it wants that heard
	standIn                          wish
	sanctions                        sanctions
	withheld                         map[protocol.Source]bool // videos that an administrator took away
	about                            about
	published                        []*wire.TrackInfo        // as webhooks were told
	announced                        map[wire.TrackSource]int // tracks that they know of from another node

	// Only the instance's tick touches these.
	speaking []earshot.ParticipantID // those near who talk, as it was told
	layers   [2]layers               // of its camera and screen
	graded   graded
	voice    level
	spoken   spoken
	asked    []desk.PersonID // whom it would hear one by one
	planned  uint64          // the plan of beds by which it was last told of its slots
	spot     zone.Spot
	placed   placed
	told     []told // in its voice slots and then its video slots; nil before the first message
}

// microphone is nil where there is none.
func (s *session) microphone() *sfu.Publication {
	switch {
	case s.resident != nil:
		return s.resident.source.Publication()
	case s.media != nil:
		return s.media.Microphone()
	case s.ghost != nil:
		return s.ghost.publication(sfu.SourceMicrophone)
	}
	return nil
}

// deny opens or closes the way of media from other to s.
func (s *session) deny(other earshot.ParticipantID, on bool) {
	switch {
	case s.resident != nil:
		s.resident.deny(other, on)
	case s.media != nil:
		s.media.Deny(other, on)
		if l := s.ears.mix.Load(); l != nil {
			l.Deny(other, on || s.walled(other))
		}
		s.denyBeds(other, on)
	}
}

func newSession(in *Instance, claims *Claims, now time.Time) *session {
	s := &session{
		id: earshot.NewSessionID(), participant: claims.Participant(), claims: claims, in: in,
		created:  now,
		done:     make(chan struct{}),
		messages: protocol.NewLimiter(protocol.ControlPerSecond, protocol.ControlBurst),
		chats:    protocol.NewLimiter(protocol.ChatPerSecond, protocol.ChatBurst),
		poses:    protocol.NewLimiter(protocol.PosePerSecond, protocol.PoseBurst),
		patches:  protocol.NewLimiter(protocol.PatchPerSecond, protocol.PatchBurst),
	}
	s.name.Store(&claims.Name)
	s.expires.Store(claims.Expires.Unix())
	return s
}

var _ sfu.Handler = (*session)(nil)

// OnControlOpen is called when messages can be sent: the participant is in.
func (s *session) OnControlOpen() {
	if s.arriving.Load() {
		s.in.g.work.Go(func() { s.in.g.handoffs().arrive(s) })
		return
	}
	s.in.admit(s)
	s.in.remind(s)
	s.answerNow()
}

// OnConnection follows the state of the connection.
func (s *session) OnConnection(state sfu.ConnectionState) {
	switch state {
	case sfu.Connected:
		s.interrupted.Store(0)
		if s.stream != nil {
			s.stream.begin()
		}
	case sfu.Interrupted:
		s.interrupted.CompareAndSwap(0, time.Now().UnixNano())
	case sfu.Closed:
		reason := protocol.ReasonLost
		if s.stream != nil && s.interrupted.Load() == 0 {
			reason = protocol.ReasonLeft // it closed the connection while that worked
		}
		s.end(reason, nil)
	}
}

// OnPose takes a pose datagram of the participant.
func (s *session) OnPose(datagram []byte) {
	if s.ending.Load() {
		return
	}
	now := time.Now()
	result := "taken"
	if !s.claims.Can(protocol.GrantPublishPose) || len(datagram) > protocol.MaxPoseBytes ||
		!s.allow(&s.poses, now) || s.in.space.PoseUp(s.participant, datagram, now) != nil {
		result = "dropped"
	}
	s.in.g.metrics.poses.WithLabelValues(result).Inc()
	if result == "dropped" && s.drowning() {
		s.end(protocol.ReasonKicked, &protocol.Bye{
			Code: earshot.CodeResourceExhausted, Message: "you were removed because your client went on sending too many poses",
		})
	}
}

// OnControl takes a message of the participant.
func (s *session) OnControl(data []byte) {
	if s.ending.Load() || s.arriving.Load() { // kicked, say: the line stays open only until bye has travelled
		s.in.g.metrics.refused.WithLabelValues(string(earshot.CodeCanceled)).Inc()
		return
	}
	now := time.Now()
	if !s.allow(&s.messages, now) {
		s.refuse("", earshot.Errorf(earshot.CodeResourceExhausted, "more than %d messages a second; this one was dropped", protocol.ControlPerSecond))
		if s.hammering() {
			s.end(protocol.ReasonKicked, &protocol.Bye{
				Code: earshot.CodeResourceExhausted, Message: "too many messages for too long",
			})
		}
		return
	}
	msg, ref, err := protocol.Parse(data)
	if err == nil {
		err = s.handle(msg, now)
	}
	if err != nil {
		s.refuse(ref, err)
		return
	}
	s.in.g.metrics.messages.WithLabelValues(protocol.TypeOf(msg)).Inc()
}

func (s *session) handle(msg protocol.ClientMessage, now time.Time) error {
	switch m := msg.(type) {
	case *protocol.Ready:
		return s.onReady(m)
	case *protocol.Ping:
		s.send(&protocol.Pong{T: m.T, ServerTime: s.in.g.serverTime(now), Alternates: s.news()})
		return nil
	case *protocol.Mute:
		s.in.mute(s, m.Muted)
		return nil
	case *protocol.Publish:
		return s.onPublish(m)
	case *protocol.SendChat:
		return s.onChat(m, now)
	case *protocol.Block:
		return s.onBlock(m)
	case *protocol.Gain:
		return s.onGain(m)
	case *protocol.Renew:
		return s.onRenew(now)
	case *protocol.Watch:
		s.watching.Store(m.Stats)
		return nil
	case *protocol.SetAudio:
		return s.onSetAudio(m)
	case *protocol.SetPoses:
		s.in.space.SetPoseRate(s.participant, float64(m.Bitrate)/8)
		return nil
	case *protocol.View:
		return s.onView(m)
	case *protocol.Moderate:
		return s.onModerate(m, now)
	case *protocol.StandIn:
		if err := s.in.mayLeaveWord(m.Text); err != nil {
			return err
		}
		return s.onStandIn(m)
	case *protocol.Forget:
		return s.onForget()
	case *protocol.Report:
		return s.onReport(m)
	case *protocol.Appeal:
		return s.onAppeal(m)
	case *protocol.Leave:
		s.leave()
		return nil
	default:
		return invalid("%q has no place here; it is the first message of a WebSocket", protocol.TypeOf(msg))
	}
}

func (s *session) onReady(m *protocol.Ready) error {
	if !s.can(protocol.GrantSubscribe) {
		return missing(protocol.GrantSubscribe)
	}
	for _, other := range m.Blocks {
		if err := s.in.block(s, other, true); err != nil {
			return err
		}
		s.in.g.blocked(s, other, true)
	}
	s.in.g.lookout.blocked(s.participant, m.Blocks)
	s.beds.Store(m.Beds)
	if s.hidden {
		s.in.space.Watch(s.participant)
	} else {
		s.in.space.Ready(s.participant)
	}
	if !s.ready.Swap(true) {
		s.in.beyond.show(s)
	}
	return nil
}

func (s *session) onPublish(m *protocol.Publish) error {
	if !s.can(protocol.GrantPublishVideo) {
		return missing(protocol.GrantPublishVideo)
	}
	return s.in.publish(s, m.Source, m.Active)
}

func (s *session) onBlock(m *protocol.Block) error {
	if err := s.in.block(s, m.Participant, m.Blocked); err != nil {
		return err
	}
	s.in.g.blocked(s, m.Participant, m.Blocked)
	if m.Blocked {
		s.in.g.lookout.blocked(s.participant, []earshot.ParticipantID{m.Participant})
	}
	s.send(&protocol.Blocked{Participant: m.Participant, Blocked: m.Blocked})
	return nil
}

func (s *session) onGain(m *protocol.Gain) error {
	s.in.policy.Lock()
	defer s.in.policy.Unlock()
	if err := s.in.space.SetGain(s.participant, m.Participant, m.GainDB); err != nil {
		return err
	}
	s.denyBeds(m.Participant, false)
	s.send(&protocol.Gained{Participant: m.Participant, GainDB: m.GainDB})
	return nil
}

func (s *session) onRenew(now time.Time) error {
	claims := *s.claims
	claims.Expires = time.Unix(s.expires.Load(), 0)
	claims.IssuedAt = claims.Expires.Add(s.claims.IssuedAt.Sub(s.claims.Expires)) // the same life again
	token, expires, err := s.in.g.keys.Renew(&claims, now)
	if err != nil {
		return err
	}
	s.expires.Store(expires.Unix())
	s.send(&protocol.Token{Token: token, Expires: expires.UTC().Format(time.RFC3339)})
	return nil
}

func (s *session) onModerate(m *protocol.Moderate, now time.Time) error {
	if !s.claims.Can(protocol.GrantModerate) {
		return missing(protocol.GrantModerate)
	}
	if s.in.g.pipeline != nil {
		return s.onRecordedModerate(m)
	}
	return s.in.moderate(m, now)
}

// leave ends the session as its owner wishes.
func (s *session) leave() {
	s.end(protocol.ReasonLeft, &protocol.Bye{Code: earshot.CodeCanceled, Message: "you left", Reconnect: true})
}

// send queues a message. A line too slow to take it is closed: its owner would
// otherwise go on with a wrong picture of the world.
func (s *session) send(msg protocol.ServerMessage) { s.sendBytes(protocol.Encode(msg)) }

func (s *session) sendBytes(data []byte) { s.sent(s.line.SendControl(data)) }

// sendSoon is sendBytes for what is not urgent.
func (s *session) sendSoon(data []byte) {
	if l, ok := s.line.(patient); ok {
		s.sent(l.SendControlSoon(data))
		return
	}
	s.sendBytes(data)
}

// sent looks at what became of a message.
func (s *session) sent(err error) {
	if err == nil || s.ending.Load() {
		return
	}
	s.in.g.work.Go(func() {
		s.end(protocol.ReasonLost, &protocol.Bye{
			Code: earshot.CodeResourceExhausted, Message: "the connection is too slow to follow", Reconnect: true,
		})
	})
}

// refuse tells the participant what was wrong with a message.
func (s *session) refuse(ref string, err error) {
	_, e := wireError(err)
	if e.Code == earshot.CodeInternal {
		s.in.g.log.Error("control message failed", "session", s.id, "error", err)
	}
	s.in.g.metrics.refused.WithLabelValues(string(e.Code)).Inc()
	s.send(&protocol.Error{Code: e.Code, Message: e.Message, Ref: ref})
}

// end takes the participant out of the instance at once and closes the line
// when bye, if any, had time to travel. It may be called from anywhere, often;
// the first call counts.
func (s *session) end(reason string, bye *protocol.Bye) {
	if !s.ending.CompareAndSwap(false, true) {
		return
	}
	if s.ghost != nil {
		s.ghost.leave(reason, bye)
		return
	}
	at, _ := s.in.space.Pose(s.participant)
	s.in.remove(s, reason)
	s.deafen() // one who was no member yet, too
	s.in.g.leaves(s)
	if reason == protocol.ReasonLost && s.resident == nil && !s.over.Load() {
		s.in.g.work.Go(func() { s.in.substitute(s, at) })
	}
	s.in.g.metrics.left.WithLabelValues(reason).Inc()
	s.in.g.work.Go(func() {
		defer close(s.done)
		if s.lined != nil { // the sfu may end it before whoever opened it has it
			<-s.lined
		}
		if s.line == nil {
			return // it never came to be
		}
		if bye != nil && s.line.SendControl(protocol.Encode(bye)) == nil {
			time.Sleep(farewell)
		}
		s.line.Close()
		s.stopJudging(nil)
		s.in.g.dropSession(s)
		s.in.unwall(s.participant)
	})
}

// overdue says whether the session must end now, and how.
func (s *session) overdue(now time.Time) (reason string, bye *protocol.Bye) {
	if at := s.interrupted.Load(); at != 0 && now.UnixNano()-at > int64(s.patience()) {
		return protocol.ReasonLost, nil
	}
	if !s.opened.Load() && now.Sub(s.created) > connectWindow {
		return protocol.ReasonLost, nil
	}
	if now.Unix() > s.expires.Load()+int64(tokenGrace/time.Second) {
		return protocol.ReasonExpired, &protocol.Bye{
			Code: earshot.CodeUnauthenticated, Message: "the token expired; renew it in time, or join with a new one", Reconnect: true,
		}
	}
	return "", nil
}

// patience is how long a broken connection may take to come back. A LiveKit
// client learns of it from its browser alone, which takes up to half a minute;
// whether it is still there its signal connection says.
func (s *session) patience() time.Duration {
	if s.door != nil {
		return lkPatience
	}
	return resumeWindow
}

func (s *session) allow(l *protocol.Limiter, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return l.Allow(now)
}

// hammering reports whether the participant kept sending messages although
// they were refused for their rate.
func (s *session) hammering() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.messages.Dropped() > protocol.MaxDropped
}

func missing(grant string) error {
	return earshot.Errorf(earshot.CodePermissionDenied, "the token does not grant %s; ask for one that does", grant)
}
