package sfu

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"log/slog"
	"math/big"
	"time"

	"earshot/sfu/egress"
	"earshot/sfu/forward"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/sdp/v3"
	"github.com/pion/stun/v4"
	"github.com/pion/transport/v4/stdnet"
	"github.com/pion/webrtc/v4"
)

// levelURI is the header extension of RFC 6464.
const levelURI = sdp.AudioLevelURI

// minCwnd is the least congestion window of the data channels, in bytes.
// Below it one lost packet holds poses up for over a second.
const minCwnd = 65536

// maxRTO is the longest wait before a data channel sends again, as in browsers.
// Without it, 60 s, a client back from a cut of 6 s waits up to 8 s more for the
// first message.
const maxRTO = time.Second

// engines are pion's factories, made once. A session that publishes no video
// gets one without the goroutines that video needs.
type engines struct {
	setting      webrtc.SettingEngine
	voice, video engine
	certificate  webrtc.Certificate
	interrupted  time.Duration // of the configuration
}

// engine is what makes connections of one kind.
type engine struct {
	media *webrtc.MediaEngine
	chain *interceptor.Registry
}

// making is what a connection is made with.
type making struct {
	video, channels bool
	handshake       *egress.Handshake
	limits          *limits
	lane            *lane
	choose          func() bool
	resume          time.Duration // of silence before ICE gives up; 0 is that of the configuration
}

// connection makes a connection within limits; of its handshake m sees the
// keys, unless it is nil; lane has the buffers of what comes. One without
// channels ends with its DTLS association: nothing else of it tells at once that
// the client is gone. Of each valid ICE check choose decides whether its pair is
// taken, though the client did not nominate it.
func (e *engines) connection(m making, log *slog.Logger) (*webrtc.PeerConnection, error) {
	kind, setting := e.voice, e.setting
	setting.DisableCloseByDTLS(m.channels)
	setting.BufferFactory = m.lane.buffer
	setting.LoggerFactory = newSessionLogs(log, m.limits)
	if m.resume > 0 {
		setting.SetICETimeouts(e.interrupted, m.resume, e.interrupted/2)
	}
	setting.SetICEBindingRequestHandler(func(check *stun.Message, local, remote ice.Candidate, pair *ice.CandidatePair) bool {
		m.limits.checked(check, local, remote, pair)
		return m.choose()
	})
	if m.video {
		kind = e.video
	}
	if m.handshake != nil {
		setting = watch(setting, m.handshake)
	}
	api := webrtc.NewAPI(webrtc.WithSettingEngine(setting), webrtc.WithMediaEngine(kind.media),
		webrtc.WithInterceptorRegistry(kind.chain))
	return api.NewPeerConnection(webrtc.Configuration{
		Certificates: []webrtc.Certificate{e.certificate},
		BundlePolicy: webrtc.BundlePolicyMaxBundle,
	})
}

func newEngines(cfg Config, deps Deps, mux ice.UDPMux, tcp ice.TCPMux) (*engines, error) {
	setting, err := newSetting(cfg, deps, mux, tcp)
	if err != nil {
		return nil, err
	}
	certificate, err := newCertificate(time.Now())
	if err != nil {
		return nil, err
	}
	voice, err := newEngine(false)
	if err != nil {
		return nil, err
	}
	video, err := newEngine(true)
	if err != nil {
		return nil, err
	}
	return &engines{setting: setting, voice: voice, video: video, certificate: certificate, interrupted: cfg.Interrupted}, nil
}

func newSetting(cfg Config, deps Deps, mux ice.UDPMux, tcp ice.TCPMux) (webrtc.SettingEngine, error) {
	s := webrtc.SettingEngine{LoggerFactory: pionLogs{deps.Log}}
	s.SetLite(true)
	s.SetICEUDPMux(mux)
	networks := []webrtc.NetworkType{webrtc.NetworkTypeUDP4}
	if tcp != nil {
		s.SetICETCPMux(tcp)
		networks = append(networks, webrtc.NetworkTypeTCP4)
	}
	s.SetNetworkTypes(networks)
	s.DisableActiveTCP(true) // the server calls nobody
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetIncludeLoopbackCandidate(cfg.Loopback)
	s.SetICETimeouts(cfg.Interrupted, cfg.Resume, cfg.Interrupted/2)
	s.SetSCTPMinCwnd(minCwnd)
	s.SetSCTPRTOMax(maxRTO)
	s.SetFireOnTrackBeforeFirstRTP(true)
	s.DetachDataChannels() // see receive
	// pion would close by itself, without waiting for anything. The session
	// notices by its control channel and closes gracefully.
	s.DisableCloseByDTLS(true)
	network := deps.Net
	if network == nil {
		// One look at the machine's addresses, as the sockets had theirs: pion would
		// take another for each connection.
		own, err := stdnet.NewNet()
		if err != nil {
			return s, err
		}
		network = own
	}
	s.SetNet(network)
	if err := s.SetAnsweringDTLSRole(webrtc.DTLSRoleServer); err != nil {
		return s, err
	}
	if len(cfg.PublicIPs) > 0 {
		return s, s.SetICEAddressRewriteRules(webrtc.ICEAddressRewriteRule{
			External:        cfg.PublicIPs,
			AsCandidateType: webrtc.ICECandidateTypeHost,
			Mode:            webrtc.ICEAddressRewriteReplace,
		})
	}
	return s, nil
}

