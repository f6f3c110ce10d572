package loadtest

import (
	"context"
	"sync"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"earshot/gateway/protocol"
)

// pionLink is a link by pion's PeerConnection.
type pionLink struct {
	cfg    *Config
	sink   sink
	meters *meters
	pc     *webrtc.PeerConnection

	microphone *webrtc.TrackLocalStaticRTP // nil unless Config.Speak
	sender     *webrtc.RTPSender
	camera     *webrtc.TrackLocalStaticRTP // nil unless Config.Video
	showing    *webrtc.RTPSender
	level      uint8 // id of the header extension; 0 is none
	channel    [len(channels)]*webrtc.DataChannel
	open       chan struct{}

	hearing, seeing sync.Mutex // one call of the sink at a time

	mu     sync.Mutex
	closed bool // no goroutine may be added to work
	work   sync.WaitGroup
}

var _ link = (*pionLink)(nil)

func newPionLink(cfg *Config, s sink, m *meters) (*pionLink, error) {
	api, err := newAPI(cfg, m)
	if err != nil {
		return nil, err
	}
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, err
	}
	l := &pionLink{cfg: cfg, sink: s, meters: m, pc: pc, open: make(chan struct{})}
	if err := l.prepare(); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// prepare lays out what the offer will say, in the order of PROTOCOL.md.
func (l *pionLink) prepare() error {
	if l.cfg.Speak {
		if err := l.addMicrophone(); err != nil {
			return err
		}
	}
	if l.cfg.Video != nil {
		if err := l.addCamera(); err != nil {
			return err
		}
	}
	if err := l.addSlots(webrtc.RTPCodecTypeAudio, l.cfg.Slots); err != nil {
		return err
	}
	if err := l.addSlots(webrtc.RTPCodecTypeVideo, l.cfg.VideoSlots); err != nil {
		return err
	}
	l.pc.OnTrack(l.onTrack)
	l.pc.OnICEConnectionStateChange(func(s webrtc.ICEConnectionState) {
		if s == webrtc.ICEConnectionStateConnected {
			l.sink.reach(reachable)
		}
	})
	l.pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		switch s {
		case webrtc.PeerConnectionStateConnected:
			l.sink.reach(agreed)
		case webrtc.PeerConnectionStateFailed, webrtc.PeerConnectionStateClosed:
			l.sink.gone()
		}
	})
	return l.openChannels()
}

func (l *pionLink) addMicrophone() (err error) {
	opus := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}
	l.microphone, l.sender, err = l.addTrack(opus, "microphone")
	return err
}

func (l *pionLink) addCamera() (err error) {
	l.camera, l.showing, err = l.addTrack(videoCapability(l.cfg.Video.Codec), "camera")
	return err
}

// addTrack adds a track that is only sent.
func (l *pionLink) addTrack(codec webrtc.RTPCodecCapability, id string) (*webrtc.TrackLocalStaticRTP, *webrtc.RTPSender, error) {
	track, err := webrtc.NewTrackLocalStaticRTP(codec, id, "bot")
	if err != nil {
		return nil, nil, err
	}
	tr, err := l.pc.AddTransceiverFromTrack(track,
		webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		return nil, nil, err
	}
	return track, tr.Sender(), nil
}

