package peer

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/webrtc/v4"
)

// levelURI is the header extension that carries the level of a voice (RFC 6464).
const levelURI = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"

// The payload types of our offers.
const (
	opusPayload = 111
	vp8Payload  = 96
)

// Client makes the PeerConnections of all drivers: the same codecs, header
// extensions, interceptors (RTCP reports), cipher and sockets for every server.
// No packet is asked for again, so that loss shows as loss.
type Client struct {
	api *webrtc.API
}

// NewClient returns a client whose media come from and go to address, one of
// this machine's.
func NewClient(address net.IP) (*Client, error) {
	media := &webrtc.MediaEngine{}
	opus := webrtc.RTPCodecParameters{PayloadType: opusPayload, RTPCodecCapability: webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1"}}
	vp8 := webrtc.RTPCodecParameters{PayloadType: vp8Payload, RTPCodecCapability: webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeVP8, ClockRate: 90000,
		RTCPFeedback: []webrtc.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}, {Type: "ccm", Parameter: "fir"}}}}
	if err := media.RegisterCodec(opus, webrtc.RTPCodecTypeAudio); err != nil {
		return nil, err
	}
	if err := media.RegisterCodec(vp8, webrtc.RTPCodecTypeVideo); err != nil {
		return nil, err
	}
	if err := media.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: levelURI}, webrtc.RTPCodecTypeAudio); err != nil {
		return nil, err
	}
	registry := &interceptor.Registry{}
	receiver, err := report.NewReceiverInterceptor()
	if err != nil {
		return nil, err
	}
	sender, err := report.NewSenderInterceptor()
	if err != nil {
		return nil, err
	}
	registry.Add(receiver)
	registry.Add(sender)
	s := webrtc.SettingEngine{}
	// One cipher for all, which all have: without this each would take its own
	// favourite of those a client offers, and the cheapest would win.
	s.SetSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM)
	// As libwebrtc does; pion would wait for the server's handshake instead.
	if err := s.SetAnsweringDTLSRole(webrtc.DTLSRoleClient); err != nil {
		return nil, err
	}
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	s.SetIncludeLoopbackCandidate(true)
	s.SetIPFilter(func(ip net.IP) bool { return ip.Equal(address) })
	// A generator that is short of CPU must not end connections on top of that.
	s.SetICETimeouts(20*time.Second, 40*time.Second, 2*time.Second)
	return &Client{webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(registry), webrtc.WithSettingEngine(s))}, nil
}

// connection returns a PeerConnection that delivers what it receives to ear,
// nil for none.
func (c *Client) connection(ear *Ear) (*webrtc.PeerConnection, error) {
	pc, err := c.api.NewPeerConnection(webrtc.Configuration{BundlePolicy: webrtc.BundlePolicyMaxBundle})
	if err != nil {
		return nil, err
	}
	pc.OnTrack(func(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
		go func() { // the receiver reports need somebody to read
			buf := make([]byte, 1500)
			for {
				if _, _, err := receiver.Read(buf); err != nil {
					return
				}
			}
		}()
		if ear != nil {
			ear.listen(track)
		}
	})
	return pc, nil
}

// gathered sets the local description and returns it with all candidates.
func gathered(ctx context.Context, pc *webrtc.PeerConnection, d webrtc.SessionDescription) (string, error) {
	done := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(d); err != nil {
		return "", err
	}
	select {
	case <-done:
		return pc.LocalDescription().SDP, nil
	case <-ctx.Done():
		return "", fmt.Errorf("gathering addresses: %w", ctx.Err())
	}
}

// offer makes the offer of pc, with all candidates.
func offer(ctx context.Context, pc *webrtc.PeerConnection) (string, error) {
	d, err := pc.CreateOffer(nil)
	if err != nil {
		return "", err
	}
	return gathered(ctx, pc, d)
}

// answer takes an offer and returns the answer, with all candidates.
func answer(ctx context.Context, pc *webrtc.PeerConnection, offer string) (string, error) {
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return "", err
	}
	d, err := pc.CreateAnswer(nil)
	if err != nil {
		return "", err
	}
	return gathered(ctx, pc, d)
}

// accept takes the answer to our offer.
func accept(pc *webrtc.PeerConnection, answer string) error {
	return pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer})
}

// connected waits until pc is.
func connected(ctx context.Context, pc *webrtc.PeerConnection) error {
	state := make(chan webrtc.PeerConnectionState, 8)
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		select {
		case state <- s:
		default:
		}
	})
	for s := pc.ConnectionState(); s != webrtc.PeerConnectionStateConnected; {
		switch s {
		case webrtc.PeerConnectionStateFailed, webrtc.PeerConnectionStateClosed:
			return fmt.Errorf("the media connection is %v", s)
		}
		select {
		case s = <-state:
		case <-ctx.Done():
			return fmt.Errorf("the media connection is still %v: %w", s, ctx.Err())
		}
	}
	return nil
}
