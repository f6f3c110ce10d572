package sfu

import (
	"fmt"
	"strconv"
	"strings"

	"earshot/sfu/forward"
)

// section is a media line of a description with all that belongs to it.
type section struct{ first, rest string }

// present writes what a LiveKit client is told, from what pion says of the lines
// that it knows: all lines of the offer in their order, those inactive that are
// in no use (a client tells its user of a track when its line becomes active),
// and stereo where the client decodes it.
func (o *offer) present(description string, names map[string]LineName) string {
	head, sections := split(description)
	var bundle, media strings.Builder
	for i := range o.lines {
		l := &o.lines[i]
		s, ok := sections[l.mid]
		switch {
		case !ok || l.livekit.rejected:
			fmt.Fprintf(&media, "m=%s 0 %s\r\nc=IN IP4 0.0.0.0\r\na=mid:%s\r\na=inactive\r\n", l.kind, l.protocol(), l.mid)
			continue
		case l.role == roleVoice || l.role == roleVideo:
			if name, ok := names[l.mid]; ok {
				s.rename(name)
			} else {
				s.silence()
			}
		}
		if o.stereo {
			s.addStereo(l)
		}
		if l.role == roleChannels {
			s.limitMessages()
		}
		bundle.WriteString(" " + l.mid)
		media.WriteString(s.first + s.rest)
	}
	for line := range strings.Lines(head) {
		if strings.HasPrefix(line, "a=group:BUNDLE") {
			head = strings.Replace(head, line, "a=group:BUNDLE"+bundle.String()+"\r\n", 1)
			break
		}
	}
	return head + media.String()
}

// protocol returns what stands between port and attributes of a line that is
// rejected.
func (l *line) protocol() string {
	if l.kind == "application" {
		return "UDP/DTLS/SCTP webrtc-datachannel"
	}
	return "UDP/TLS/RTP/SAVPF 0"
}

// split returns what a description of pion says of the session, and its media
// lines by mid.
func split(description string) (head string, sections map[string]*section) {
	sections = make(map[string]*section)
	var now *section
	for line := range strings.Lines(description) {
		switch mid, is := strings.CutPrefix(line, "a=mid:"); {
		case strings.HasPrefix(line, "m="):
			now = &section{first: line}
			continue
		case now == nil:
			head += line
			continue
		case is:
			sections[strings.TrimRight(mid, "\r\n")] = now
		}
		now.rest += line
	}
	return head, sections
}

// silence makes a line inactive and leaves out what would be sent on it.
func (s *section) silence() {
	var b strings.Builder
	for line := range strings.Lines(s.rest) {
		switch key, _, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ":"); key {
		case "a=msid", "a=ssrc", "a=ssrc-group":
		case "a=sendonly":
			b.WriteString("a=inactive\r\n")
		default:
			b.WriteString(line)
		}
	}
	s.rest = b.String()
}

// rename says what a line is for: by a=msid, and for clients that look there by
// its SSRCs.
func (s *section) rename(name LineName) {
	var b strings.Builder
	for line := range strings.Lines(s.rest) {
		key, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		ssrc, what, _ := strings.Cut(value, " ")
		what, _, _ = strings.Cut(what, ":")
		switch {
		case key == "a=msid":
			fmt.Fprintf(&b, "a=msid:%s %s\r\n", name.Stream, name.Track)
		case key == "a=ssrc" && what == "msid":
			fmt.Fprintf(&b, "a=ssrc:%s msid:%s %s\r\n", ssrc, name.Stream, name.Track)
		case key == "a=ssrc" && what != "cname": // other names of the same, long out of use
		default:
			b.WriteString(line)
		}
	}
	s.rest = b.String()
}

// limitMessages says how long messages may be, which pion does not limit.
func (s *section) limitMessages() {
	for line := range strings.Lines(s.rest) {
		if strings.HasPrefix(line, "a=max-message-size:") {
			s.rest = strings.Replace(s.rest, line, fmt.Sprintf("a=max-message-size:%d\r\n", maxMessage), 1)
			return
		}
	}
}

// addStereo says that what comes may be stereo (RFC 7587, section 7.1), on all
// voice lines alike because they share the payload type. Whether the client is
// to send stereo is said of the one line.
func (s *section) addStereo(l *line) {
	pt := l.pts[forward.Opus]
	if pt == 0 {
		return
	}
	format := "a=fmtp:" + strconv.Itoa(int(pt)) + " " + opusFormat
	with := format + ";sprop-stereo=1"
	if l.livekit.encodes {
		with += ";stereo=1"
	}
	s.rest = strings.Replace(s.rest, format+"\r\n", with+"\r\n", 1)
}
