package sfu

import (
	"fmt"
	"slices"
	"strings"

	"earshot"
	"earshot/sfu/forward"

	"github.com/pion/sdp/v3"
)

// Bounds of what a LiveKit client offers. Its lines are never taken back, only
// stopped, and it writes everything that it can into each of them.
const (
	livekitScale = 4 // times Config.MaxMediaLines and MaxSDPBytes
	mostSending  = 8 // lines that publish at once
	mostMSID     = 128
)

// livekitLine is what matters of a media line of a LiveKit client beside what
// matters of any. What an offer says is read into it; offer.follow fills in the
// rest from the offers before.
type livekitLine struct {
	stream, track string // of a=msid
	rejected      bool   // port 0
	receives      bool   // recvonly or sendrecv
	stereo        bool   // decodes stereo

	known   bool // to pion, from an earlier offer
	absent  bool // not told to pion: it has never been in use
	idle    bool // the slot's line is stopped
	encodes bool // asked to encode stereo
}

// reject returns a line that the client has stopped for good. Its mid may be
// missing.
func (l *line) reject() (line, error) {
	if !slices.Contains([]string{"audio", "video", "application"}, l.kind) {
		return *l, fmt.Errorf("m=%s is not supported: offer audio, video and application", shorten(l.kind))
	}
	if !token(l.mid, 32) {
		l.mid = ""
	}
	l.livekit.rejected = true
	return *l, nil
}

// readLiveKit reads a line before its direction is looked at.
func (l *line) readLiveKit(m *sdp.MediaDescription) {
	k, d := &l.livekit, direction(m)
	k.receives = d == "recvonly" || d == "sendrecv"
	for _, a := range m.Attributes {
		switch name, value, _ := strings.Cut(a.Value, " "); a.Key {
		case "msid":
			k.readMSID(value, name)
		case "ssrc":
			if value, ok := strings.CutPrefix(value, "msid:"); ok && k.track == "" {
				stream, track, _ := strings.Cut(value, " ")
				k.readMSID(track, stream)
			}
		case "rtpmap":
			if strings.EqualFold(value, "opus/48000/2") && parameter(formatOf(m, name), "stereo") == "1" {
				k.stereo = true
			}
		}
	}
}

// readMSID takes names that are printable and not too long (RFC 8830, section 2).
func (k *livekitLine) readMSID(track, stream string) {
	if visible(track, mostMSID) && visible(stream, mostMSID) {
		k.stream, k.track = stream, track
	}
}

func visible(s string, limit int) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return len(s) > 0 && len(s) <= limit
}

func checkLiveKit(count *[roleChannels + 1]int) error {
	if n := count[roleMicrophone] + count[roleCamera]; n > mostSending {
		return earshot.Errorf(earshot.CodeResourceExhausted, "the offer publishes %d tracks at once: at most %d are allowed", n, mostSending)
	}
	if count[roleChannels] > 1 {
		return refuse("the offer has %d application lines: one carries all data channels", count[roleChannels])
	}
	return nil
}

// follow checks an offer against the one before and takes over what stays. used
// are the mids that pion knows. On success all lines say what they are for; a
// receive line above the limits is for nothing.
func (o *offer) follow(before *offer, used map[string]bool, cfg *Config) error {
	if len(o.lines) < len(before.lines) {
		return earshot.Errorf(earshot.CodeFailedPrecondition, "the offer has fewer media lines than the one before: stop them, and leave them in")
	}
	if before.fingerprint != "" && before.fingerprint != o.fingerprint {
		return earshot.Errorf(earshot.CodeFailedPrecondition, "the offer is of another connection (a=fingerprint differs): leave, and join again")
	}
	for i := range o.lines {
		l := &o.lines[i]
		if i < len(before.lines) {
			if err := l.follow(&before.lines[i], i); err != nil {
				return err
			}
		}
		if l.mid == "" {
			l.mid = fmt.Sprintf("rejected-%d", i)
		}
		if used[l.mid] && !l.livekit.known {
			return refuse("media line %d: mid %q was used by another line", i, l.mid)
		}
	}
	if err := o.unique(); err != nil {
		return err
	}
	if err := o.followCodecs(before); err != nil {
		return err
	}
	o.settle(cfg)
	return nil
}

