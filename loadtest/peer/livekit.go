package peer

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/golang-jwt/jwt/v5"
	"github.com/pion/webrtc/v4"
)

// livekitProtocol is the version of LiveKit's protocol that we speak: two
// connections, the one for receiving offered by the server.
const livekitProtocol = 15

// LiveKit joins rooms of a LiveKit server, or of one that speaks its protocol.
type LiveKit struct {
	URL         string // http, https, ws or wss
	Key, Secret string
	Client      *Client
	Room        string            // the room of everything; "" is a room for each name
	Attributes  map[string]string // of every participant
	Single      bool              // one connection, as SDKs of 2026 do; else two
}

var _ Driver = (*LiveKit)(nil)

// Open implements Driver. LiveKit makes a room when the first one joins.
func (l *LiveKit) Open(_ context.Context, name string, media Media) (Room, error) {
	if media == Mixed {
		return nil, errors.New("peer: LiveKit does not mix")
	}
	return &livekitRoom{l, cmp.Or(l.Room, name), media}, nil
}

type livekitRoom struct {
	server *LiveKit
	name   string
	media  Media
}

// Close implements Room.
func (r *livekitRoom) Close() error { return nil }

// Publish implements Room.
func (r *livekitRoom) Publish(ctx context.Context, n int) (*Sender, error) {
	id := "talker-" + strconv.Itoa(n)
	s, err := r.join(ctx, id, false, nil)
	if err != nil {
		return nil, err
	}
	sender, err := r.publish(ctx, s, id)
	if err != nil {
		s.Close()
		return nil, err
	}
	return sender, nil
}

func (r *livekitRoom) publish(ctx context.Context, s *livekitSession, id string) (*Sender, error) {
	sender, err := newSender(s.up, r.media, id)
	if err != nil {
		return nil, err
	}
	track := addTrack{CID: id, Name: id}
	if r.media == Video {
		track.Video, track.Width, track.Height = true, videoWidth, videoHeight
	}
	if err := s.send(encodeAddTrack(track)); err != nil {
		return nil, err
	}
	if err := s.await(ctx, "to take the track", s.published); err != nil {
		return nil, err
	}
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	if err := connected(ctx, s.up); err != nil {
		return nil, err
	}
	sender.begin()
	sender.end = s
	return sender, nil
}

// Subscribe implements Room. The server subscribes those who ask for it to
// everything, so that streams are what is published by then.
func (r *livekitRoom) Subscribe(ctx context.Context, n, _ int, ear *Ear) (io.Closer, error) {
	s, err := r.join(ctx, "listener-"+strconv.Itoa(n), true, ear)
	if err != nil {
		return nil, err
	}
	if err := r.subscribe(ctx, s); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (r *livekitRoom) subscribe(ctx context.Context, s *livekitSession) error {
	if r.server.Single {
		if err := s.begin(ctx); err != nil {
			return err
		}
		return connected(ctx, s.up)
	}
	if err := s.await(ctx, "to offer the connection for receiving", s.offered); err != nil {
		return err
	}
	return connected(ctx, s.down)
}

// token is a JWT as LiveKit wants it.
func (l *LiveKit) token(room, identity string, now time.Time) (string, error) {
	claims := jwt.MapClaims{
		"iss": l.Key, "sub": identity, "nbf": now.Add(-time.Minute).Unix(), "exp": now.Add(time.Hour).Unix(),
		"attributes": l.Attributes,
		"video":      map[string]any{"roomJoin": true, "room": room, "canPublish": true, "canSubscribe": true, "canPublishData": true},
	}
	return jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(l.Secret))
}

