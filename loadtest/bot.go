package loadtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"earshot"
	"earshot/gateway/protocol"
)

// maxBuffered is how many bytes of poses may wait in SCTP before new ones are
// dropped: an old pose is worth nothing.
const maxBuffered = 16 << 10

// Bot is a participant over WebRTC: it joins by one POST, says it is ready,
// and then walks and talks until it leaves.
type Bot struct {
	*View
	cfg    Config
	door   door
	link   link
	host   *Host // its own, or nil
	lane   *lane
	beats  []*beat
	voice  *voice    // nil unless Config.Speak
	due    time.Time // of the next frame
	camera *camera   // nil unless Config.Video
	ears   *ears
	eyes   *eyes
	meters meters
	course course

	restarting sync.Mutex // one offer at a time
	close      sync.Once
}

// Join brings a bot into the instance its token names. It returns when the
// server said welcome and was told that the bot is ready; ctx bounds that and
// nothing after it. A refused join is an *earshot.Error. The caller has to
// Close the bot.
func Join(ctx context.Context, cfg Config) (*Bot, error) {
	cfg.fill()
	b, err := newBot(cfg)
	if err != nil {
		return nil, err
	}
	if err := b.connect(ctx); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

func newBot(cfg Config) (*Bot, error) {
	b := &Bot{
		View: newView(&cfg), cfg: cfg, ears: newEars(&cfg), eyes: newEyes(&cfg),
		door: door{client: cfg.HTTP, base: cfg.URL, token: cfg.Token, instance: cfg.Instance, handoff: cfg.Handoff, wait: cfg.Wait, waiting: cfg.Waiting},
	}
	b.reach(begun)
	if err := b.equip(); err != nil {
		return nil, err
	}
	if cfg.Speak {
		b.voice = newVoice(&b.cfg, b.link.speak)
	}
	if cfg.Video != nil {
		b.camera = newCamera(&b.cfg, b.link.show)
	}
	return b, nil
}

// equip gives the bot its lane and its link.
func (b *Bot) equip() error {
	host := b.cfg.Host
	if host == nil {
		own, err := NewHost(1)
		if err != nil {
			return err
		}
		b.host, host = own, own
	}
	b.lane = host.lane()
	switch b.cfg.Path {
	case PathLean:
		b.link = newLeanLink(&b.cfg, botSink{b}, &b.meters, host, b.lane)
		return nil
	case PathPion:
		link, err := newPionLink(&b.cfg, botSink{b}, &b.meters)
		b.link = link
		if err != nil && b.host != nil {
			b.host.Close()
		}
		return err
	}
	return fmt.Errorf("loadtest: path %q: use %q or %q", b.cfg.Path, PathLean, PathPion)
}

// connect joins. The microphone sends as soon as there is a connection, as a
// browser's does; poses begin with ready.
func (b *Bot) connect(ctx context.Context) error {
	if err := b.link.connect(ctx, b.door.join); err != nil {
		return fmt.Errorf("join: %w", err)
	}
	now := b.cfg.Now()
	if b.voice != nil {
		// Bots that joined together must not all send in the same millisecond.
		b.due = now.Truncate(laneStep).Add(time.Duration(1+b.cfg.Number%20) * time.Millisecond)
		b.beats = append(b.beats, b.lane.every(b.due, b.talk))
	}
	if err := b.Await(ctx, func() bool { return b.Welcome() != nil }); err != nil {
		return fmt.Errorf("welcome: %w", err)
	}
	b.reach(welcomed)
	if b.cfg.Mixed {
		if err := b.Send(&protocol.SetAudio{Mode: protocol.AudioBinaural}); err != nil {
			return fmt.Errorf("audio: %w", err)
		}
	}
	if b.cfg.PoseBitrate != 0 {
		if err := b.Send(&protocol.SetPoses{Bitrate: max(b.cfg.PoseBitrate, 0)}); err != nil {
			return fmt.Errorf("poses: %w", err)
		}
	}
	if err := b.Send(&protocol.Ready{Blocks: b.cfg.Blocks, Beds: b.cfg.Beds}); err != nil {
		return fmt.Errorf("ready: %w", err)
	}
	if err := b.show(now); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	if b.cfg.PoseEvery > 0 {
		b.beats = append(b.beats, b.lane.every(now, b.posing(now)))
	}
	return nil
}

// show starts the camera. Its frames are spread over time among bots.
func (b *Bot) show(now time.Time) error {
	if b.camera == nil {
		return nil
	}
	if err := b.Send(&protocol.Publish{Source: protocol.SourceCamera, Active: true}); err != nil {
		return err
	}
	due := now.Add(time.Duration(b.cfg.Number%33) * time.Millisecond)
	b.beats = append(b.beats, b.lane.every(due, func(now time.Time) time.Time {
		b.camera.frame(now)
		for due = due.Add(b.camera.every); !due.After(now); {
			due = due.Add(b.camera.every)
		}
		return due
	}))
	return nil
}

// posing returns what sends a pose every interval from due on. Poses that are
// late are left out: only the newest counts.
func (b *Bot) posing(due time.Time) func(now time.Time) time.Time {
	p := newPosture(&b.cfg)
	return func(now time.Time) time.Time {
		b.link.pose(p.next(now))
		for due = due.Add(b.cfg.PoseEvery); !due.After(now); {
			due = due.Add(b.cfg.PoseEvery)
		}
		return due
	}
}

// talk speaks the frames that are due.
func (b *Bot) talk(now time.Time) time.Time {
	for ; !b.due.After(now); b.due = b.due.Add(FrameDuration) {
		b.voice.frame(b.due, now)
	}
	return b.due
}

// Restart restarts ICE by PATCH, as a client does whose address changed.
func (b *Bot) Restart(ctx context.Context) error {
	b.restarting.Lock()
	defer b.restarting.Unlock()
	if err := b.link.restart(ctx, b.door.restart); err != nil {
		return fmt.Errorf("restart: %w", err)
	}
	return nil
}

// Send sends a control message. The microphone goes on sending under
// protocol.Mute: that nothing of it arrives is for the server to see to.
func (b *Bot) Send(m protocol.ClientMessage) error {
	return b.link.control(protocol.EncodeClient(m, ""))
}

// Leave ends the session by DELETE and closes the bot.
func (b *Bot) Leave(ctx context.Context) error {
	return errors.Join(b.door.leave(ctx), b.Close())
}

// Close drops the connection without a word to the session URL, and returns
// when all goroutines of the bot have ended. It may be called again.
func (b *Bot) Close() error {
	var err error
	b.close.Do(func() {
		for _, beat := range b.beats {
			b.lane.cease(beat)
		}
		err = b.link.close()
		b.View.end()
		if b.host != nil {
			b.host.Close()
		}
	})
	return err
}

// Voice returns the log of received voice packets, in order of arrival, and
// how many did not fit into Config.KeepVoice.
func (b *Bot) Voice() (log []Received, dropped int) { return b.ears.log() }

// Heard returns how many voice packets came of each bot, by number. Comfort
// noise does not say whose it is and is not counted.
func (b *Bot) Heard() map[uint32]int { return b.ears.byBot() }

// Spoken returns how many voice packets the bot sent, comfort noise not counted.
func (b *Bot) Spoken() int {
	if b.voice == nil {
		return 0
	}
	return int(b.voice.sent.Load())
}

// State returns the state of the connection.
func (b *Bot) State() webrtc.PeerConnectionState { return b.link.state() }

// JoinTimes returns how long the phases of joining took.
func (b *Bot) JoinTimes() JoinTimes { return b.course.times() }

// Traffic returns what the bot's sockets carried so far.
func (b *Bot) Traffic() Traffic { return Traffic{Up: b.meters.up.read(), Down: b.meters.down.read()} }

// Session returns the session's id, empty before Welcome.
func (b *Bot) Session() earshot.SessionID {
	if w := b.Welcome(); w != nil {
		return w.Session
	}
	return ""
}

func (b *Bot) reach(p phase) { b.course.reach(p, b.cfg.Now()) }

// botSink is how a link sees its bot.
type botSink struct{ *Bot }

var _ sink = botSink{}

func (b botSink) heard(slot int, at time.Time, h *rtp.Header, payload []byte) {
	b.ears.take(slot, at, h, payload)
}

func (b botSink) saw(slot int, at time.Time, h *rtp.Header, payload []byte) {
	b.eyes.take(slot, at, h, payload)
}

func (b botSink) wantKey() {
	if b.camera != nil {
		b.camera.wanted.Store(true)
	}
}

func (b botSink) told(at time.Time, text []byte)      { b.View.control(at, text) }
func (b botSink) posed(at time.Time, datagram []byte) { b.View.datagram(at, datagram) }
func (b botSink) gone()                               { b.View.end() }
