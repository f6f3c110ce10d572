package sfu

import (
	"time"

	"earshot"
	"earshot/sfu/forward"
)

// Profile says which media lines an offer may have, and so what its session is
// for.
type Profile uint8

// The profiles.
const (
	// Participant offers what PROTOCOL.md, section 2, lists: media both ways
	// and the three data channels.
	Participant Profile = iota
	// Publisher offers one voice and one video to be sent, and nothing to be
	// received: WHIP (RFC 9725).
	Publisher
	// Player offers one voice and one video to be received, and nothing to be
	// sent: WHEP (draft-ietf-wish-whep).
	Player
	// LiveKit offers what a client of LiveKit does, again and again: voices and
	// videos both ways, and data channels that are opened in the band. Such a
	// session begins with SFU.Open.
	LiveKit
)

// hasChannels reports whether sessions have data channels.
func (p Profile) hasChannels() bool { return p == Participant || p == LiveKit }

// String returns the protocol that the profile is of.
func (p Profile) String() string {
	return [...]string{"the join protocol", "WHIP", "WHEP", "LiveKit"}[p]
}

// resume is how long nothing may come from a client before ICE gives up; 0 is as
// configured. A client of LiveKit restarts ICE when its browser has found the
// connection dead, after half a minute; whoever opened the session may end it
// sooner.
func (p Profile) resume() time.Duration {
	if p == LiveKit {
		return 90 * time.Second
	}
	return 0
}

// direction is how a line of an offer is meant. WHIP and WHEP clients may offer
// sendrecv, and are answered in one direction (RFC 9725, section 4.2).
func (p Profile) direction(offered string) string {
	switch {
	case offered != "sendrecv":
		return offered
	case p == Publisher || p == LiveKit:
		return "sendonly"
	case p == Player:
		return "recvonly"
	}
	return offered
}

// check refuses lines that WHIP or WHEP has no use for.
func (p Profile) check(count *[roleChannels + 1]int) error {
	sent := count[roleMicrophone] + count[roleCamera] + count[roleScreen]
	received := count[roleVoice] + count[roleVideo]
	switch {
	case count[roleChannels] > 0:
		return refuse("the offer has an application line: %s has no data channels, leave it out", p)
	case p == Publisher && received > 0:
		return refuse("the offer has recvonly lines: WHIP publishes only, watch by WHEP")
	case p == Player && sent > 0:
		return refuse("the offer has sendonly lines: WHEP plays only, publish by WHIP")
	case sent+received == 0:
		return refuse("the offer has no audio or video line in use")
	case count[roleMicrophone] > 1 || count[roleVoice] > 1:
		return refuse("the offer has more than one audio line: %s takes one audio and one video", p)
	case count[roleCamera]+count[roleScreen] > 1 || count[roleVideo] > 1:
		return refuse("the offer has more than one video line: %s takes one audio and one video", p)
	}
	return nil
}

// grant takes away from a participant's offer what was not granted. By WHIP and
// WHEP all of the offer is taken or nothing, so that nobody believes to be
// heard who is not (RFC 9725, section 4.4.3).
func (o *offer) grant(by *Offer) error {
	if o.profile == Participant {
		o.restrict(by.PublishAudio, by.PublishVideo, by.Subscribe)
		return nil
	}
	for i := range o.lines {
		l, missing := &o.lines[i], ""
		switch {
		case l.role == roleMicrophone && !by.PublishAudio:
			missing = "publish.audio"
		case l.role == roleCamera && !by.PublishVideo:
			missing = "publish.video"
		case (l.role == roleVoice || l.role == roleVideo) && !by.Subscribe:
			missing = "subscribe"
		}
		if missing != "" {
			return earshot.Errorf(earshot.CodePermissionDenied,
				"the offer has %s in media line %d, which the token does not grant: ask for one with %s, or leave the line out", l.kind, i, missing)
		}
	}
	return o.identified()
}

// identified refuses what is published without saying which packets are whose:
// pion finds a line by its SSRC or by the names of its layers.
func (o *offer) identified() error {
	for i := range o.lines {
		if l := &o.lines[i]; l.role.publishes() && l.ssrc == 0 && len(l.rids) == 0 {
			return refuse("media line %d declares no SSRC (a=ssrc): the server could not tell whose its packets are", i)
		}
	}
	return nil
}

// assumedLevel is how loud a publisher without RFC 6464 levels counts as, in
// dBov: a presenter at a microphone. Encoders for streaming send no levels.
const assumedLevel = -30

// assume lets a publisher's voice count although no level of it comes.
func (p *Publication) assume(profile Profile) {
	if p.kind == forward.Audio && (profile == Publisher || profile == LiveKit) && p.levelID == 0 {
		p.assumed = assumedLevel
	}
}

// quietFrame is the most bytes of an Opus packet that holds no sound: DTX and
// the frames that end a talkspurt (RFC 6716, section 3.1).
const quietFrame = 3
