package sfu

import (
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"earshot"
	"earshot/sfu/egress"
	"earshot/sfu/forward"

	"github.com/pion/webrtc/v4"
)

// ConnectionState is how a session's connection is.
type ConnectionState uint8

// The states. A session begins with none of them.
const (
	Connected   ConnectionState = iota + 1
	Interrupted                 // nothing comes from the client; it may come back or restart ICE
	Closed                      // the end
)

// String returns the state's name.
func (c ConnectionState) String() string {
	return [...]string{"new", "connected", "interrupted", "closed"}[c]
}

// Handler gets what a session receives: one without channels only how its
// connection is. Calls come from goroutines of the sfu and must not block, nor
// wait for Session.Close (Stop is fine). Bytes are good during the call.
// OnControlOpen comes before the first OnControl; after OnConnection(Closed)
// nothing comes.
type Handler interface {
	OnControlOpen()
	OnControl(msg []byte)
	OnPose(datagram []byte)
	OnConnection(ConnectionState)
}

// Errors of sending.
var (
	// ErrSlow means that too many control messages wait for the client.
	ErrSlow = errors.New("sfu: too many control messages are waiting for the client")
	// ErrClosed means that the session has ended.
	ErrClosed = errors.New("sfu: session closed")
	// ErrNoChannels means that the session is not a participant's.
	ErrNoChannels = errors.New("sfu: the session has no data channels")
)

// Session is one participant's connection.
type Session struct {
	// What is touched for each packet of a slot, together.
	sfu   *SFU
	offer atomic.Pointer[offer] // that is in force
	out   outgoing

	id          earshot.SessionID
	participant earshot.ParticipantID
	encrypted   bool // takes and publishes frames that only clients can decode
	handler     Handler
	log         *slog.Logger
	limits      *limits

	pc       *webrtc.PeerConnection
	profile  Profile
	lineup   atomic.Pointer[lineup] // what is published and shown
	arrived  [2]arrivals            // by kind, of what is published
	channels channels
	livekit  *livekit // nil for other profiles

	// negotiating serialises offers and guards the three after it.
	negotiating sync.Mutex
	credentials credentials
	generation  int
	mids        map[*webrtc.RTPTransceiver]string
	adrift      *atomic.Bool // ICE was restarted, and no check has come since

	// mu guards who may be and who is in which slot.
	mu       sync.Mutex
	voice    []*slot
	video    []*slot
	seats    *forward.Slots[*Publication]
	ranked   []forward.Candidate[*Publication] // scratch
	videos   []*Publication                    // in each video slot; nil is empty
	denied   map[earshot.ParticipantID]struct{}
	deaf     deafness
	retired  bool                               // gets nothing any more
	emptied  bool                               // a slot was, and SetVoice and SetVideo did not report it yet
	counters map[earshot.TrackID]*atomic.Uint64 // packets sent of each track

	ranking    []*Publication // of SetVideo, the most important first
	heights    []int          // of each video slot in pixels; 0 is unknown
	demands    []forward.Demand
	demanded   []int // the slot of each of demands
	allocation forward.Allocation
	downlink   downlink
	protection protection
	strays     *strays

	// life guards closing against goroutines that pion starts.
	life    sync.Mutex
	closing bool
	running sync.WaitGroup

	changed  chan struct{} // the connection's state may have changed
	stop     chan struct{}
	stopOnce sync.Once
	done     chan struct{}
}

func newSession(s *SFU, o Offer, parsed *offer) (*Session, error) {
	video := parsed.profile == LiveKit && !o.Dual || // it may come later
		slices.ContainsFunc(parsed.lines, func(l line) bool { return l.role == roleCamera || l.role == roleScreen })
	var handshake *egress.Handshake
	if s.sender != nil {
		handshake = &egress.Handshake{}
	}
	limits := newLimits(s.metrics, len(parsed.lines))
	strays, adrift := &strays{limits: limits}, &atomic.Bool{}
	lane := newLane(s.cfg.Interrupted, strays)
	log := s.log.With("session", string(o.Session))
	pc, err := s.engines.connection(making{
		video: video, channels: parsed.profile.hasChannels(), handshake: handshake, limits: limits, lane: lane,
		choose: func() bool { return adrift.Load() && adrift.Swap(false) }, resume: parsed.profile.resume(),
	}, log)
	if err != nil {
		return nil, err
	}
	session := &Session{
		sfu: s, adrift: adrift, id: o.Session, participant: o.Participant, encrypted: o.Encrypted, handler: o.Handler,
		log:      log,
		limits:   limits,
		pc:       pc,
		profile:  parsed.profile,
		strays:   strays,
		mids:     make(map[*webrtc.RTPTransceiver]string),
		denied:   make(map[earshot.ParticipantID]struct{}),
		counters: make(map[earshot.TrackID]*atomic.Uint64),
		changed:  make(chan struct{}, 1),
		stop:     make(chan struct{}),
		done:     make(chan struct{}),
	}
	session.offer.Store(parsed)
	session.out.sender, session.out.handshake, session.out.door = s.sender, handshake, s.door
	session.out.lane, session.out.lanes = lane, s.lanes
	strays.feedback, lane.hear = session.hears, session.hear
	if err := session.build(); err != nil {
		session.abandon()
		return nil, err
	}
	return session, nil
}