func newEngine(video bool) (engine, error) {
	media, chain := &webrtc.MediaEngine{}, &interceptor.Registry{}
	if err := registerCodecs(media); err != nil {
		return engine{}, err
	}
	reports, err := report.NewReceiverInterceptor()
	if err != nil {
		return engine{}, err
	}
	chain.Add(reports)
	if video {
		nacks, err := nack.NewGeneratorInterceptor()
		if err != nil {
			return engine{}, err
		}
		feedback, err := twcc.NewSenderInterceptor()
		if err != nil {
			return engine{}, err
		}
		chain.Add(nacks)
		chain.Add(feedback)
	}
	return engine{media: media, chain: chain}, nil
}

func registerCodecs(m *webrtc.MediaEngine) error {
	repair := []webrtc.RTCPFeedback{
		{Type: "transport-cc"}, {Type: "ccm", Parameter: "fir"}, {Type: "nack"}, {Type: "nack", Parameter: "pli"},
	}
	for _, c := range []struct {
		kind  webrtc.RTPCodecType
		codec webrtc.RTPCodecParameters
	}{
		{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecParameters{
			PayloadType: 111,
			RTPCodecCapability: webrtc.RTPCodecCapability{
				MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2,
				SDPFmtpLine: opusFormat,
			},
		}},
		{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecParameters{
			PayloadType: 96,
			RTPCodecCapability: webrtc.RTPCodecCapability{
				MimeType: webrtc.MimeTypeVP8, ClockRate: 90000, RTCPFeedback: repair,
			},
		}},
		{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecParameters{
			PayloadType: 102,
			RTPCodecCapability: webrtc.RTPCodecCapability{
				MimeType: webrtc.MimeTypeH264, ClockRate: 90000, RTCPFeedback: repair,
				SDPFmtpLine: h264Format,
			},
		}},
		{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecParameters{
			PayloadType: 98,
			RTPCodecCapability: webrtc.RTPCodecCapability{
				MimeType: webrtc.MimeTypeVP9, ClockRate: 90000, RTCPFeedback: repair, SDPFmtpLine: vp9Format,
			},
		}},
		{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecParameters{
			PayloadType: 45,
			RTPCodecCapability: webrtc.RTPCodecCapability{
				MimeType: webrtc.MimeTypeAV1, ClockRate: 90000, RTCPFeedback: repair, SDPFmtpLine: av1Format,
			},
		}},
	} {
		if err := m.RegisterCodec(c.codec, c.kind); err != nil {
			return err
		}
	}
	if err := registerRepairs(m, 111, 96, 102, 98, 45); err != nil {
		return err
	}
	for _, e := range []struct {
		uri  string
		kind webrtc.RTPCodecType
	}{
		{levelURI, webrtc.RTPCodecTypeAudio},
		{sdp.SDESMidURI, webrtc.RTPCodecTypeAudio},
		{sdp.SDESMidURI, webrtc.RTPCodecTypeVideo},
		{sdp.TransportCCURI, webrtc.RTPCodecTypeVideo},
		{sdp.SDESRTPStreamIDURI, webrtc.RTPCodecTypeVideo},
		{sdp.SDESRepairRTPStreamIDURI, webrtc.RTPCodecTypeVideo},
		{forward.DependencyURI, webrtc.RTPCodecTypeVideo},
	} {
		if err := m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: e.uri}, e.kind); err != nil {
			return err
		}
	}
	return nil
}

// newCertificate returns the certificate that all sessions share. Clients
// check its fingerprint from the answer, not its dates; pion's own lasts a
// month and would stop a server that runs for longer.
func newCertificate(now time.Time) (webrtc.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return webrtc.Certificate{}, fmt.Errorf("sfu: certificate key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 128))
	if err != nil {
		return webrtc.Certificate{}, fmt.Errorf("sfu: certificate serial: %w", err)
	}
	certificate, err := webrtc.NewCertificate(key, x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "earshot"},
		NotBefore:    now.AddDate(0, 0, -1),
		NotAfter:     now.AddDate(10, 0, 0),
	})
	if err != nil {
		return webrtc.Certificate{}, fmt.Errorf("sfu: certificate: %w", err)
	}
	return *certificate, nil
}
