package sfu

import (
	"slices"
	"strings"

	"earshot"
	"earshot/sfu/forward"

	"github.com/pion/sdp/v3"
)

// credentials are the ICE user fragment and password of one generation.
type credentials struct{ ufrag, password string }

// offer is what matters of an SDP offer. pion is given a description made of
// it instead of the client's own: what a client writes reaches pion's parsers
// only as the few values here, all of them checked.
type offer struct {
	credentials
	profile     Profile
	fingerprint string // "sha-256 AB:CD:…"
	lines       []line
	pts         [forward.Codecs]uint8
	mixed       bool // a=extmap-allow-mixed for all lines
	repairs     repairs
	stereo      bool // a LiveKit client decodes stereo
	answers     bool // it is an answer to what the server offered
	passive     bool // the answer leaves opening the DTLS association to the server
}

// parseOffer reads a participant's SDP offer. Every error is an *earshot.Error
// that says what to change.
func parseOffer(cfg *Config, text string) (*offer, error) {
	return parseProfile(cfg, Participant, text)
}

// parseProfile reads an SDP offer that must fit a profile.
func parseProfile(cfg *Config, profile Profile, text string) (*offer, error) {
	scale := 1
	if profile == LiveKit {
		scale = livekitScale
	}
	if len(text) > scale*cfg.MaxSDPBytes {
		return nil, refuse("the SDP offer has %d bytes, more than %d: offer fewer slots or fewer codecs (setCodecPreferences)", len(text), scale*cfg.MaxSDPBytes)
	}
	var d sdp.SessionDescription
	if err := d.UnmarshalString(text); err != nil {
		return nil, refuse("the body is not an SDP offer: %s", shorten(err.Error()))
	}
	if n := len(d.MediaDescriptions); n == 0 || n > scale*cfg.MaxMediaLines {
		return nil, refuse("the offer has %d media lines: offer 1 to %d", n, scale*cfg.MaxMediaLines)
	}
	o := &offer{profile: profile}
	_, o.mixed = d.Attribute(sdp.AttrKeyExtMapAllowMixed)
	if err := o.readTransport(&d); err != nil {
		return nil, err
	}
	bundled, err := readBundle(&d)
	if err != nil {
		return nil, err
	}
	seen := make(map[string]bool, len(d.MediaDescriptions))
	for i, m := range d.MediaDescriptions {
		l, err := readLine(m, profile)
		if err != nil {
			return nil, refuse("media line %d: %s", i, err)
		}
		if l.livekit.rejected {
			o.lines = append(o.lines, l)
			continue
		}
		if seen[l.mid] || !bundled[l.mid] {
			return nil, refuse("media line %d: mid %q is not unique or not in the BUNDLE group: offer with bundlePolicy max-bundle", i, l.mid)
		}
		seen[l.mid] = true
		o.lines = append(o.lines, l)
	}
	if err := o.mergeCodecs(); err != nil {
		return nil, err
	}
	o.mergeRepairs()
	return o, o.assignRoles(cfg)
}

// readTransport reads what a bundled offer has once for all lines, though it
// may repeat it on each.
func (o *offer) readTransport(d *sdp.SessionDescription) error {
	find := func(key string) (string, error) {
		found, ok := d.Attribute(key)
		for _, m := range d.MediaDescriptions {
			value, has := m.Attribute(key)
			switch {
			case has && !ok:
				found, ok = value, true
			case has && !strings.EqualFold(value, found):
				return "", refuse("the offer has two different a=%s: offer with bundlePolicy max-bundle", key)
			}
		}
		return found, nil
	}
	values := map[string]string{}
	for _, key := range []string{"ice-ufrag", "ice-pwd", "fingerprint", "setup"} {
		value, err := find(key)
		if err != nil {
			return err
		}
		values[key] = value
	}
	o.ufrag, o.password, o.fingerprint = values["ice-ufrag"], values["ice-pwd"], values["fingerprint"]
	switch {
	case !iceString(o.ufrag, 4):
		return refuse("the offer has no valid a=ice-ufrag (4 to 256 letters, digits, + or /: RFC 8839)")
	case !iceString(o.password, 22):
		return refuse("the offer has no valid a=ice-pwd (22 to 256 letters, digits, + or /: RFC 8839)")
	case !validFingerprint(o.fingerprint):
		return refuse("the offer has no valid a=fingerprint: offer DTLS-SRTP with a sha-256 fingerprint")
	case o.answers && values["setup"] == "passive":
		o.passive = true
	case values["setup"] != "actpass" && values["setup"] != "active":
		return refuse("the offer has a=setup:%s: the server is passive, offer actpass", shorten(values["setup"]))
	}
	return nil
}

func readBundle(d *sdp.SessionDescription) (map[string]bool, error) {
	for _, a := range d.Attributes {
		if a.Key != sdp.AttrKeyGroup {
			continue
		}
		if mids := strings.Fields(a.Value); len(mids) > 1 && mids[0] == "BUNDLE" {
			bundled := make(map[string]bool, len(mids))
			for _, mid := range mids[1:] {
				bundled[mid] = true
			}
			return bundled, nil
		}
	}
	return nil, refuse("the offer has no a=group:BUNDLE: offer with bundlePolicy max-bundle")
}

