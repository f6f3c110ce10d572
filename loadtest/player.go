package loadtest

import "time"

// Played is a packet of Opus that a bot sends as it is.
type Played struct {
	Opus  []byte // may be used until the next call
	After uint32 // samples of 48 kHz since the beginning of the frame
	Level uint8  // -dBov, 0 to 127, as RFC 6464 has it
	Voice bool   // the V bit of RFC 6464
	Start bool   // first after a silence that was not sent
}

// Player says what a bot's microphone sends instead of Config.Talk and Sound.
// Next is called once for each FrameDuration, in order, with the time that the
// frame is due; it appends what begins in the frame to dst.
type Player interface {
	Next(due time.Time, dst []Played) []Played
}

// play sends what the player has for the frame that is due.
func (v *voice) play(due time.Time) {
	start := v.base + v.tick*SamplesPerFrame
	v.tick++
	v.played = v.cfg.Player.Next(due, v.played[:0])
	for i := range v.played {
		said := &v.played[i]
		p := &v.packet
		p.SequenceNumber++
		p.Timestamp = start + said.After
		p.Marker = said.Start
		p.Payload = append(p.Payload[:0], said.Opus...)
		level := said.Level & 127
		if said.Voice {
			level |= 0x80
		}
		if v.speak(p, level) == nil {
			v.sent.Add(1)
		}
	}
}

// Reel is a film with times of its own, which a camera shows as it is. Next
// returns the next frame that is due, as VideoSource has it, and when it is
// shown, in milliseconds that never go back; false where none is due yet.
type Reel interface {
	Next(now time.Time, want bool) (frame []byte, ms int64, ok bool)
}

// reelEvery is how often a Reel is asked for what is due.
const reelEvery = 10 * time.Millisecond

// reel sends the frames that are due.
func (c *camera) reel(now time.Time) {
	for {
		frame, ms, ok := c.cfg.Reel.Next(now, c.wanted.Swap(false))
		if !ok {
			return
		}
		e := &c.encodings[0]
		payloads := e.payload.Payload(videoMTU, frame)
		p := &e.packet
		p.Timestamp = c.start + uint32(ms*90)
		c.frames++
		for i, payload := range payloads {
			p.SequenceNumber++
			p.Marker, p.Payload = i == len(payloads)-1, payload
			_ = c.show(0, p) // closed: the bot is about to end
		}
	}
}
