package loadtest

import (
	"context"
	"errors"
	"fmt"
	"sync"

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
	cfg   Config
	door  door
	pc    *webrtc.PeerConnection
	voice *voice // nil unless Config.Speak
	ears  *ears

	control, poseUp, poseDown *webrtc.DataChannel

	restarting sync.Mutex // one offer at a time
	stop       context.CancelFunc
	close      sync.Once
	work       sync.WaitGroup

	mu     sync.Mutex
	closed bool // no goroutine may be added to work
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
	api, err := newAPI(&cfg)
	if err != nil {
		return nil, err
	}
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, err
	}
	b := &Bot{
		View: newView(&cfg), cfg: cfg, pc: pc, ears: newEars(cfg.Now, cfg.KeepVoice),
		door: door{client: cfg.HTTP, base: cfg.URL, token: cfg.Token},
		stop: func() {},
	}
	if err := b.prepare(); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// prepare lays out what the offer will say, in the order of PROTOCOL.md.
func (b *Bot) prepare() error {
	if b.cfg.Speak {
		v, err := newVoice(b.pc, &b.cfg)
		if err != nil {
			return err
		}
		b.voice = v
	}
	for range b.cfg.Slots {
		_, err := b.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio,
			webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
		if err != nil {
			return err
		}
	}
	b.pc.OnTrack(b.onTrack)
	b.pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateFailed || s == webrtc.PeerConnectionStateClosed {
			b.View.end()
		}
	})
	return b.openChannels()
}

// openChannels creates the three data channels. pose-up should not be sent
// again when lost; pion 1.11's sender without retransmits floods the link with
// FORWARD-TSN, so a bot allows one. The setting is the sender's own: nothing
// on the wire tells.
func (b *Bot) openChannels() error {
	once := uint16(1)
	for _, c := range []struct {
		label string
		id    uint16
		into  **webrtc.DataChannel
		retry *uint16
	}{
		{protocol.ChannelControl, protocol.ChannelControlID, &b.control, nil},
		{protocol.ChannelPoseUp, protocol.ChannelPoseUpID, &b.poseUp, &once},
		{protocol.ChannelPoseDown, protocol.ChannelPoseDownID, &b.poseDown, &once},
	} {
		negotiated, ordered := true, c.retry == nil
		dc, err := b.pc.CreateDataChannel(c.label, &webrtc.DataChannelInit{
			ID: &c.id, Negotiated: &negotiated, Ordered: &ordered, MaxRetransmits: c.retry,
		})
		if err != nil {
			return err
		}
		*c.into = dc
	}
	b.control.OnMessage(func(m webrtc.DataChannelMessage) { b.View.control(m.Data) })
	b.control.OnClose(b.View.end)
	b.poseDown.OnMessage(func(m webrtc.DataChannelMessage) { b.View.datagram(m.Data) })
	return nil
}

// connect joins. The microphone sends as soon as there is a connection, as a
// browser's does; poses begin with ready.
func (b *Bot) connect(ctx context.Context) error {
	if err := b.exchange(ctx, nil, b.door.join); err != nil {
		return fmt.Errorf("join: %w", err)
	}
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	b.stop = stop
	if b.voice != nil {
		b.start(func() { b.voice.run(run) })
		b.start(b.voice.drain)
	}
	if err := b.Await(ctx, func() bool { return b.Welcome() != nil }); err != nil {
		return fmt.Errorf("welcome: %w", err)
	}
	if err := b.Send(&protocol.Ready{Blocks: b.cfg.Blocks}); err != nil {
		return fmt.Errorf("ready: %w", err)
	}
	if b.cfg.PoseEvery > 0 {
		b.start(func() { b.sendPoses(run) })
	}
	return nil
}

// exchange makes an offer, sends it by one HTTP request and takes the answer.
func (b *Bot) exchange(ctx context.Context, o *webrtc.OfferOptions,
	send func(context.Context, string) (string, error)) error {
	offer, err := b.pc.CreateOffer(o)
	if err != nil {
		return err
	}
	if err := b.pc.SetLocalDescription(offer); err != nil {
		return err
	}
	answer, err := send(ctx, offer.SDP)
	if err != nil {
		return err
	}
	return b.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer})
}

// Restart restarts ICE by PATCH, as a client does whose address changed.
func (b *Bot) Restart(ctx context.Context) error {
	b.restarting.Lock()
	defer b.restarting.Unlock()
	if err := b.exchange(ctx, &webrtc.OfferOptions{ICERestart: true}, b.door.restart); err != nil {
		return fmt.Errorf("restart: %w", err)
	}
	return nil
}

// Send sends a control message. The microphone goes on sending under
// protocol.Mute: that nothing of it arrives is for the server to see to.
func (b *Bot) Send(m protocol.ClientMessage) error {
	return b.control.SendText(string(protocol.EncodeClient(m, "")))
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
		b.stop()
		b.mu.Lock()
		b.closed = true
		b.mu.Unlock()
		err = b.pc.GracefulClose()
		b.work.Wait()
		b.View.end()
	})
	return err
}

// start runs f in a goroutine that Close waits for. After Close it does
// nothing: pion may still report a track then.
func (b *Bot) start(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.work.Go(f)
	}
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
func (b *Bot) State() webrtc.PeerConnectionState { return b.pc.ConnectionState() }

// Session returns the session's id, empty before Welcome.
func (b *Bot) Session() earshot.SessionID {
	if w := b.Welcome(); w != nil {
		return w.Session
	}
	return ""
}