// mergeCodecs checks that a codec has one payload type in the whole bundle, a
// payload type one codec, and an SSRC one line.
func (o *offer) mergeCodecs() error {
	codecs := map[uint8]forward.Codec{}
	ssrcs := map[uint32]bool{}
	for i := range o.lines {
		l := &o.lines[i]
		for codec, pt := range l.pts {
			if pt == 0 {
				continue
			}
			if other := o.pts[codec]; other != 0 && other != pt {
				if o.profile == LiveKit { // levels of H.264, say; the first is taken
					l.pts[codec] = other
					continue
				}
				return refuse("payload types %d and %d mean the same codec: use one in all media lines", other, pt)
			}
			if other, ok := codecs[pt]; ok && other != forward.Codec(codec) {
				return refuse("payload type %d means two codecs: use one payload type for each", pt)
			}
			o.pts[codec], codecs[pt] = pt, forward.Codec(codec)
		}
		if l.ssrc != 0 && ssrcs[l.ssrc] {
			return refuse("SSRC %d is used by two media lines", l.ssrc)
		}
		ssrcs[l.ssrc] = true
	}
	return nil
}

// assignRoles tells camera from screen by order and checks how many lines of
// each role there are.
func (o *offer) assignRoles(cfg *Config) error {
	var count [roleChannels + 1]int
	for i := range o.lines {
		l := &o.lines[i]
		if l.role == roleCamera && count[roleCamera] == 1 && o.profile != LiveKit {
			l.role = roleScreen
		}
		count[l.role]++
	}
	if o.profile == LiveKit {
		return checkLiveKit(&count)
	}
	if o.profile != Participant {
		return o.profile.check(&count)
	}
	switch {
	case count[roleMicrophone] > 1:
		return refuse("the offer has %d sendonly audio lines: one microphone is allowed", count[roleMicrophone])
	case count[roleScreen] > 1:
		return refuse("the offer has more than two sendonly video lines: one camera and one screen are allowed")
	case count[roleVoice] > cfg.MaxVoiceSlots:
		return refuse("the offer has %d voice slots (recvonly audio): at most %d are allowed", count[roleVoice], cfg.MaxVoiceSlots)
	case count[roleVideo] > cfg.MaxVideoSlots:
		return refuse("the offer has %d video slots (recvonly video): at most %d are allowed", count[roleVideo], cfg.MaxVideoSlots)
	case count[roleChannels] != 1:
		return refuse("the offer has %d application lines: create the data channels control (id 0), pose-up (1) and pose-down (2) before the offer", count[roleChannels])
	}
	return nil
}

// restrict takes away the lines that were not granted: they are answered as
// inactive.
func (o *offer) restrict(audio, video, subscribe bool) {
	for i := range o.lines {
		l := &o.lines[i]
		switch l.role {
		case roleMicrophone:
			l.keep(audio)
		case roleCamera, roleScreen:
			l.keep(video)
		case roleVoice, roleVideo:
			l.keep(subscribe)
		}
	}
}

func (l *line) keep(granted bool) {
	if !granted {
		l.role = roleNone
	}
}

// sameLines reports whether another offer has the same lines for the same
// purposes. o may have been restricted, other not.
func (o *offer) sameLines(other *offer) bool {
	if len(o.lines) != len(other.lines) || o.pts != other.pts {
		return false
	}
	for i, l := range o.lines {
		if l.kind != other.lines[i].kind || l.mid != other.lines[i].mid ||
			l.role != other.lines[i].role && l.role != roleNone || !slices.Equal(l.rids, other.lines[i].rids) {
			return false
		}
	}
	return true
}

func refuse(format string, args ...any) error {
	return earshot.Errorf(earshot.CodeInvalidArgument, format, args...)
}

func shorten(s string) string {
	const limit = 120
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + "…"
	}
	return s
}

func token(s string, limit int) bool {
	for _, c := range []byte(s) {
		if !alphanumeric(c) && c != '-' && c != '_' {
			return false
		}
	}
	return len(s) > 0 && len(s) <= limit
}

func iceString(s string, least int) bool {
	for _, c := range []byte(s) {
		if !alphanumeric(c) && c != '+' && c != '/' && c != '-' && c != '_' { // some clients use the URL alphabet
			return false
		}
	}
	return len(s) >= least && len(s) <= 256
}

func alphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// validFingerprint accepts SHA-256, which every WebRTC implementation uses.
func validFingerprint(s string) bool {
	algorithm, value, _ := strings.Cut(s, " ")
	if !strings.EqualFold(algorithm, "sha-256") || len(value) != 32*3-1 {
		return false
	}
	for i, c := range []byte(value) {
		hex := c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
		if i%3 == 2 && c != ':' || i%3 != 2 && !hex {
			return false
		}
	}
	return true
}
