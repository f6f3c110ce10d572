package gateway

import (
	"strconv"
	"time"

	"github.com/gofiber/contrib/websocket"

	"earshot"
	"earshot/gateway/livekit"
	"earshot/gateway/livekit/wire"
	"earshot/gateway/protocol"
	"earshot/sfu"
)

const (
	// lkProtocol is the version of LiveKit's signalling that is spoken, and
	// lkVersion the server's whose behaviour its clients may expect.
	lkProtocol = 17
	lkVersion  = "1.10.0"
	// The settings of pings, in seconds.
	lkPingTimeout, lkPingInterval = 15, 5

	// Attributes by which a client says how it wants to be served.
	attributeAudio = "earshot.audio" // tracks (the default) or slots
	attributeSlots = "earshot.slots" // how many
	attributePose  = "earshot.pose"  // where it is, as JSON
	// lkSlots is how many voice slots a client gets that does not say.
	lkSlots = 8
)

// attendLiveKit lets guest in, or back in, and serves the signal connection
// until it ends. An error means they were not let in.
func (g *Gateway) attendLiveKit(conn *websocket.Conn, guest *lkGuest) error {
	if guest.hello.Request.Reconnect {
		return g.resumeLiveKit(conn, guest)
	}
	now := time.Now()
	if err := g.mayJoin(guest.claims.Participant(), now); err != nil {
		return err
	}
	l, err := g.openLiveKit(guest, now)
	if err != nil {
		return err
	}
	if err := g.enter(l.s, now); err != nil {
		return err
	}
	l.s.OnControlOpen() // the first events are now what the join response tells
	socket := newLKSocket(conn)
	join, later := l.joined()
	if !l.attach(socket, &wire.SignalResponse{Join: join}) {
		return nil
	}
	l.deliver(&later)
	l.loop.Go(l.run)
	l.begin()
	l.serve(socket)
	return nil
}

// openLiveKit makes the session of guest, which has no media yet: its client
// offers them once it was told that it is in.
func (g *Gateway) openLiveKit(guest *lkGuest, now time.Time) (*lkLine, error) {
	claims := guest.claims
	pass, err := g.admissible(claims, &asking{instance: guest.instance, openHere: guest.openHere})
	if err != nil {
		return nil, err
	}
	in := pass.in
	if err := in.mayEncrypt(false); err != nil {
		return nil, err
	}
	if err := in.mayReplace(claims); err != nil {
		return nil, err
	}
	s := newSession(in, claims, now)
	s.pass = pass
	l := newLKLine(g, s, guest, now)
	grant := in.granting(guest)
	s.hidden = grant.Hidden
	l.setGrant(&grant)
	attributes := guest.attributes()
	if err := livekit.CheckAbout(guest.metadata(), attributes); err != nil {
		return nil, err
	}
	if l.slots, l.mixed, err = slotsAsked(attributes, guest.hello.V1); err != nil {
		return nil, err
	}
	l.view.Slots, l.view.Mixed = l.slots > 0, l.mixed
	s.about = about{
		identity: guest.token.Identity, metadata: guest.metadata(), attributes: attributes,
		mayUpdate: grant.MayUpdateOwnMetadata(),
	}
	offer := sfu.Offer{
		Profile: sfu.LiveKit, Session: s.id, Participant: s.participant,
		Pinned: l.slots == 0, Dual: !guest.hello.V1, Handler: l,
	}
	offer.PublishAudio, offer.PublishVideo, offer.Subscribe = mediaGrants(&grant)
	s.lined = make(chan struct{})
	defer close(s.lined)
	media, err := g.deps.SFU.Open(offer)
	if err != nil {
		return nil, err
	}
	l.media, s.media, s.line, s.door = media, media, l, l
	return l, nil
}

// metadata is what the client says of itself, or else the token.
func (g *lkGuest) metadata() string {
	if m := g.hello.Request.Metadata; m != "" && g.token.Video.MayUpdateOwnMetadata() {
		return m
	}
	return g.token.Metadata
}

