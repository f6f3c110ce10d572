package moderation

import "time"

// How speech is cut into windows.
const (
	windowMin   = 3 * time.Second        // from here on the next pause ends a window
	windowMax   = 5 * time.Second        // here it ends in any case
	windowWhole = 15 * time.Second       // with what was said before, where that matters
	windowLead  = time.Second            // of what was said before, in any case: words at the border
	windowPause = 400 * time.Millisecond // is a pause
	windowEnd   = 1500 * time.Millisecond
	windowLeast = 250 * time.Millisecond // of talking: less is a cough
	packetMost  = 120 * time.Millisecond // of talking that a packet stands for
)

// cutter cuts one speaker's talking into windows. It is pure.
type cutter struct {
	begin  time.Time // of the window, zero: nobody talks
	run    time.Time // of the talking without a long pause, several windows
	spoke  time.Time // last
	voiced time.Duration
}

// window is a stretch of speech: what is new in it begins at from.
type window struct {
	lead, from, to time.Time
}

// packet takes a packet and says whether a window ends with it.
func (c *cutter) packet(now time.Time, talking bool) (w window, ok bool) {
	if talking {
		if c.run.IsZero() {
			c.run = now
		}
		if c.begin.IsZero() {
			c.begin, c.spoke, c.voiced = now, now, 0
		}
		c.voiced += min(max(now.Sub(c.spoke), 0), packetMost)
		c.spoke = now
	}
	return c.tick(now)
}

// tick says whether a window ends now.
func (c *cutter) tick(now time.Time) (w window, ok bool) {
	pause := now.Sub(c.spoke)
	if c.begin.IsZero() {
		if pause >= windowEnd {
			c.run = time.Time{}
		}
		return window{}, false
	}
	length, talking := now.Sub(c.begin), c.spoke.Sub(c.begin)
	switch {
	case length < windowMax && pause < windowEnd && (pause < windowPause || talking < windowMin):
		return window{}, false
	case c.voiced < windowLeast:
		c.begin = time.Time{}
		return window{}, false
	}
	w = window{lead: c.run, from: c.begin, to: now}
	c.begin = time.Time{}
	if pause >= windowEnd {
		c.run = time.Time{}
	}
	return w, true
}

// begins returns from when on a window is listened to: all of the talking
// before it, up to windowWhole, or only a moment.
func (w *window) begins(whole bool) time.Time {
	lead := windowLead
	if whole {
		lead = windowWhole - w.to.Sub(w.from)
	}
	from := w.from.Add(-max(lead, 0))
	if w.lead.After(from) {
		return w.lead
	}
	return from
}
