package peer

import (
	"context"
	"errors"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"
)

// Janus joins rooms of a Janus server over its WebSocket: VideoRoom, which
// forwards, and for Mixed AudioBridge, which mixes.
type Janus struct {
	URL    string // ws or wss
	Client *Client
}

var _ Driver = (*Janus)(nil)

const (
	videoRoom   = "janus.plugin.videoroom"
	audioBridge = "janus.plugin.audiobridge"
	janusRoom   = 4711 // Janus names rooms by number
	maxJanus    = 1 << 20
)

// Open implements Driver. The name is the room's description.
func (j *Janus) Open(ctx context.Context, name string, media Media) (Room, error) {
	r := &janusRoomOf{server: j, media: media, plugin: videoRoom}
	create := map[string]any{"request": "create", "room": janusRoom, "description": name, "permanent": false,
		"publishers": 1000, "audiocodec": "opus", "videocodec": "vp8", "bitrate": 0, "notify_joining": false}
	if media == Mixed {
		r.plugin = audioBridge
		create = map[string]any{"request": "create", "room": janusRoom, "description": name, "permanent": false, "sampling_rate": 48000}
	}
	var err error
	if r.admin, err = j.attach(ctx, r.plugin); err != nil {
		return nil, err
	}
	if _, err := r.admin.plugin(ctx, create, nil); err != nil {
		return nil, errors.Join(err, r.admin.Close())
	}
	return r, nil
}

// janusRoomOf is a room of either plugin.
type janusRoomOf struct {
	server *Janus
	media  Media
	plugin string
	admin  *janusHandle

	mu    sync.Mutex
	feeds []uint64 // of those who publish
}

// Close implements Room.
func (r *janusRoomOf) Close() error { return r.admin.Close() }

// Publish implements Room.
func (r *janusRoomOf) Publish(ctx context.Context, n int) (*Sender, error) {
	h, err := r.server.attach(ctx, r.plugin)
	if err != nil {
		return nil, err
	}
	pc, err := r.server.Client.connection(nil)
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	all := closers{pc, h}
	sender, err := r.publish(ctx, h, pc, "talker-"+strconv.Itoa(n))
	if err != nil {
		return nil, errors.Join(err, all.Close())
	}
	sender.end = all
	return sender, nil
}

func (r *janusRoomOf) publish(ctx context.Context, h *janusHandle, pc *webrtc.PeerConnection, name string) (*Sender, error) {
	join := map[string]any{"request": "join", "room": janusRoom, "display": name}
	configure := map[string]any{"request": "configure", "muted": false}
	if r.media != Mixed {
		join["ptype"] = "publisher"
		configure = map[string]any{"request": "publish", "audio": r.media == Audio, "video": r.media == Video}
	}
	joined, err := h.plugin(ctx, join, nil)
	if err != nil {
		return nil, err
	}
	sender, err := newSender(pc, r.media, name)
	if err != nil {
		return nil, err
	}
	if err := h.negotiate(ctx, pc, configure); err != nil {
		return nil, err
	}
	sender.begin()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.feeds = append(r.feeds, joined.Plugin.Data.ID)
	return sender, nil
}

// Subscribe implements Room.
func (r *janusRoomOf) Subscribe(ctx context.Context, n, streams int, ear *Ear) (io.Closer, error) {
	h, err := r.server.attach(ctx, r.plugin)
	if err != nil {
		return nil, err
	}
	pc, err := r.server.Client.connection(ear)
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	all := closers{pc, h}
	if r.media == Mixed {
		err = r.listen(ctx, h, pc, "listener-"+strconv.Itoa(n))
	} else {
		err = r.subscribe(ctx, h, pc, streams)
	}
	if err == nil {
		err = connected(ctx, pc)
	}
	if err != nil {
		return nil, errors.Join(err, all.Close())
	}
	return all, nil
}

// subscribe has streams of that many publishers in one connection.
func (r *janusRoomOf) subscribe(ctx context.Context, h *janusHandle, pc *webrtc.PeerConnection, streams int) error {
	r.mu.Lock()
	var feeds []map[string]any
	for _, id := range r.feeds[:min(streams, len(r.feeds))] {
		feeds = append(feeds, map[string]any{"feed": id})
	}
	r.mu.Unlock()
	join := map[string]any{"request": "join", "ptype": "subscriber", "room": janusRoom, "streams": feeds}
	offered, err := h.plugin(ctx, join, nil)
	for err != nil && noSuchFeed(err) { // it takes Janus a moment after its answer
		select {
		case <-ctx.Done():
			return err
		case <-time.After(50 * time.Millisecond):
			offered, err = h.plugin(ctx, join, nil)
		}
	}
	if err != nil {
		return err
	}
	if offered.JSEP == nil {
		return errors.New("peer: Janus did not offer the streams")
	}
	sdp, err := answer(ctx, pc, offered.JSEP.SDP)
	if err != nil {
		return err
	}
	_, err = h.plugin(ctx, map[string]any{"request": "start"}, &jsep{"answer", sdp})
	return err
}

// listen joins a mixed room without a voice.
func (r *janusRoomOf) listen(ctx context.Context, h *janusHandle, pc *webrtc.PeerConnection, name string) error {
	if _, err := h.plugin(ctx, map[string]any{"request": "join", "room": janusRoom, "display": name, "muted": true}, nil); err != nil {
		return err
	}
	if _, err := newSender(pc, Mixed, name); err != nil {
		return err
	}
	return h.negotiate(ctx, pc, map[string]any{"request": "configure", "muted": true})
}

// negotiate has our offer answered and waits for the connection.
func (h *janusHandle) negotiate(ctx context.Context, pc *webrtc.PeerConnection, body map[string]any) error {
	sdp, err := offer(ctx, pc)
	if err != nil {
		return err
	}
	reply, err := h.plugin(ctx, body, &jsep{"offer", sdp})
	if err != nil {
		return err
	}
	if reply.JSEP == nil {
		return errors.New("peer: Janus did not answer the offer")
	}
	if err := accept(pc, reply.JSEP.SDP); err != nil {
		return err
	}
	return connected(ctx, pc)
}
