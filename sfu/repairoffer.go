package sfu

import (
	"fmt"
	"strconv"
	"strings"

	"earshot/sfu/forward"

	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

// repairs are the payload types of what repairs loss: a second stream for
// video (RFC 4588), redundant audio data for voice (RFC 2198). 0 is none.
type repairs struct {
	rtx [forward.Codecs]uint8 // by the codec that is repaired
	red uint8
}

// readRepairs reads what of a line repairs its codecs, which were read before.
func (l *line) readRepairs(m *sdp.MediaDescription) {
	for _, a := range m.Attributes {
		switch a.Key {
		case "rtpmap":
			l.readRepair(m, a.Value)
		case "ssrc-group":
			l.readRepairSSRC(a.Value)
		}
	}
}

func (l *line) readRepair(m *sdp.MediaDescription, rtpmap string) {
	number, name, _ := strings.Cut(rtpmap, " ")
	pt, ok := payloadType(number)
	if !ok {
		return
	}
	format := formatOf(m, number)
	switch name = strings.ToLower(name); {
	case l.kind == "video" && name == "rtx/90000":
		apt := parameter(format, "apt")
		for codec, of := range l.pts {
			if of != 0 && l.repairs.rtx[codec] == 0 && apt == strconv.Itoa(int(of)) {
				l.repairs.rtx[codec] = pt
			}
		}
	case l.kind == "audio" && name == "red/48000/2" && l.repairs.red == 0:
		first, _, _ := strings.Cut(format, "/")
		if opus := l.pts[forward.Opus]; opus != 0 && first == strconv.Itoa(int(opus)) {
			l.repairs.red = pt
		}
	}
}

// readRepairSSRC reads a group "FID <ssrc> <ssrc of its repairs>" (RFC 5576).
func (l *line) readRepairSSRC(group string) {
	f := strings.Fields(group)
	if len(f) != 3 || f[0] != sdp.SemanticTokenFlowIdentification || l.ssrc == 0 || f[1] != strconv.FormatUint(uint64(l.ssrc), 10) {
		return
	}
	if n, err := strconv.ParseUint(f[2], 10, 32); err == nil && uint32(n) != l.ssrc {
		l.repairSSRC = uint32(n)
	}
}

// mergeRepairs takes what all lines say alike. A line that differs, or gives one
// number two meanings, goes without repair.
func (o *offer) mergeRepairs() {
	used := map[uint8]bool{}
	for _, pt := range o.pts {
		used[pt] = true
	}
	owner := map[uint8]int{} // codec of a repair, by payload type; RED is -1
	agree := func(to, pt *uint8, codec int) {
		meant, known := owner[*pt]
		if *pt == 0 || used[*pt] || known && meant != codec || *to != 0 && *to != *pt {
			*pt = 0
			return
		}
		owner[*pt] = codec
		*to = *pt
	}
	ssrcs := map[uint32]bool{}
	for i := range o.lines {
		ssrcs[o.lines[i].ssrc] = true
	}
	for i := range o.lines {
		l := &o.lines[i]
		for codec := range l.repairs.rtx {
			agree(&o.repairs.rtx[codec], &l.repairs.rtx[codec], codec)
		}
		agree(&o.repairs.red, &l.repairs.red, -1)
		if ssrcs[l.repairSSRC] || l.repairs.rtx == [forward.Codecs]uint8{} {
			l.repairSSRC = 0
		}
		ssrcs[l.repairSSRC] = true
	}
}

// list returns the payload types in the order of a description.
func (r *repairs) list() (pts []uint8) {
	for _, pt := range r.rtx {
		if pt != 0 {
			pts = append(pts, pt)
		}
	}
	if r.red != 0 {
		pts = append(pts, r.red)
	}
	return pts
}

// describeRepairs writes what readRepairs reads, but for SSRCs.
func (l *line) describeRepairs(b *strings.Builder) {
	for codec, pt := range l.repairs.rtx {
		if pt != 0 {
			fmt.Fprintf(b, "a=rtpmap:%d rtx/90000\r\na=fmtp:%d apt=%d\r\n", pt, pt, l.pts[codec])
		}
	}
	if opus := l.pts[forward.Opus]; l.repairs.red != 0 {
		fmt.Fprintf(b, "a=rtpmap:%d red/48000/2\r\na=fmtp:%[1]d %d/%[2]d\r\n", l.repairs.red, opus)
	}
}

// describeRepairSSRC writes the group that readRepairSSRC reads, which has to
// come before the SSRCs.
func (l *line) describeRepairSSRC(b *strings.Builder) {
	if l.repairSSRC != 0 {
		fmt.Fprintf(b, "a=ssrc-group:FID %d %d\r\n", l.ssrc, l.repairSSRC)
	}
}

// payloadType reads a dynamic payload type: 64 to 95 collide with RTCP (RFC 5761).
func payloadType(number string) (uint8, bool) {
	pt, err := strconv.ParseUint(number, 10, 8)
	return uint8(pt), err == nil && pt > 0 && pt < 128 && (pt < 64 || pt > 95)
}

// parameter returns the value of a parameter of an fmtp line.
func parameter(format, name string) string {
	for p := range strings.SplitSeq(format, ";") {
		if key, value, _ := strings.Cut(strings.TrimSpace(p), "="); key == name {
			return value
		}
	}
	return ""
}

// registerRepairs makes pion negotiate repair for the codecs with these payload
// types. pion unwraps what publishers send again; towards listeners it only
// names the SSRC of the second stream and never sends on it.
func registerRepairs(m *webrtc.MediaEngine, opus webrtc.PayloadType, video ...webrtc.PayloadType) error {
	for _, of := range video {
		if err := m.RegisterCodec(webrtc.RTPCodecParameters{
			PayloadType: of + 1,
			RTPCodecCapability: webrtc.RTPCodecCapability{
				MimeType: webrtc.MimeTypeRTX, ClockRate: 90000, SDPFmtpLine: fmt.Sprintf("apt=%d", of),
			},
		}, webrtc.RTPCodecTypeVideo); err != nil {
			return err
		}
	}
	return m.RegisterCodec(webrtc.RTPCodecParameters{
		PayloadType: 63,
		RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: "audio/red", ClockRate: 48000, Channels: 2, SDPFmtpLine: fmt.Sprintf("%d/%d", opus, opus),
		},
	}, webrtc.RTPCodecTypeAudio)
}
