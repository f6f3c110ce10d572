package livekit

import (
	"slices"
	"time"
)

const (
	// MaxAudioLines and MaxVideoLines bound the tracks a client receives at
	// once: the server asks for no more lines than that.
	MaxAudioLines = 16
	MaxVideoLines = 8
	// keepFor is how long a line stays with a track that is wanted no more:
	// who steps out of earshot is often back.
	keepFor = 5 * time.Second
	// askEvery is how long an offer that was asked for may take.
	askEvery = 2 * time.Second
	// freshAudioLines is how many lines of audio a client may have whose lines
	// are used again only when there are no more.
	freshAudioLines = 32
	// pastTracks is how many tracks a line remembers to have carried.
	pastTracks = 32
)

// Lines says which receive line of a client carries which track. Tracks of
// LiveKit's clients are bound to one participant, and a client learns of one
// only when a line that was inactive begins: so a line keeps its track until
// that is not wanted for keepFor, is answered inactive once, and only then
// carries another. It gets none that it had before as long as there may be other
// lines: native clients take that for the one they have. The zero value is ready; it belongs to its caller's lock.
type Lines struct {
	// Once says that the client's WebRTC stack cannot use a line again which
	// was inactive: every track gets a new one.
	Once bool
	// Fresh says that the client may not notice who comes by a line that carried
	// somebody before, as native SDKs of today: new lines are asked for as long
	// as there may be more.
	Fresh   bool
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
	past  []Track   // the last that it carried
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
		case idle:
			free[k]++
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
	most := [2]int{MaxAudioLines, MaxVideoLines}
	if l.Fresh {
		most[0] = freshAudioLines
	}
	l.full = [2]bool{lines[0] >= most[0], lines[1] >= most[1]}
	for k := range free { // those that none of the waiting can have are as good as none
		free[k] = l.usable(k == 1)
	}
	for k := range waits {
		need.Offer = need.Offer || dying[k] > 0 || waits[k] > 0 && free[k] > 0
		more := max(0, waits[k]-free[k]-dying[k])
		if l.Once || l.Fresh && !l.full[k] {
			more = waits[k] - free[k]
		}
		more = min(more, most[k]-lines[k])
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
		if len(n.past) == pastTracks {
			n.past = slices.Delete(n.past, 0, 1)
		}
		n.past = append(n.past, n.track)
		l.waiting = slices.Delete(l.waiting, w, w+1)
	}
	return n.track, n.state == bound
}

// takes reports whether t may come by the idle line n.
func (l *Lines) takes(n *line, t Track) bool {
	switch {
	case t.Video() != n.video:
		return false
	case l.full[kind(n.video)]:
		return true
	case l.Fresh:
		return len(n.past) == 0
	}
	return !slices.Contains(n.past, t)
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
