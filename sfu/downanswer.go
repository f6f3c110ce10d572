package sfu

import (
	"fmt"
	"slices"
	"strings"

	"earshot/sfu/forward"

	"github.com/pion/sdp/v3"
)

// parseAnswer reads a client's answer to what the server offered. What it leaves
// out of the codecs, repairs and header extensions of a line is not sent to it.
func parseAnswer(cfg *Config, text string, offered *offer) (*offer, error) {
	if len(text) > livekitScale*cfg.MaxSDPBytes {
		return nil, refuse("the SDP answer has %d bytes, more than %d", len(text), livekitScale*cfg.MaxSDPBytes)
	}
	var d sdp.SessionDescription
	if err := d.UnmarshalString(text); err != nil {
		return nil, refuse("this is not an SDP answer: %s", shorten(err.Error()))
	}
	if len(d.MediaDescriptions) != len(offered.lines) {
		return nil, refuse("the answer has %d media lines, the offer %d", len(d.MediaDescriptions), len(offered.lines))
	}
	o := &offer{profile: LiveKit, answers: true, lines: slices.Clone(offered.lines)}
	_, o.mixed = d.Attribute(sdp.AttrKeyExtMapAllowMixed)
	o.mixed = o.mixed && offered.mixed
	if err := o.readTransport(&d); err != nil {
		return nil, err
	}
	for i, m := range d.MediaDescriptions {
		if err := o.lines[i].accept(m); err != nil {
			return nil, refuse("media line %d: %s", i, err)
		}
	}
	o.agree()
	return o, nil
}

// accept narrows a line of the server's offer to what the answer takes of it.
func (l *line) accept(m *sdp.MediaDescription) error {
	rejected := m.MediaName.Port.Value == 0
	if mid, _ := m.Attribute(sdp.AttrKeyMID); m.MediaName.Media != l.kind || mid != l.mid && !(rejected && mid == "") {
		return fmt.Errorf("it is %s %q and was offered as %s %q", shorten(m.MediaName.Media), shorten(mid), l.kind, l.mid)
	}
	if l.role == roleChannels {
		if rejected || strings.Join(m.MediaName.Formats, " ") != "webrtc-datachannel" {
			return fmt.Errorf("the data channels are refused")
		}
		return nil
	}
	offered := l.pts
	taken := line{kind: l.kind, role: l.role}
	taken.readAttributes(m)
	taken.readRepairs(m)
	l.mixed = l.mixed && taken.mixed
	for codec, pt := range l.pts {
		if taken.pts[codec] != pt {
			l.pts[codec] = 0
		}
		if taken.repairs.rtx[codec] != l.repairs.rtx[codec] || l.pts[codec] == 0 {
			l.repairs.rtx[codec] = 0
		}
	}
	if taken.repairs.red != l.repairs.red || l.pts[forward.Opus] == 0 {
		l.repairs.red = 0
	}
	for e, id := range l.extensions {
		if taken.extensions[e] != id {
			l.extensions[e] = 0
		}
	}
	if rejected || l.pts == [forward.Codecs]uint8{} {
		l.livekit.idle, l.pts = true, offered // pion wants to know codecs
	}
	return nil
}

// agree finds what all lines of a kind that are in use take alike, which is what
// is sent; pion is told the same of lines that are not.
func (o *offer) agree() {
	first := map[string]bool{}
	for i := range o.lines {
		l := &o.lines[i]
		if l.livekit.idle || l.role == roleChannels {
			continue
		}
		for codec := range o.pts {
			if kindOf(codec) != l.kind {
				continue
			}
			if !first[l.kind] {
				o.pts[codec], o.repairs.rtx[codec] = l.pts[codec], l.repairs.rtx[codec]
			}
			if l.pts[codec] == 0 {
				o.pts[codec] = 0
			}
			if l.repairs.rtx[codec] == 0 {
				o.repairs.rtx[codec] = 0
			}
		}
		if l.kind == "audio" && (!first[l.kind] || l.repairs.red == 0) {
			o.repairs.red = l.repairs.red
		}
		first[l.kind] = true
	}
	for i := range o.lines {
		l := &o.lines[i]
		for codec := range l.pts {
			if first[l.kind] && kindOf(codec) == l.kind {
				l.pts[codec], l.repairs.rtx[codec] = o.pts[codec], o.repairs.rtx[codec]
			}
		}
	}
}

// lapsed returns the answer of a client that refused everything new in an offer.
func (o *offer) lapsed(was *offer) *offer {
	next := *was
	next.lines = slices.Clone(o.lines)
	for i := range next.lines {
		l := &next.lines[i]
		at := slices.IndexFunc(was.lines, func(old line) bool { return old.mid == l.mid })
		if at >= 0 {
			*l = was.lines[at]
			continue
		}
		l.livekit.idle = true
	}
	return &next
}
