package gateway

import (
	"sync"
	"sync/atomic"
	"time"

	"earshot"
	"earshot/gateway/livekit"
	"earshot/gateway/livekit/wire"
	"earshot/gateway/protocol"
	"earshot/sfu"
)

const (
	// lkAway is how long a client may be without its WebSocket: the SDKs try to
	// resume seven times in that time.
	lkAway = 20 * time.Second
	// lkPatience is how long the media may be interrupted while the WebSocket
	// works.
	lkPatience = 60 * time.Second
	// lkHeld bounds the responses that wait for a client that is away.
	lkHeld = 512
	// lkEvents bounds what waits to be translated.
	lkEvents = socketQueue
	// lkTick is how often a line looks after its token and its absence.
	lkTick = time.Second
	// The rate of a client's messages, a second and at once. A client that
	// begins sends a message per ICE candidate.
	lkPerSecond, lkBurst = 50, 300
	// lkSources is how many sources of tracks there are.
	lkSources = int(wire.SourceScreenShareAudio) + 1
	// The rate of packets that are passed on for a client; the sfu bounds their
	// bytes. A file of a megabyte is sent at once in 70 packets.
	lkPacketsPerSecond, lkPacketBurst = 200, 500
)

// lkLine is the line of a participant who comes by LiveKit's protocol: the
// instance's messages go out as LiveKit's, and LiveKit's requests become calls
// of the session, so that every rule about it is the one there is.
//
// The signal connection may break and be resumed; the session, its place and
// its media stay meanwhile. One goroutine (run) translates what the instance
// says, in order; requests are handled by the goroutine that reads the
// WebSocket, one at a time.
type lkLine struct {
	g     *Gateway
	s     *session
	media *sfu.Session
	guest *lkGuest
	grant atomic.Pointer[livekit.VideoGrant] // what the client may do; replaced, never changed
	slots int                                // voice slots of virtual participants; 0: plain tracks
	mixed bool                               // the one slot carries a binaural mix

	events chan lkEvent
	quit   chan struct{}
	once   sync.Once
	loop   sync.WaitGroup
	view   livekit.View                                     // of run
	around []livekit.Track                                  // within earshot and sight, as nearby said last; of run
	mixAt  time.Time                                        // when a mix was last asked for; of run
	paused map[livekit.Track]bool                           // as the client was told; of run
	grades map[earshot.ParticipantID]wire.ConnectionQuality // likewise

	poses   atomic.Bool // the client reads poses
	control atomic.Bool // and our own messages
	left    atomic.Bool // the client said goodbye
	offered atomic.Bool // and made an offer

	connected atomic.Bool // its media were, once

	owned      atomic.Pointer[[lkSources]livekit.Track] // of pubs, by source
	subscribed lkTaken

	requests   sync.Mutex // one request at a time, also across a resume
	regranting sync.Mutex // one change of grant; taken before in.mu

	// mu guards what follows. It is taken after in.mu, and never held across a
	// call into the instance, into another line or, but to look at what there
	// is, into the sfu.
	mu         sync.Mutex
	socket     *lkSocket // nil while the client is away
	closed     bool
	away       time.Time // since when
	held       [][]byte  // responses for when it is back
	pubs       livekit.Publications
	lines      livekit.Lines
	chosen     map[livekit.Track]bool            // subscribed or not, where the client said so
	carried    map[livekit.Track]earshot.TrackID // what each bound line carries
	seats      map[livekit.Track]int             // the slot of each bound line of video
	heights    map[livekit.Track]int             // pixels, of those the client spoke of
	named      [2]int                            // lines of virtual participants, of voice and of video
	asked      time.Time                         // for more of them
	naming     map[string]string                 // sid by mid of the answer that is being made
	packets    protocol.Limiter                  // of data, to be passed on
	rate       protocol.Limiter                  // of requests
	packet     []byte                            // scratch of SendPose, which only the tick calls
	permits    *lkPermits                        // who may subscribe; nil is everybody
	heard      livekit.Drafts                    // lines of chat that come in pieces
	places     placer
	dataTracks lkDataTracks
	down       lkDown // of version 0
}

// lkEvent is one thing that run does.
type lkEvent struct {
	message []byte                // of the instance
	info    *wire.ParticipantInfo // that changed
	signal  *wire.SignalResponse
	packet  *wire.DataPacket
	lossy   bool
	tracks  []livekit.Track // within earshot and sight, the nearest first
	shown   []lkShown       // with tracks: videos that are
	near    []earshot.ParticipantID
	again   bool // the client chose other tracks
	people  bool // the client begins to read poses
	welcome bool // and our own messages
}

var (
	_ line               = (*lkLine)(nil)
	_ sfu.LiveKitHandler = (*lkLine)(nil)
)

