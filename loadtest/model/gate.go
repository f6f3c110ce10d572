package model

// dtxFrames is how often Opus refreshes comfort noise under DTX: once as a
// pause begins, and then every 400 ms.
const dtxFrames = 20

// gate decides which frames are sent: all of them, or with DTX those with
// speech and now and then one of comfort noise.
type gate struct {
	dtx     bool
	since   int // frames since the last one sent
	started bool
	spoke   bool // the last frame was speech
}

// pass completes what is known of a frame but its sending.
func (g *gate) pass(s Spoken) Spoken {
	g.since++
	s.Send = s.Voice || !g.dtx || g.spoke || g.since >= dtxFrames
	g.spoke = s.Voice
	if s.Send {
		s.Noise = g.dtx && !s.Voice
		s.Start = s.Voice && (!g.started || g.since > 1)
		g.started, g.since = true, 0
	}
	return s
}