// follow takes over what a line was for. A line keeps its purpose, but one that
// published may be stopped and publish again.
func (l *line) follow(was *line, index int) error {
	k := &l.livekit
	switch {
	case l.kind != was.kind:
		return refuse("media line %d was %s and is %s", index, was.kind, l.kind)
	case l.mid == "":
		l.mid = was.mid
	case l.mid != was.mid && was.livekit.rejected:
		return nil // another line in its place: RFC 9429, section 5.2.2
	case l.mid != was.mid:
		return refuse("media line %d had the mid %q and has %q", index, was.mid, l.mid)
	}
	if !was.livekit.known {
		return nil
	}
	k.known = true
	switch {
	case was.role == roleVoice || was.role == roleVideo:
		// What was negotiated for its slot stays, so that pion finds nothing new.
		l.role, l.extensions, l.mixed, l.rids, l.ssrc, l.repairSSRC = was.role, was.extensions, was.mixed, nil, 0, 0
		k.idle = !k.receives
	case was.role == roleChannels && k.rejected:
		return refuse("media line %d carries the data channels and cannot be stopped alone: leave instead", index)
	case l.role == roleVoice || l.role == roleVideo:
		l.role = roleNone
	case was.role.publishes() && l.role.publishes() && len(was.rids) > 0 && len(l.rids) > 0 && !slices.Equal(was.rids, l.rids):
		return earshot.Errorf(earshot.CodeFailedPrecondition, "media line %d publishes with other layers than before: stop it first", index)
	}
	return nil
}

// unique checks that no two lines have one mid, those included that got theirs
// just now.
func (o *offer) unique() error {
	seen := make(map[string]bool, len(o.lines))
	for i := range o.lines {
		if seen[o.lines[i].mid] {
			return refuse("media line %d: mid %q is not unique", i, o.lines[i].mid)
		}
		seen[o.lines[i].mid] = true
	}
	return nil
}

// followCodecs gives all lines of a kind the same payload types: those of the
// first offer that had lines of that kind, because pion negotiates no later ones.
func (o *offer) followCodecs(before *offer) error {
	had := map[string]bool{}
	for codec, pt := range before.pts {
		had[kindOf(codec)] = had[kindOf(codec)] || pt != 0
	}
	for codec, was := range before.pts {
		if was != 0 && slices.Contains(o.pts[:], was) && o.pts[codec] != was {
			return refuse("payload type %d meant another codec before: keep them", was)
		}
		if had[kindOf(codec)] {
			o.pts[codec], o.repairs.rtx[codec] = was, before.repairs.rtx[codec]
		}
	}
	if had["audio"] {
		o.repairs.red = before.repairs.red
	}
	meant := map[uint8]bool{}
	for _, pt := range append(o.repairs.list(), o.pts[:]...) {
		if pt != 0 && meant[pt] {
			return refuse("payload type %d means two codecs, now or before", pt)
		}
		meant[pt] = true
	}
	o.stereo = before.stereo
	for i := range o.lines {
		l := &o.lines[i]
		o.stereo = o.stereo || l.livekit.stereo
		l.pts, l.repairs = [forward.Codecs]uint8{}, repairs{}
		for codec := range l.pts {
			if kindOf(codec) == l.kind {
				l.pts[codec], l.repairs.rtx[codec] = o.pts[codec], o.repairs.rtx[codec]
			}
		}
		if l.kind == "audio" {
			l.repairs.red = o.repairs.red
		}
	}
	return nil
}

func kindOf(codec int) string {
	if forward.Codec(codec) == forward.Opus {
		return "audio"
	}
	return "video"
}

// settle leaves receive lines above the limits without a slot, and says which
// lines pion need not know of.
func (o *offer) settle(cfg *Config) {
	var voices, videos int
	for i := range o.lines {
		l := &o.lines[i]
		switch l.role {
		case roleVoice:
			voices++
			l.keep(l.livekit.known || voices <= cfg.MaxVoiceSlots)
		case roleVideo:
			videos++
			l.keep(l.livekit.known || videos <= cfg.MaxVideoSlots)
		}
		unused := l.role == roleNone && !l.livekit.known
		l.livekit.absent = unused && (l.livekit.rejected || l.pts == [forward.Codecs]uint8{})
	}
}

// continues reports whether a line publishes what it did before.
func (l *line) continues(was *line) bool {
	return l.mid == was.mid && l.role.publishes() && was.role.publishes() &&
		slices.Equal(l.rids, was.rids) && (len(l.rids) > 0 || l.ssrc == was.ssrc)
}