func newLKLine(g *Gateway, s *session, guest *lkGuest, now time.Time) *lkLine {
	l := &lkLine{
		g: g, s: s, guest: guest, away: now,
		events:  make(chan lkEvent, lkEvents),
		quit:    make(chan struct{}),
		pubs:    livekit.Publications{Of: s.participant, Tag: s.trackTag()},
		chosen:  make(map[livekit.Track]bool),
		carried: make(map[livekit.Track]earshot.TrackID),
		seats:   make(map[livekit.Track]int),
		heights: make(map[livekit.Track]int),
		rate:    protocol.NewLimiter(lkPerSecond, lkBurst),
		packets: protocol.NewLimiter(lkPacketsPerSecond, lkPacketBurst),
	}
	l.dataTracks.published = livekit.DataTracks{Of: s.participant, Tag: s.trackTag()}
	l.dataTracks.rate = protocol.NewLimiter(lkDataPerSecond, lkDataBurst)
	l.lines.Once = guest.hello.Once
	l.view = livekit.View{
		You: s.participant, Info: l.infoOf, Level: l.levelOf, Mine: l.mine, Own: func(source wire.TrackSource) string { return l.own(source).SID() },
		Now: func() int64 { return time.Now().UnixMilli() },
	}
	return l
}

// SendControl implements line: a message of the instance to be translated.
func (l *lkLine) SendControl(msg []byte) error { return l.post(lkEvent{message: msg}) }

func (l *lkLine) post(e lkEvent) error {
	select {
	case <-l.quit:
		return errSlow
	default:
	}
	select {
	case l.events <- e:
		return nil
	default:
		return errSlow
	}
}

// SendPose implements line. Poses go to those who read them.
func (l *lkLine) SendPose(datagram []byte) bool {
	if !l.poses.Load() {
		return false
	}
	l.packet = livekit.AppendPosePacket(l.packet[:0], datagram)
	return l.media.SendData(sfu.Lossy, l.packet) == nil
}

// Close implements line.
func (l *lkLine) Close() {
	l.once.Do(func() { close(l.quit) })
	l.loop.Wait()
	if l.media != nil {
		l.media.Close()
	}
	l.mu.Lock()
	socket := l.socket
	l.socket, l.closed = nil, true
	l.mu.Unlock()
	if socket != nil {
		socket.close()
	}
}

// tell queues a response to the client, or keeps it for when it is back. A
// client that is too slow, or away for too much, is let go.
func (l *lkLine) tell(r *wire.SignalResponse) {
	msg := wire.Marshal(r)
	l.mu.Lock()
	ok := true
	if l.socket != nil {
		ok = l.socket.send(msg)
	} else if ok = len(l.held) < lkHeld; ok {
		l.held = append(l.held, msg)
	}
	l.mu.Unlock()
	if !ok && !l.s.ending.Load() {
		l.g.work.Go(func() {
			l.s.end(protocol.ReasonLost, &protocol.Bye{
				Code: earshot.CodeResourceExhausted, Message: "the connection is too slow to follow", Reconnect: true,
			})
		})
	}
}

// attach makes socket the one that the client is reached by; first is told it
// before all that waits. It closes socket and returns false where the session has
// ended meanwhile: nobody would close it any more.
func (l *lkLine) attach(socket *lkSocket, first *wire.SignalResponse) bool {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		socket.close()
		return false
	}
	old := l.socket
	l.socket = socket
	socket.send(wire.Marshal(first))
	for _, msg := range l.held {
		socket.send(msg) // fewer than a queue holds
	}
	l.held = nil
	l.mu.Unlock()
	if old != nil {
		old.close()
	}
	return true
}

// detach notes that socket ended.
func (l *lkLine) detach(socket *lkSocket, now time.Time) {
	l.mu.Lock()
	if l.socket == socket {
		l.socket, l.away = nil, now
	}
	l.mu.Unlock()
	socket.close()
}

// run translates until the line is closed.
func (l *lkLine) run() {
	tick := time.NewTicker(lkTick)
	defer tick.Stop()
	for {
		select {
		case e := <-l.events:
			l.do(&e)
		case now := <-tick.C:
			l.lookAfter(now)
		case <-l.quit:
			for { // the goodbye, if any
				select {
				case e := <-l.events:
					l.do(&e)
				default:
					return
				}
			}
		}
	}
}

func (l *lkLine) do(e *lkEvent) {
	var out livekit.Out
	l.translate(e, &out)
	l.deliver(&out)
}

func (l *lkLine) translate(e *lkEvent, out *livekit.Out) {
	l.view.Control, l.view.Poses = l.control.Load(), l.poses.Load()
	switch {
	case e.message != nil:
		if m, err := protocol.Decode(e.message); err == nil {
			l.view.Take(m, e.message, out)
		}
	case e.info != nil:
		l.view.Refresh(e.info, out)
	case e.again:
		l.want(l.around, time.Now())
	case e.welcome:
		l.view.Welcome(out)
	case e.people:
		l.view.People(out)
	case e.packet != nil && e.lossy:
		_ = l.media.SendData(sfu.Lossy, wire.Marshal(e.packet)) // lossy: it may be dropped
	case e.packet != nil:
		out.Packets = append(out.Packets, e.packet)
	case e.signal != nil:
		out.Signals = append(out.Signals, e.signal)
	default:
		l.around = e.tracks
		l.want(e.tracks, time.Now())
		l.tellStates(e.shown, out)
		l.tellGrades(e.near, out)
	}
}

