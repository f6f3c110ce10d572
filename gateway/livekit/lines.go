package livekit

import (
	"slices"
	"time"
)

const (
	// MaxAudioLines and MaxVideoLines bound the tracks a client receives at
	// once.
	MaxAudioLines = 16
	MaxVideoLines = 6
	// keepFor is how long a line stays with a track that is wanted no more:
	// who steps out of earshot is often back.
	keepFor = 5 * time.Second
	// askEvery is how long an offer that was asked for may take.
	askEvery = 2 * time.Second
	// audioLines and videoLines bound the lines it is asked for. They are more,
	// because a line is used again only when there may be no others.
	audioLines = 32
	videoLines = 8
)

// Lines says which receive line of a client carries which track. Tracks of
// LiveKit's clients are bound to one participant, and a client learns of one
// only when a line that was inactive begins: so a line keeps its track until
// that is not wanted for keepFor, is answered inactive once, and only then
// carries another. As long as there may be more lines, a track gets one that
// carried nobody: a line keeps its SSRC, and libwebrtc's receivers stay mute for
// the next one who comes by it, or take them for the one before. The zero value is ready; it belongs to its caller's lock.
type Lines struct {
	// Once says that the client's WebRTC stack cannot use a line again which
	// was inactive: every track gets a new one.
	Once    bool
	lines   []line
	waiting []Track // wanted, and without a line
	asked   time.Time
	full    [2]bool // no more lines may be asked for: of audio, of video
}

type line struct {
	mid   string
	video bool
	state lineState
	track Track     // unless idle
	used  time.Time // when track was last wanted
	spoke bool      // it has carried a track
}

type lineState uint8

const (
	idle    lineState = iota // the client was told that nothing comes
	bound                    // the client was told of track
	leaving                  // the next answer says that nothing comes
	spent                    // nothing comes any more
)

// Need is what a client has to be asked for.
type Need struct {
	Offer        bool // one at all
	Audio, Video int  // with so many lines more
}

// Want takes the tracks that shall be received, the most important first, and
// says what the client has to offer for that.
func (l *Lines) Want(now time.Time, tracks []Track) Need {
	var count [2]int
	l.waiting = l.waiting[:0]
	for _, t := range tracks {
		most := [2]int{MaxAudioLines, MaxVideoLines}[kind(t.Video())]
		if count[kind(t.Video())]++; count[kind(t.Video())] > most {
			continue
		}
		if i := slices.IndexFunc(l.lines, func(n line) bool { return n.track == t && n.state == bound }); i >= 0 {
			l.lines[i].used = now
			continue
		}
		l.waiting = append(l.waiting, t)
	}
	l.release(now, tracks)
	return l.need(now)
}

// release gives up the lines of tracks that are wanted no more.
func (l *Lines) release(now time.Time, tracks []Track) {
	for i := range l.lines {
		n := &l.lines[i]
		if n.state == bound && !slices.Contains(tracks, n.track) && now.Sub(n.used) >= keepFor {
			n.state = leaving
		}
	}
}

func (l *Lines) need(now time.Time) (need Need) {
	var free, dying, waits, lines [2]int
	for _, n := range l.lines {
		k := kind(n.video)
		switch n.state {
		case leaving:
			dying[k]++
		case spent:
			continue
		}
		lines[k]++
	}
	for _, t := range l.waiting {
		waits[kind(t.Video())]++
	}
	l.full = [2]bool{lines[0] >= audioLines, lines[1] >= videoLines}
	for k := range waits {
		free[k] = l.usable(k == 1)
		need.Offer = need.Offer || dying[k] > 0 || waits[k] > 0 && free[k] > 0
		more := min(waits[k]-free[k], [2]int{audioLines, videoLines}[k]-lines[k])
		if more <= 0 {
			continue
		}
		need.Offer = true
		if k == 0 {
			need.Audio = more
		} else {
			need.Video = more
		}
	}
	if !need.Offer || now.Sub(l.asked) < askEvery {
		return Need{}
	}
	l.asked = now
	return need
}

// Name returns the track that a receive line carries from the answer on that is
// being made; ok is false for none. It is called for every receive line of
// every answer. there says whether a track still is.
func (l *Lines) Name(mid string, video bool, now time.Time, there func(Track) bool) (t Track, ok bool) {
	l.asked = time.Time{}
	i := slices.IndexFunc(l.lines, func(n line) bool { return n.mid == mid })
	if i < 0 {
		i = len(l.lines)
		l.lines = append(l.lines, line{mid: mid, video: video})
	}
	n := &l.lines[i]
	switch {
	case n.state == leaving, n.state == bound && !there(n.track):
		n.state, n.track = l.empty(), Track{}
	case n.state == idle:
		w := slices.IndexFunc(l.waiting, func(t Track) bool { return l.takes(n, t) && there(t) })
		if w < 0 {
			n.state = l.empty()
			break
		}
		n.track, n.state, n.used = l.waiting[w], bound, now
		n.spoke = true
		l.waiting = slices.Delete(l.waiting, w, w+1)
	}
	return n.track, n.state == bound
}

// takes reports whether t may come by the idle line n.
func (l *Lines) takes(n *line, t Track) bool {
	return t.Video() == n.video && (!n.spoke || l.full[kind(n.video)])
}

// usable counts the idle lines that waiting tracks can have.
func (l *Lines) usable(video bool) (count int) {
	waiting := slices.Clone(l.waiting)
	for i := range l.lines {
		n := &l.lines[i]
		if n.state != idle || n.video != video {
			continue
		}
		if w := slices.IndexFunc(waiting, func(t Track) bool { return l.takes(n, t) }); w >= 0 {
			waiting = slices.Delete(waiting, w, w+1)
			count++
		}
	}
	return count
}

// empty is the state of a line that the client is told has nothing.
func (l *Lines) empty() lineState {
	if l.Once {
		return spent
	}
	return idle
}

// Drop gives up the line of a track that is no more: at once, since nobody
// comes back with it.
func (l *Lines) Drop(t Track) {
	for i := range l.lines {
		if n := &l.lines[i]; n.track == t && n.state == bound {
			n.state = leaving
		}
	}
}

// Bound returns the line that carries a track, "" if none does.
func (l *Lines) Bound(t Track) (mid string) {
	for _, n := range l.lines {
		if n.track == t && n.state == bound {
			return n.mid
		}
	}
	return ""
}

func kind(video bool) int {
	if video {
		return 1
	}
	return 0
}