// attributes are those of the token with those of the client, of which it may
// always choose how it wants to be served, and others only where the token
// lets it change what is said of it.
func (g *lkGuest) attributes() map[string]string {
	all := make(map[string]string)
	for k, v := range g.token.Attributes {
		all[k] = v
	}
	for k, v := range g.hello.Request.ParticipantAttributes {
		if g.token.Video.MayUpdateOwnMetadata() || k == attributeAudio || k == attributeSlots || k == attributePose {
			all[k] = v
		}
	}
	return all
}

// slotsAsked returns how many voice slots attributes ask for, 0 for tracks, and
// whether one of them shall carry a binaural mix. Clients of version 0 get slots
// instead: most of them make one channel of what they receive.
func slotsAsked(attributes map[string]string, v1 bool) (slots int, mixed bool, err error) {
	switch mode := attributes[attributeAudio]; mode {
	case "", "tracks":
		return 0, false, nil
	case "slots":
	case "binaural":
		if v1 {
			return 1, true, nil
		}
	default:
		return 0, false, invalid("the attribute %s is %q; use tracks, slots or binaural", attributeAudio, clip(mode))
	}
	text := attributes[attributeSlots]
	if text == "" {
		return lkSlots, false, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > livekit.MaxAudioLines {
		return 0, false, invalid("the attribute %s is %q; it is a number from 1 to %d", attributeSlots, clip(text), livekit.MaxAudioLines)
	}
	return n, false, nil
}

// joined is the join response and what comes after it. It uses up the events
// that tell who is here: the SDKs take those in the response for people who
// were there before, and all others for newcomers.
func (l *lkLine) joined() (*wire.JoinResponse, livekit.Out) {
	join := &wire.JoinResponse{
		Room: l.room(), Participant: l.infoOf(l.s.participant),
		ServerVersion: lkVersion, ServerInfo: lkServer(),
		ICEServers: l.iceServers(), SubscriberPrimary: !l.guest.hello.V1,
		PingTimeout: lkPingTimeout, PingInterval: lkPingInterval, FastPublish: true,
		ClientConfiguration: &wire.ClientConfiguration{ResumeConnection: 2},
		EnabledPublishCodecs: []*wire.Codec{
			{Mime: "audio/opus"}, {Mime: "video/VP8"}, {Mime: "video/H264"}, {Mime: "video/VP9"}, {Mime: "video/AV1"},
		},
	}
	var out, later livekit.Out
	for waiting := true; waiting; {
		select {
		case e := <-l.events:
			l.translate(&e, &out)
		default:
			waiting = false
		}
	}
	for _, r := range out.Signals {
		if r.Update != nil {
			join.OtherParticipants = append(join.OtherParticipants, r.Update.Participants...)
		} else {
			later.Signals = append(later.Signals, r)
		}
	}
	later.Packets = out.Packets
	switch {
	case l.mixed:
		join.OtherParticipants = append(join.OtherParticipants, livekit.MixInfo())
	default:
		for i := range l.slots {
			join.OtherParticipants = append(join.OtherParticipants, livekit.SlotInfo(i, false))
		}
	}
	if l.slots > 0 {
		for i := range livekit.Views {
			join.OtherParticipants = append(join.OtherParticipants, livekit.SlotInfo(i, true))
		}
	}
	return join, later
}

// room describes the instance.
func (l *lkLine) room() *wire.Room {
	in := l.s.in
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.describeRoom()
}

func lkServer() *wire.ServerInfo {
	return &wire.ServerInfo{Version: lkVersion, Protocol: lkProtocol, DebugInfo: "earshot"}
}

func (l *lkLine) iceServers() []*wire.ICEServer {
	list, _ := l.g.iceServers(l.s.claims, time.Now())
	servers := make([]*wire.ICEServer, 0, len(list))
	for _, s := range list {
		servers = append(servers, &wire.ICEServer{URLs: s.URLs, Username: s.Username, Credential: s.Credential})
	}
	return servers
}

// begin does what the client said with its first message.
func (l *lkLine) begin() {
	l.requests.Lock()
	defer l.requests.Unlock()
	now := time.Now()
	if text, ok := l.guest.attributes()[attributePose]; ok {
		if !l.s.isAgent() { // which was put there, and may know nothing of poses
			l.readPoses()
		}
		l.place([]byte(text), now)
	}
	if l.s.can(protocol.GrantSubscribe) {
		if err := l.s.handle(&protocol.Ready{}, now); err != nil {
			l.s.refuse("", err)
		}
	}
	if !l.guest.hello.V1 {
		// Lines come as they are needed: some clients stop one for good that is
		// offered inactive twice.
		var first livekit.Need
		if l.slots > 0 {
			first = livekit.Need{Audio: l.slots, Video: livekit.Views}
		}
		l.offerDown(first, false)
	}
	l.subscribeAllData()
	for _, add := range l.guest.hello.Request.AddTrackRequests {
		l.onAddTrack(add)
	}
	if offer := l.guest.hello.Request.PublisherOffer; offer != nil {
		l.onOffer(offer)
	}
}

// serve handles requests until the socket ends.
func (l *lkLine) serve(socket *lkSocket) {
	socket.read(l.onRequest)
	l.detach(socket, time.Now())
	if l.left.Load() {
		<-l.s.done
	}
}

// resumeLiveKit gives a client whose signal connection broke another one. Its
// session has gone on.
func (g *Gateway) resumeLiveKit(conn *websocket.Conn, guest *lkGuest) error {
	s, err := g.attending(guest.claims, guest.instance)
	if err != nil {
		return err
	}
	if !s.resumes(guest) {
		return errNoResume
	}
	l, socket := s.door, newLKSocket(conn)
	if !l.attach(socket, &wire.SignalResponse{Reconnect: &wire.ReconnectResponse{
		ICEServers: l.iceServers(), ServerInfo: lkServer(),
		ClientConfiguration: &wire.ClientConfiguration{ResumeConnection: 2},
	}}) {
		return nil
	}
	l.requests.Lock()
	if sync := guest.hello.Request.SyncState; sync != nil {
		l.onSyncState(sync)
	}
	if !guest.hello.V1 {
		l.offerDown(livekit.Need{}, true)
	}
	l.requests.Unlock()
	l.serve(socket)
	return nil
}

// errNoResume makes a client join anew.
var errNoResume = earshot.Errorf(earshot.CodeNotFound, "this session has ended; join again")

// refuseLiveKit says why a client is not let in: by the first message, since
// it has its WebSocket already.
func refuseLiveKit(conn *websocket.Conn, err error) {
	leave := &wire.Leave{Reason: wire.ReasonJoinFailure}
	switch earshot.CodeOf(err) {
	case earshot.CodeNotFound:
		leave = &wire.Leave{Reason: wire.ReasonStateMismatch, Action: wire.ActionReconnect, CanReconnect: true}
	case earshot.CodePermissionDenied:
		leave.Reason = wire.ReasonParticipantRemoved
	case earshot.CodeUnavailable, earshot.CodeResourceExhausted:
		leave.Action, leave.CanReconnect = wire.ActionReconnect, true
	}
	_, e := wireError(err)
	deadline := time.Now().Add(socketWrite)
	_ = conn.SetWriteDeadline(deadline)
	_ = conn.WriteMessage(websocket.BinaryMessage, wire.Marshal(&wire.SignalResponse{Leave: leave}))
	text := e.Message
	if len(text) > 120 { // a close frame holds 123 bytes
		text = text[:120]
	}
	_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.ClosePolicyViolation, text), deadline)
}