// deliver sends what was translated. A packet that finds its queue full is
// lost, as the SDKs expect of a client that does not read.
func (l *lkLine) deliver(out *livekit.Out) {
	for _, r := range out.Signals {
		l.tell(r)
	}
	for _, p := range out.Packets {
		_ = l.media.SendData(sfu.Reliable, wire.Marshal(p))
	}
}

// lookAfter ends the session of a client that stays away, and renews the token
// of one that stays.
func (l *lkLine) lookAfter(now time.Time) {
	l.mu.Lock()
	lost := l.socket == nil && now.Sub(l.away) > lkAway
	l.mu.Unlock()
	if lost {
		l.g.work.Go(func() { l.s.end(protocol.ReasonLost, nil) })
		return
	}
	if !l.s.ready.Load() { // nearby does not speak for who hears nobody
		var out livekit.Out
		l.tellGrades(nil, &out)
		l.deliver(&out)
	}
	l.refresh(now)
}

// refresh sends a new token before the old one ends: a LiveKit session lives
// on with its connection, and the client needs a token only to come back. It
// ends all the same a day after it began, as renewals do.
func (l *lkLine) refresh(now time.Time) {
	c := l.s.claims
	life := c.Expires.Sub(c.AuthTime)
	left := time.Unix(l.s.expires.Load(), 0).Sub(now)
	until := now.Add(max(life, time.Minute))
	if last := c.AuthTime.Add(maxSignIn); until.After(last) {
		until = last
	}
	if left > max(life/4, 30*time.Second) || until.Unix() <= l.s.expires.Load() {
		return
	}
	l.renew(until, now)
}

// renew sends a token that is good until then, with what the client may do now.
func (l *lkLine) renew(until, now time.Time) {
	secret, known := l.g.keys.livekitSecret(l.guest.token.Key)
	if !known {
		return
	}
	renewed := *l.guest.token
	renewed.NotBefore, renewed.Expires, renewed.Video, renewed.Name = now, until, *l.grant.Load(), l.s.called()
	token, err := livekit.Sign(renewed.Key, secret, renewed, now)
	if err != nil {
		return // the session then ends with the token
	}
	l.s.expires.Store(until.Unix())
	l.tell(&wire.SignalResponse{RefreshToken: &token})
}

// infoOf describes a participant, nil for one who is not here.
func (l *lkLine) infoOf(id earshot.ParticipantID) *wire.ParticipantInfo {
	in := l.s.in
	in.mu.Lock()
	defer in.mu.Unlock()
	s := in.members[id]
	if s == nil {
		return nil
	}
	return s.info()
}

// levelOf is how loud a participant is: 0 to 1, from -127 to 0 dBov.
func (l *lkLine) levelOf(id earshot.ParticipantID) float32 {
	s := l.s.in.live.Load().byID[id]
	if s == nil {
		return 0
	}
	mic := s.microphone()
	if mic == nil {
		return 0
	}
	level, _ := mic.Level(time.Now())
	return max(0, 1+float32(level)/-silentDBov)
}

// mine takes down what was done to a track of the client's own.
func (l *lkLine) mine(source wire.TrackSource, muted bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pubs.SetMuted(source, muted)
}

// own returns the track that the client publishes of a source, or announced; it
// takes no lock.
func (l *lkLine) own(source wire.TrackSource) livekit.Track {
	if all := l.owned.Load(); all != nil && source >= 0 && int(source) < len(all) {
		return all[source]
	}
	return livekit.Track{}
}

// noteOwn makes own match pubs. mu is held.
func (l *lkLine) noteOwn() {
	all := new([lkSources]livekit.Track)
	for source := range all {
		all[source], _ = l.pubs.Track(wire.TrackSource(source))
	}
	l.owned.Store(all)
}

// tracks describes what the client publishes.
func (l *lkLine) tracks() []*wire.TrackInfo {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pubs.Infos()
}

// participantChanged, roomChanged and data are what the RoomService has the
// line tell its client. They only queue.
func (l *lkLine) participantChanged(info *wire.ParticipantInfo) { _ = l.post(lkEvent{info: info}) }

func (l *lkLine) roomChanged(room *wire.Room) {
	_ = l.post(lkEvent{signal: &wire.SignalResponse{RoomUpdate: &wire.RoomUpdate{Room: room}}})
}

func (l *lkLine) data(packet *wire.DataPacket, reliable bool) {
	_ = l.post(lkEvent{packet: packet, lossy: !reliable})
}
