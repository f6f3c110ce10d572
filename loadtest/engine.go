package loadtest

import (
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/webrtc/v4"
)

// levelURI is the header extension that carries the level of a voice
// (RFC 6464).
const levelURI = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"

const opusPayload = 111

// minWindow keeps SCTP sending poses after a loss: pion's window would fall
// to one packet a round trip.
const minWindow = 64 << 10

// newAPI returns a pion API that speaks what a bot needs and no more: Opus
// with levels, VP8 and H.264.
func newAPI(cfg *Config, m *meters) (*webrtc.API, error) {
	media := &webrtc.MediaEngine{}
	opus := webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2,
		SDPFmtpLine: "minptime=10;useinbandfec=1",
	}
	if cfg.NACK {
		opus.RTCPFeedback = []webrtc.RTCPFeedback{{Type: "nack"}}
	}
	params := webrtc.RTPCodecParameters{RTPCodecCapability: opus, PayloadType: opusPayload}
	if err := media.RegisterCodec(params, webrtc.RTPCodecTypeAudio); err != nil {
		return nil, err
	}
	for codec, pt := range map[string]webrtc.PayloadType{codecVP8: vp8Payload, codecH264: h264Payload} {
		params := webrtc.RTPCodecParameters{RTPCodecCapability: videoCapability(codec), PayloadType: pt}
		if err := media.RegisterCodec(params, webrtc.RTPCodecTypeVideo); err != nil {
			return nil, err
		}
	}
	level := webrtc.RTPHeaderExtensionCapability{URI: levelURI}
	if err := media.RegisterHeaderExtension(level, webrtc.RTPCodecTypeAudio); err != nil {
		return nil, err
	}
	registry, err := newInterceptors(cfg)
	if err != nil {
		return nil, err
	}
	settings, err := newSettings(cfg, m)
	if err != nil {
		return nil, err
	}
	return webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(registry),
		webrtc.WithSettingEngine(settings)), nil
}

func newSettings(cfg *Config, m *meters) (webrtc.SettingEngine, error) {
	s := webrtc.SettingEngine{LoggerFactory: silent{}}
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	s.SetIncludeLoopbackCandidate(true)
	s.SetSCTPMinCwnd(minWindow)
	s.SetSCTPRTOMax(time.Second) // as browsers have it: what waits goes on soon after a cut
	// pion would close by itself, and wait for a timer with a lock held that its
	// other goroutines want. The control channel says as well that it is over.
	s.DisableCloseByDTLS(true)
	network, err := metered(cfg.Net, m)
	if err != nil {
		return s, err
	}
	s.SetNet(network)
	return s, nil
}

// newInterceptors adds RTCP reports, and repair where the bot asks for it.
func newInterceptors(cfg *Config) (*interceptor.Registry, error) {
	registry := &interceptor.Registry{}
	receiver, err := report.NewReceiverInterceptor()
	if err != nil {
		return nil, err
	}
	sender, err := report.NewSenderInterceptor()
	if err != nil {
		return nil, err
	}
	responder, err := nack.NewResponderInterceptor()
	if err != nil {
		return nil, err
	}
	registry.Add(receiver)
	registry.Add(sender)
	registry.Add(responder)
	if !cfg.NACK && cfg.VideoSlots == 0 {
		return registry, nil
	}
	generator, err := nack.NewGeneratorInterceptor()
	if err != nil {
		return nil, err
	}
	registry.Add(generator)
	return registry, nil
}