// join opens the signalling and returns when the server has let us in.
func (r *livekitRoom) join(ctx context.Context, identity string, subscribe bool, ear *Ear) (*livekitSession, error) {
	token, err := r.server.token(r.name, identity, time.Now())
	if err != nil {
		return nil, err
	}
	base, err := url.Parse(r.server.URL)
	if err != nil {
		return nil, err
	}
	base.Scheme = strings.Replace(base.Scheme, "http", "ws", 1)
	base = base.JoinPath("rtc")
	auto := "0"
	if subscribe {
		auto = "1"
	}
	base.RawQuery = url.Values{"access_token": {token}, "auto_subscribe": {auto}, "sdk": {"go"}, "version": {"2.0.0"},
		"protocol": {strconv.Itoa(livekitProtocol)}, "adaptive_stream": {"0"}}.Encode()
	if r.server.Single {
		singleURL(base, token, subscribe)
	}
	conn, _, err := (&websocket.Dialer{}).DialContext(ctx, base.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("LiveKit's signalling: %w", err)
	}
	conn.SetReadLimit(maxSignal)
	s, err := newLivekitSession(r.server, conn, ear)
	if err != nil {
		conn.Close()
		return nil, err
	}
	if err := s.await(ctx, "to let us in", s.joined); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// livekitSession is one participant.
type livekitSession struct {
	conn     *websocket.Conn
	up, down *webrtc.PeerConnection // the same where there is one

	joined, published, answered, offered chan struct{} // closed once it happened
	ended                                chan struct{} // closed when reading ended, after err is set
	err                                  error

	writing sync.Mutex
	waiting map[*webrtc.PeerConnection][]webrtc.ICECandidateInit // until there is a description; reader only
	stop    context.CancelFunc
	work    sync.WaitGroup
	close   sync.Once

	want sections // lines to be offered yet; reader only
}

func newLivekitSession(server *LiveKit, conn *websocket.Conn, ear *Ear) (*livekitSession, error) {
	down, err := server.Client.connection(ear)
	if err != nil {
		return nil, err
	}
	up := down
	if server.Single {
		err = openLivekitChannels(up)
	} else {
		up, err = server.Client.connection(nil)
	}
	if err != nil {
		return nil, errors.Join(err, down.Close())
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &livekitSession{
		conn: conn, up: up, down: down, stop: stop,
		joined: make(chan struct{}), published: make(chan struct{}), answered: make(chan struct{}),
		offered: make(chan struct{}), ended: make(chan struct{}),
		waiting: map[*webrtc.PeerConnection][]webrtc.ICECandidateInit{},
	}
	s.work.Go(func() { s.read(ctx) })
	s.work.Go(func() { s.ping(ctx) })
	return s, nil
}

// begin makes the first offer and waits for its answer.
func (s *livekitSession) begin(ctx context.Context) error {
	sdp, err := offer(ctx, s.up)
	if err != nil {
		return err
	}
	if err := s.send(encodeSession(requestOffer, "offer", sdp)); err != nil {
		return err
	}
	return s.await(ctx, "to answer the offer", s.answered)
}

// await waits until the server did what is said in words.
func (s *livekitSession) await(ctx context.Context, what string, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-s.ended:
		return fmt.Errorf("waiting for LiveKit %s: %w", what, s.err)
	case <-ctx.Done():
		return fmt.Errorf("waiting for LiveKit %s: %w", what, ctx.Err())
	}
}

func (s *livekitSession) send(b []byte) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.conn.WriteMessage(websocket.BinaryMessage, b)
}

// Close leaves.
func (s *livekitSession) Close() error {
	var err error
	s.close.Do(func() {
		_ = s.send(encodeLeave()) // the connection may be gone
		s.stop()
		err = errors.Join(s.up.Close(), s.down.Close(), s.conn.Close())
		s.work.Wait()
	})
	return err
}

// pingEvery is shorter than what LiveKit asks for (5 s, gone after 15).
const pingEvery = 4 * time.Second

func (s *livekitSession) ping(ctx context.Context) {
	ticker := time.NewTicker(pingEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			if s.send(encodePing(now.UnixMilli())) != nil {
				return
			}
		}
	}
}

func (s *livekitSession) read(ctx context.Context) {
	defer close(s.ended)
	for {
		_, data, err := s.conn.ReadMessage()
		if err != nil {
			s.err = err
			return
		}
		m, err := decodeSignal(data)
		if err == nil {
			err = s.handle(ctx, m)
		}
		if err != nil {
			s.err = err
			return
		}
	}
}

func (s *livekitSession) handle(ctx context.Context, m *signal) error {
	switch {
	case m.Join != nil:
		once(s.joined)
	case m.Offer != "":
		return s.take(ctx, m.Offer)
	case m.Answer != "":
		if err := accept(s.up, m.Answer); err != nil {
			return err
		}
		once(s.answered)
		if err := s.release(s.up); err != nil {
			return err
		}
		return s.extend(ctx)
	case m.Sections != nil:
		s.want.Audios, s.want.Videos = min(s.want.Audios+m.Sections.Audios, maxSections), min(s.want.Videos+m.Sections.Videos, maxSections)
		return s.extend(ctx)
	case m.Trickle != nil:
		return s.candidate(m.Trickle)
	case m.Published != "":
		once(s.published)
	case m.Leave != nil:
		return fmt.Errorf("LiveKit says leave, reason %d", m.Leave.Reason)
	}
	return nil
}

// take answers an offer of the connection for receiving.
func (s *livekitSession) take(ctx context.Context, offer string) error {
	sdp, err := answer(ctx, s.down, offer)
	if err != nil {
		return err
	}
	if err := s.send(encodeSession(requestAnswer, "answer", sdp)); err != nil {
		return err
	}
	once(s.offered)
	return s.release(s.down)
}

// candidate adds one of the server's, or keeps it until its description is there.
func (s *livekitSession) candidate(t *trickle) error {
	var c webrtc.ICECandidateInit
	if err := json.Unmarshal([]byte(t.Candidate), &c); err != nil {
		return fmt.Errorf("a candidate of LiveKit: %w", err)
	}
	pc := s.up
	if t.Subscriber {
		pc = s.down
	}
	s.waiting[pc] = append(s.waiting[pc], c)
	return s.release(pc)
}

func (s *livekitSession) release(pc *webrtc.PeerConnection) error {
	if pc.RemoteDescription() == nil {
		return nil
	}
	for _, c := range s.waiting[pc] {
		if err := pc.AddICECandidate(c); err != nil {
			return err
		}
	}
	s.waiting[pc] = nil
	return nil
}

// once closes c unless it is closed; by one goroutine.
func once(c chan struct{}) {
	select {
	case <-c:
	default:
		close(c)
	}
}
