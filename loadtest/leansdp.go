package loadtest

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/pion/webrtc/v4"
)

const (
	vp8Payload  = 96
	h264Payload = 102
)

const h264Format = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"

// description is what a leanLink offers. All of it stays the same over an ICE
// restart but the credentials.
type description struct {
	ufrag, password string
	fingerprint     string
	version         int
	microphone      uint32 // SSRC; 0 is none
	camera          uint32 // SSRC; 0 is none
	slots, video    int
	nack            bool
	repair          bool     // offer RED, RTX and transport-wide feedback
	rids            []string // of the camera's layers; none for one encoding
}

// lines is how many media lines the description has before the channels'.
func (d *description) lines() int {
	n := d.slots + d.video
	if d.microphone != 0 {
		n++
	}
	if d.camera != 0 {
		n++
	}
	return n
}

// cameraMID is the name of the camera's line.
func (d *description) cameraMID() string {
	if d.microphone != 0 {
		return "1"
	}
	return "0"
}

// offer is the SDP, in the order of PROTOCOL.md: what is sent, what is
// received, the channels.
func (d *description) offer() string {
	var b strings.Builder
	fmt.Fprintf(&b, "v=0\r\no=- 1 %d IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=fingerprint:%s\r\na=group:BUNDLE", d.version, d.fingerprint)
	for mid := range d.lines() + 1 {
		fmt.Fprintf(&b, " %d", mid)
	}
	b.WriteString("\r\n")
	mid := 0
	line := func(media, rest string) {
		fmt.Fprintf(&b, "m=%s\r\nc=IN IP4 0.0.0.0\r\na=setup:active\r\na=mid:%d\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\n%s",
			media, mid, d.ufrag, d.password, rest)
		mid++
	}
	if d.microphone != 0 {
		line(d.audio("sendonly", d.microphone))
	}
	if d.camera != 0 {
		line(d.picture("sendonly", d.camera))
	}
	for range d.slots {
		line(d.audio("recvonly", 0))
	}
	for range d.video {
		line(d.picture("recvonly", 0))
	}
	line("application 9 UDP/DTLS/SCTP webrtc-datachannel", "a=sctp-port:5000\r\na=max-message-size:65536\r\n")
	return b.String()
}

func (d *description) audio(direction string, ssrc uint32) (media, rest string) {
	rest = "a=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\na=extmap:1 " + levelURI + "\r\n"
	if d.nack {
		rest += "a=rtcp-fb:111 nack\r\n"
	}
	formats, repair := d.audioRepair()
	return "audio 9 UDP/TLS/RTP/SAVPF 111" + formats, rest + repair + source(direction, "microphone", ssrc)
}

func (d *description) picture(direction string, ssrc uint32) (media, rest string) {
	rest = "a=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:102 H264/90000\r\na=fmtp:102 " + h264Format + "\r\n"
	for _, pt := range []int{vp8Payload, h264Payload} {
		rest += fmt.Sprintf("a=rtcp-fb:%d nack\r\na=rtcp-fb:%[1]d nack pli\r\n", pt)
	}
	formats, repair := d.videoRepair()
	if rest += repair; ssrc != 0 && len(d.rids) > 0 {
		rest, ssrc = rest+d.simulcast(), 0 // layers have names instead of SSRCs
	}
	return "video 9 UDP/TLS/RTP/SAVPF 96 102" + formats, rest + source(direction, "camera", ssrc)
}

func source(direction, track string, ssrc uint32) string {
	rest := "a=" + direction + "\r\n"
	if ssrc != 0 {
		rest += fmt.Sprintf("a=msid:bot %s\r\na=ssrc:%d cname:bot\r\n", track, ssrc)
	}
	return rest
}

// answer is what matters of the server's answer.
type answer struct {
	ufrag, password string
	fingerprint     string // "sha-256 AB:CD:…"
	candidates      []netip.AddrPort
	slots           map[uint32]slotLine // by SSRC
	repairs         map[uint32]uint32   // SSRC of a slot by that of its repairs
	level           uint8               // id of the level extension on the microphone; 0 is none
}

// slotLine is a receive line.
type slotLine struct {
	kind webrtc.RTPCodecType
	slot int
}

// maxCandidates bounds how many of the server's addresses are tried.
const maxCandidates = 4

// readAnswer reads the answer to d.
func (d *description) readAnswer(sdp string) (*answer, error) {
	a := &answer{slots: map[uint32]slotLine{}, repairs: map[uint32]uint32{}}
	line := -1
	for text := range strings.Lines(sdp) {
		text = strings.TrimRight(text, "\r\n")
		if strings.HasPrefix(text, "m=") {
			line++
			continue
		}
		key, value, _ := strings.Cut(strings.TrimPrefix(text, "a="), ":")
		a.attribute(d, line, key, value)
	}
	switch {
	case a.ufrag == "" || a.password == "":
		return nil, fmt.Errorf("loadtest: the answer has no ICE credentials")
	case a.fingerprint == "":
		return nil, fmt.Errorf("loadtest: the answer has no fingerprint")
	case len(a.candidates) == 0:
		return nil, fmt.Errorf("loadtest: the answer has no UDP candidate over IPv4")
	}
	return a, nil
}

func (a *answer) attribute(d *description, line int, key, value string) {
	switch key {
	case "ice-ufrag":
		a.ufrag = strings.Clone(value) // or all of the answer would stay in memory
	case "ice-pwd":
		a.password = strings.Clone(value)
	case "fingerprint":
		a.fingerprint = strings.Clone(value)
	case "candidate":
		a.candidate(value)
	case "ssrc":
		number, _, _ := strings.Cut(value, " ")
		ssrc, err := strconv.ParseUint(number, 10, 32)
		if slot, ok := d.slotOf(line); ok && err == nil {
			a.slots[uint32(ssrc)] = slot
		}
	case "ssrc-group":
		a.repairOf(value)
	case "extmap":
		number, uri, _ := strings.Cut(value, " ")
		number, _, _ = strings.Cut(number, "/")
		if id, err := strconv.ParseUint(number, 10, 4); err == nil && uri == levelURI && line == 0 && d.microphone != 0 {
			a.level = uint8(id)
		}
	}
}

// candidate takes an address to try: foundation, component, transport,
// priority, address, port (RFC 8839 section 5.1).
func (a *answer) candidate(value string) {
	fields := strings.Fields(value)
	if len(fields) < 6 || fields[1] != "1" || !strings.EqualFold(fields[2], "udp") || len(a.candidates) == maxCandidates {
		return
	}
	ip, err := netip.ParseAddr(fields[4])
	port, err2 := strconv.ParseUint(fields[5], 10, 16)
	if err != nil || err2 != nil || !ip.Is4() {
		return
	}
	at := netip.AddrPortFrom(ip, uint16(port))
	for _, other := range a.candidates {
		if other == at {
			return
		}
	}
	a.candidates = append(a.candidates, at)
}

// slotOf is which slot media line number line is.
func (d *description) slotOf(line int) (slotLine, bool) {
	first := d.lines() - d.slots - d.video
	switch {
	case line < first || line >= d.lines():
		return slotLine{}, false
	case line < first+d.slots:
		return slotLine{webrtc.RTPCodecTypeAudio, line - first}, true
	}
	return slotLine{webrtc.RTPCodecTypeVideo, line - first - d.slots}, true
}
