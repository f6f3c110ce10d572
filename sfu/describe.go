package sfu

import (
	"fmt"
	"strings"

	"earshot/sfu/forward"

	"github.com/pion/sdp/v3"
)

// Formats of the codecs, the same in both directions.
const (
	opusFormat = "minptime=10;useinbandfec=1"
	h264Format = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
	vp9Format  = "profile-id=0"
	av1Format  = "level-idx=5;profile=0;tier=0"
)

// allowMixed says that headers with one byte and with two may come in turn: a
// dependency descriptor that brings a structure needs two.
const allowMixed = "a=" + sdp.AttrKeyExtMapAllowMixed + "\r\n"

// admitMixed says so in an answer where the offer did for single lines; for all
// of them pion does it.
func (o *offer) admitMixed(answer string) string {
	for _, l := range o.lines {
		if mid := "a=mid:" + l.mid + "\r\n"; l.mixed && !o.mixed {
			answer = strings.Replace(answer, mid, mid+allowMixed, 1)
		}
	}
	return answer
}

// describe writes the description that pion is given in place of the client's
// offer. Only the credentials differ between generations of ICE, so a restart
// can change nothing else.
func (o *offer) describe(c credentials, generation int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "v=0\r\no=- 1 %d IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE", generation)
	for i := range o.lines {
		if !o.lines[i].livekit.absent {
			b.WriteString(" " + o.lines[i].mid)
		}
	}
	b.WriteString("\r\n")
	if o.mixed {
		b.WriteString(allowMixed)
	}
	for i := range o.lines {
		if o.lines[i].livekit.absent {
			continue
		}
		o.lines[i].describe(&b)
		fmt.Fprintf(&b, "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:%s\r\na=setup:%s\r\n",
			c.ufrag, c.password, o.fingerprint, o.setup())
	}
	return b.String()
}

// setup is who opens the DTLS association: the client, but for one that answers
// an ICE-lite server's offer as pion does by default.
func (o *offer) setup() string {
	switch {
	case o.passive:
		return "passive"
	case o.answers:
		return "active"
	}
	return "actpass"
}

func (l *line) describe(b *strings.Builder) {
	if l.role == roleChannels {
		fmt.Fprintf(b, "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:%s\r\na=sctp-port:5000\r\na=max-message-size:%d\r\n",
			l.mid, maxMessage)
		return
	}
	fmt.Fprintf(b, "m=%s 9 UDP/TLS/RTP/SAVPF", l.kind)
	if l.pts == [forward.Codecs]uint8{} {
		b.WriteString(" 0")
	}
	for _, pt := range l.pts {
		if pt != 0 {
			fmt.Fprintf(b, " %d", pt)
		}
	}
	for _, pt := range l.repairs.list() {
		fmt.Fprintf(b, " %d", pt)
	}
	fmt.Fprintf(b, "\r\nc=IN IP4 0.0.0.0\r\na=mid:%s\r\na=rtcp-mux\r\na=rtcp-rsize\r\na=%s\r\n", l.mid, l.direction())
	for codec, pt := range l.pts {
		if pt != 0 {
			describeCodec(b, forward.Codec(codec), pt)
		}
	}
	l.describeRepairs(b)
	for i, id := range l.extensions {
		if id != 0 {
			fmt.Fprintf(b, "a=extmap:%d %s\r\n", id, extensionURIs[i])
		}
	}
	l.describeLayers(b)
	if l.role.publishes() && l.ssrc != 0 {
		l.describeRepairSSRC(b)
		fmt.Fprintf(b, "a=msid:%s %s\r\na=ssrc:%d cname:%s\r\n", l.role.source(), l.role.source(), l.ssrc, l.role.source())
	}
}

func (l *line) direction() string {
	switch {
	case l.role == roleNone:
		return "inactive"
	case l.role.publishes():
		return "sendonly"
	}
	return "recvonly"
}

func describeCodec(b *strings.Builder, codec forward.Codec, pt uint8) {
	switch codec {
	case forward.Opus:
		fmt.Fprintf(b, "a=rtpmap:%d opus/48000/2\r\na=fmtp:%d %s\r\n", pt, pt, opusFormat)
		return
	case forward.VP8:
		fmt.Fprintf(b, "a=rtpmap:%d VP8/90000\r\n", pt)
	case forward.H264:
		fmt.Fprintf(b, "a=rtpmap:%d H264/90000\r\na=fmtp:%d %s\r\n", pt, pt, h264Format)
	case forward.VP9:
		fmt.Fprintf(b, "a=rtpmap:%d VP9/90000\r\na=fmtp:%d %s\r\n", pt, pt, vp9Format)
	case forward.AV1:
		fmt.Fprintf(b, "a=rtpmap:%d AV1/90000\r\na=fmtp:%d %s\r\n", pt, pt, av1Format)
	}
	for _, feedback := range []string{"transport-cc", "ccm fir", "nack", "nack pli"} {
		fmt.Fprintf(b, "a=rtcp-fb:%d %s\r\n", pt, feedback)
	}
}
