package sfu

import (
	"fmt"
	"strconv"
	"strings"

	"earshot/sfu/forward"

	"github.com/pion/sdp/v3"
)

// role is what a media line of an offer is for.
type role uint8

const (
	roleNone role = iota // not used: inactive, or not granted
	roleMicrophone
	roleCamera
	roleScreen
	roleVoice // a voice slot
	roleVideo // a video slot
	roleChannels
)

// source returns the name that the protocol has for what the line publishes.
func (r role) source() string {
	switch r {
	case roleMicrophone:
		return SourceMicrophone
	case roleCamera:
		return SourceCamera
	case roleScreen:
		return SourceScreen
	}
	return ""
}

func (r role) publishes() bool { return r >= roleMicrophone && r <= roleScreen }

// line is what matters of one media line.
type line struct {
	kind       string // audio, video, application
	mid        string
	role       role
	ssrc       uint32                // first that it declares; 0 for none
	rids       []string              // of simulcast layers, the lowest first; none for one encoding
	pts        [forward.Codecs]uint8 // payload type of each codec; 0 for none
	extensions [extensions]uint8     // ids; 0 for none
	mixed      bool                  // one- and two-byte forms may be mixed: RFC 8285, section 6
	repairs    repairs
	repairSSRC uint32 // of what is sent again of ssrc; 0 for none
	livekit    livekitLine
}

// The header extensions that are negotiated.
const (
	extLevel = iota
	extMID
	extTWCC
	extRID
	extRepairedRID
	extDescriptor
	extensions
)

var extensionURIs = [extensions]string{
	extLevel: levelURI, extMID: sdp.SDESMidURI, extTWCC: sdp.TransportCCURI,
	extRID: sdp.SDESRTPStreamIDURI, extRepairedRID: sdp.SDESRepairRTPStreamIDURI,
	extDescriptor: forward.DependencyURI,
}

func readLine(m *sdp.MediaDescription, profile Profile) (line, error) {
	l := line{kind: m.MediaName.Media}
	l.mid, _ = m.Attribute(sdp.AttrKeyMID)
	_, only := m.Attribute("bundle-only")
	rejected := m.MediaName.Port.Value == 0 && !only
	if rejected && profile == LiveKit {
		return l.reject()
	}
	if !token(l.mid, 32) {
		return l, fmt.Errorf("a=mid is missing or not 1 to 32 letters, digits, - or _")
	}
	if rejected {
		return l, fmt.Errorf("it is rejected (port 0): offer only lines that are in use")
	}
	switch l.kind {
	case "application":
		if strings.Join(m.MediaName.Formats, " ") != "webrtc-datachannel" {
			return l, fmt.Errorf("only data channels (webrtc-datachannel) are supported")
		}
		l.role = roleChannels
		return l, nil
	case "audio", "video":
		return l, l.readMedia(m, profile)
	}
	return l, fmt.Errorf("m=%s is not supported: offer audio, video and application", shorten(l.kind))
}

func (l *line) readMedia(m *sdp.MediaDescription, profile Profile) error {
	if _, mux := m.Attribute("rtcp-mux"); !mux {
		return fmt.Errorf("a=rtcp-mux is missing: offer with rtcpMuxPolicy require")
	}
	publish := roleMicrophone
	receive := roleVoice
	if l.kind == "video" {
		publish, receive = roleCamera, roleVideo
	}
	if profile == LiveKit {
		l.readLiveKit(m)
	}
	switch profile.direction(direction(m)) {
	case "sendonly":
		l.role = publish
	case "recvonly":
		l.role = receive
	case "inactive":
		if profile == LiveKit { // its codecs count: it may be used later
			l.readAttributes(m)
			l.readRepairs(m)
		}
		return nil
	default:
		return fmt.Errorf("it is sendrecv: use sendonly to publish and recvonly for a slot")
	}
	l.readAttributes(m)
	l.readRepairs(m)
	if err := l.readLayers(m); err != nil {
		return err
	}
	if profile == Publisher || profile == LiveKit {
		l.rids = lowestFirst(l.rids)
	}
	if l.kind == "audio" && l.pts[forward.Opus] == 0 {
		return fmt.Errorf("it offers no Opus (opus/48000/2), the only voice codec here")
	}
	if l.kind == "video" && l.pts == [forward.Codecs]uint8{} {
		return fmt.Errorf("it offers none of VP8, H264 (constrained baseline, packetization-mode=1), VP9 (profile 0) and AV1 (profile 0)")
	}
	return nil
}