func (l *pionLink) addSlots(kind webrtc.RTPCodecType, n int) error {
	for range n {
		_, err := l.pc.AddTransceiverFromKind(kind,
			webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *pionLink) openChannels() error {
	once := uint16(retries)
	for i, c := range channels {
		negotiated := true
		init := &webrtc.DataChannelInit{ID: &c.id, Negotiated: &negotiated, Ordered: &c.ordered}
		if !c.ordered {
			init.MaxRetransmits = &once
		}
		dc, err := l.pc.CreateDataChannel(c.label, init)
		if err != nil {
			return err
		}
		l.channel[i] = dc
	}
	control := l.channel[protocol.ChannelControlID]
	control.OnOpen(func() {
		l.sink.reach(opened)
		close(l.open)
	})
	control.OnMessage(func(m webrtc.DataChannelMessage) {
		l.meters.down.add(kindControl, len(m.Data))
		l.sink.told(l.cfg.Now(), m.Data)
	})
	control.OnClose(l.sink.gone)
	l.channel[protocol.ChannelPoseDownID].OnMessage(func(m webrtc.DataChannelMessage) {
		l.meters.down.add(kindPose, len(m.Data))
		l.sink.posed(l.cfg.Now(), m.Data)
	})
	return nil
}

func (l *pionLink) connect(ctx context.Context, exchange exchange) error {
	if err := l.negotiate(ctx, nil, exchange); err != nil {
		return err
	}
	l.sink.reach(answered)
	if l.sender != nil {
		for _, e := range l.sender.GetParameters().HeaderExtensions {
			if e.URI == levelURI {
				l.level = uint8(e.ID)
			}
		}
		l.start(func() { l.drain(l.sender) })
	}
	if l.showing != nil {
		l.start(func() { l.drain(l.showing) })
	}
	select {
	case <-l.open:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *pionLink) negotiate(ctx context.Context, o *webrtc.OfferOptions, exchange exchange) error {
	offer, err := l.pc.CreateOffer(o)
	if err != nil {
		return err
	}
	if err := l.pc.SetLocalDescription(offer); err != nil {
		return err
	}
	answer, err := exchange(ctx, offer.SDP)
	if err != nil {
		return err
	}
	return l.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer})
}

func (l *pionLink) restart(ctx context.Context, exchange exchange) error {
	return l.negotiate(ctx, &webrtc.OfferOptions{ICERestart: true}, exchange)
}

func (l *pionLink) control(text []byte) error {
	l.meters.up.add(kindControl, len(text))
	return l.channel[protocol.ChannelControlID].SendText(string(text))
}

func (l *pionLink) pose(datagram []byte) {
	c := l.channel[protocol.ChannelPoseUpID]
	if c.BufferedAmount() < maxBuffered && c.Send(datagram) == nil {
		l.meters.up.add(kindPose, len(datagram))
	}
}

func (l *pionLink) speak(p *rtp.Packet, level byte) error {
	if l.level != 0 {
		p.SetExtension(l.level, []byte{level}) // one byte under an id below 15 always fits
	}
	return l.microphone.WriteRTP(p)
}

func (l *pionLink) show(_ int, p *rtp.Packet) error { return l.camera.WriteRTP(p) }

func (l *pionLink) state() webrtc.PeerConnectionState { return l.pc.ConnectionState() }

func (l *pionLink) close() error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	err := l.pc.GracefulClose()
	l.work.Wait()
	return err
}

// start runs f in a goroutine that close waits for. After that it does
// nothing: pion may still report a track then.
func (l *pionLink) start(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.work.Go(f)
	}
}

// drain reads the RTCP of a sender until it is closed, so that the
// interceptors see it.
func (l *pionLink) drain(sender *webrtc.RTPSender) {
	for {
		packets, _, err := sender.ReadRTCP()
		if err != nil {
			return
		}
		for _, p := range packets {
			switch p.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				l.sink.wantKey()
			}
		}
	}
}

// onTrack reads the slot that track belongs to until the connection closes.
func (l *pionLink) onTrack(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	slot := l.slotOf(receiver)
	l.start(func() {
		buf := make([]byte, 1500)
		for {
			if _, _, err := receiver.Read(buf); err != nil {
				return
			}
		}
	})
	deliver, one := l.sink.heard, &l.hearing
	if track.Kind() == webrtc.RTPCodecTypeVideo {
		deliver, one = l.sink.saw, &l.seeing
	}
	l.start(func() {
		buf := make([]byte, 1500)
		var header rtp.Header
		for {
			n, _, err := track.Read(buf)
			if err != nil {
				return
			}
			at := l.cfg.Now()
			size, err := header.Unmarshal(buf[:n])
			if err != nil {
				continue
			}
			one.Lock()
			deliver(slot, at, &header, buf[size:n-int(header.PaddingSize)])
			one.Unlock()
		}
	})
}

// slotOf returns which slot of its kind a receiver is: its place among the
// receive-only lines.
func (l *pionLink) slotOf(receiver *webrtc.RTPReceiver) int {
	slot := map[webrtc.RTPCodecType]int{}
	for _, t := range l.pc.GetTransceivers() {
		if t.Receiver() == receiver {
			return slot[t.Kind()]
		}
		if t.Direction() == webrtc.RTPTransceiverDirectionRecvonly {
			slot[t.Kind()]++
		}
	}
	return -1
}