// build creates transceivers and channels before the offer is applied: pion
// then matches them with the media lines in this order.
func (s *Session) build() error {
	s.seats = forward.NewSlots[*Publication](0)
	var added lineup
	offer := s.offer.Load()
	for i := range offer.lines {
		if err := s.addLine(&added, &offer.lines[i]); err != nil {
			return err
		}
	}
	s.extend(&added)
	s.pc.OnTrack(s.onTrack)
	s.pc.OnDataChannel(s.takeChannel)
	s.followPath()
	s.pc.OnConnectionStateChange(func(webrtc.PeerConnectionState) { s.notice() })
	if s.profile != Participant {
		return nil
	}
	return s.openChannels()
}

// addLine adds what a line of an offer publishes or shows to added.
func (s *Session) addLine(added *lineup, l *line) error {
	switch {
	case l.role.publishes():
		t, err := s.pc.AddTransceiverFromKind(webrtc.NewRTPCodecType(l.kind),
			webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
		if err != nil {
			return err
		}
		s.mids[t] = l.mid
		added.publications = append(added.publications, newPublication(s, l))
	case l.role == roleVoice:
		sl, err := s.addSlot(l, forward.Audio, len(s.voice)+len(added.voice))
		if err != nil {
			return err
		}
		added.voice = append(added.voice, sl)
	case l.role == roleVideo:
		sl, err := s.addSlot(l, forward.Video, len(s.video)+len(added.video))
		if err != nil {
			return err
		}
		added.video = append(added.video, sl)
	}
	return nil
}

func (s *Session) addSlot(l *line, kind forward.Kind, index int) (*slot, error) {
	sl := newSlot(s, l.mid, kind, index)
	t, err := s.pc.AddTransceiverFromTrack(sl,
		webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		return nil, err
	}
	s.mids[t] = l.mid
	sl.sender, sl.twccID = t.Sender(), l.extensions[extTWCC]
	sl.closed = s.profile == LiveKit // until its line is named
	if l.mixed || s.offer.Load().mixed {
		sl.descriptorID = l.extensions[extDescriptor]
	}
	return sl, nil
}

func (s *Session) start() {
	for _, sl := range s.slots() {
		s.begin(sl.readRTCP)
	}
	switch s.profile {
	case Participant:
		s.begin(s.channels.writeControl)
	case LiveKit:
		s.begin(s.livekit.data.write)
	}
	go s.run()
}

// begin runs f in a goroutine that Close waits for. It does nothing once the
// session is closing.
func (s *Session) begin(f func()) {
	s.life.Lock()
	defer s.life.Unlock()
	if !s.closing {
		s.running.Go(f)
	}
}

// run calls the handler about the connection until the session ends, and ends it.
func (s *Session) run() {
	connect := time.NewTimer(s.sfu.cfg.Connect)
	defer connect.Stop()
	var last ConnectionState
	expel := s.limits.expel
	for {
		select {
		case <-s.stop:
			s.end()
			return
		case <-s.channels.opened:
			s.handler.OnControlOpen()
			close(s.channels.announced)
			s.channels.opened = nil
		case o := <-expel:
			expel = nil
			s.expel(o)
		case <-connect.C:
			if last == 0 {
				s.Stop()
			}
		case <-s.changed:
			if state := s.state(); state == Closed {
				s.Stop()
			} else if state != 0 && state != last {
				last = state
				if state == Connected {
					s.choosePath()
				}
				s.handler.OnConnection(state)
			}
		}
	}
}

func (s *Session) notice() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// state reads the connection's state anew: pion's callbacks may overtake one
// another.
func (s *Session) state() ConnectionState {
	switch s.pc.ConnectionState() {
	case webrtc.PeerConnectionStateConnected:
		return Connected
	case webrtc.PeerConnectionStateDisconnected:
		return Interrupted
	case webrtc.PeerConnectionStateFailed, webrtc.PeerConnectionStateClosed:
		return Closed
	}
	return 0
}

// end releases everything and reports Closed.
func (s *Session) end() {
	s.life.Lock()
	s.closing = true
	s.life.Unlock()
	s.sfu.remove(s)
	s.Retire()
	if s.profile == Participant {
		s.channels.flush()
	}
	if err := s.pc.GracefulClose(); err != nil {
		s.log.Debug("closing", "error", err)
	}
	s.running.Wait()
	s.endPath()
	s.endUplink()
	s.handler.OnConnection(Closed)
	close(s.done)
}

// abandon closes a session that was never started.
func (s *Session) abandon() {
	if err := s.pc.GracefulClose(); err != nil {
		s.log.Debug("closing", "error", err)
	}
	s.endPath()
}

// Retire ends the session's media at once, both ways and for good: when it
// returns, no packet of its publications is written to anybody, nor one of
// others to it. The data channels go on, for a goodbye. It does not block and
// may be called more than once.
func (s *Session) Retire() {
	s.mu.Lock()
	s.retired = true
	s.mu.Unlock()
	s.releaseAll()
	for _, p := range s.lineup.Load().publications {
		p.close()
	}
	if up := s.uplinked(); up != s {
		up.Retire()
	}
}

// ID returns the session's id.
func (s *Session) ID() earshot.SessionID { return s.id }

// Participant returns whose session it is.
func (s *Session) Participant() earshot.ParticipantID { return s.participant }

// Stop begins to close the session and does not wait. It may be called from a
// Handler and more than once.
func (s *Session) Stop() { s.stopOnce.Do(func() { close(s.stop) }) }

// Done is closed when the session has ended.
func (s *Session) Done() <-chan struct{} { return s.done }

// Close ends the session and waits until all its goroutines have ended.
// Control messages that were sent before get a moment to leave. It may be
// called more than once, but not from a Handler.
func (s *Session) Close() {
	s.Stop()
	<-s.done
}