func direction(m *sdp.MediaDescription) string {
	for _, a := range m.Attributes {
		switch a.Key {
		case "sendonly", "recvonly", "inactive", "sendrecv":
			return a.Key
		}
	}
	return "sendrecv"
}

func (l *line) readAttributes(m *sdp.MediaDescription) {
	for _, a := range m.Attributes {
		switch a.Key {
		case "rtpmap":
			l.readCodec(m, a.Value)
		case "extmap":
			l.readExtension(a.Value)
		case sdp.AttrKeyExtMapAllowMixed:
			l.mixed = true
		case "ssrc":
			if l.ssrc == 0 && l.role.publishes() {
				id, _, _ := strings.Cut(a.Value, " ")
				n, _ := strconv.ParseUint(id, 10, 32)
				l.ssrc = uint32(n)
			}
		}
	}
}

func (l *line) readCodec(m *sdp.MediaDescription, rtpmap string) {
	number, name, _ := strings.Cut(rtpmap, " ")
	pt, err := strconv.ParseUint(number, 10, 8)
	if err != nil || pt == 0 || pt > 127 || pt >= 64 && pt <= 95 { // 64 to 95 collide with RTCP: RFC 5761
		return
	}
	name = strings.ToLower(name)
	codec := forward.NoCodec
	switch {
	case l.kind == "audio" && name == "opus/48000/2":
		codec = forward.Opus
	case l.kind == "video" && name == "vp8/90000":
		codec = forward.VP8
	case l.kind == "video" && name == "h264/90000" && constrainedBaseline(formatOf(m, number)):
		codec = forward.H264
	case l.kind == "video" && name == "vp9/90000" && mainProfile(formatOf(m, number), "profile-id"):
		codec = forward.VP9
	case l.kind == "video" && name == "av1/90000" && mainProfile(formatOf(m, number), "profile"):
		codec = forward.AV1
	}
	if codec != forward.NoCodec && l.pts[codec] == 0 {
		l.pts[codec] = uint8(pt)
	}
}

func formatOf(m *sdp.MediaDescription, number string) string {
	for _, a := range m.Attributes {
		if a.Key == "fmtp" {
			if pt, format, _ := strings.Cut(a.Value, " "); pt == number {
				return strings.ToLower(format)
			}
		}
	}
	return ""
}

// constrainedBaseline reports whether a format is of H.264 that every browser
// decodes: baseline with constraint_set1, at any level (RFC 6184, section 8.1).
// Browsers write 42e0.., x264 42c0...
func constrainedBaseline(format string) bool {
	_, profile, _ := strings.Cut(format, "profile-level-id=42")
	if len(profile) < 2 || !strings.Contains(format, "packetization-mode=1") {
		return false
	}
	constraints, err := strconv.ParseUint(profile[:2], 16, 8)
	return err == nil && constraints&0x40 != 0
}

// mainProfile reports whether a format is of profile 0 (8 bits, 4:2:0), which is
// what no value means: RFC 9628, section 7, and section 7.1 of that for AV1.
func mainProfile(format, key string) bool {
	for parameter := range strings.SplitSeq(format, ";") {
		if name, value, _ := strings.Cut(strings.TrimSpace(parameter), "="); name == key {
			return value == "0"
		}
	}
	return true
}

func (l *line) readExtension(extmap string) {
	number, uri, _ := strings.Cut(extmap, " ")
	number, _, _ = strings.Cut(number, "/") // a direction may follow
	id, err := strconv.ParseUint(number, 10, 8)
	if err != nil || id < 1 || id > 14 {
		return
	}
	for i, known := range extensionURIs {
		if strings.TrimSpace(uri) == known && l.extensions[i] == 0 && (i < extTWCC || l.kind == "video") {
			l.extensions[i] = uint8(id)
		}
	}
}
