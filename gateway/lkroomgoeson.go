package gateway

import (
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"earshot/gateway/livekit/wire"
	"earshot/presence/cluster"
)

// A room that goes on on another node neither ends nor begins, and who follows it
// neither leaves nor comes: applications are told of neither. What the other node
// has to know for that goes along, of the room in the instance's snapshot, of
// participants in their state.

// onward is what an instance's room is on other nodes.
type onward struct {
	passed atomic.Bool // one has it by now, or gets it, and nobody has come here since
	kept   keptRoom    // as they know it; the instance's mu guards it
}

// keptRoom is a room as it goes on elsewhere.
type keptRoom struct {
	Since    time.Time     `json:"since"`
	Metadata string        `json:"metadata,omitempty"`
	Most     int           `json:"most,omitempty"`
	Empty    time.Duration `json:"empty"`
	Departed time.Duration `json:"departed"`
}

// kept is the room as it goes on; zero where it is not open. The instance's mu is
// held.
func (r *room) kept() keptRoom {
	if !r.open || r.closing {
		return keptRoom{}
	}
	return keptRoom{r.since, r.metadata, r.most, r.empty, r.departed}
}

// goOn opens a room that was open on another node. in.mu is held.
func (in *Instance) goOn(k *keptRoom, now time.Time) {
	if k == nil || k.Since.IsZero() || in.room.open || k.Empty <= 0 || k.Departed <= 0 {
		return
	}
	in.room = room{
		open: true, since: k.Since, metadata: k.Metadata, most: max(k.Most, 0),
		empty: min(k.Empty, maxIdle), departed: min(k.Departed, maxIdle), visited: true, idle: now,
	}
	in.agentsOpen(nil, now)
}

// passes notes that somebody has followed their instance to another node.
func (f *fleet) passes(e *cluster.Event) {
	if s := f.movable(e.Key); s != nil && s.in.id == e.Instance {
		s.follows.Store(true)
		s.in.onward.passed.Store(true)
	}
}

// lost notes that another node has an instance now.
func (f *fleet) lost(e *cluster.Event) {
	for _, in := range f.g.running() {
		if in.id == e.Instance {
			in.onward.passed.Store(true)
		}
	}
}

// tells notes what applications were told of s. in.mu is held.
func (s *session) tells(st *state) {
	if !s.in.g.hooks.Active() || !s.opened.Load() || s.resident != nil {
		return
	}
	st.In = s.in.id
	for i, t := range s.published {
		if i > 0 {
			st.Told += " "
		}
		st.Told += strconv.Itoa(int(t.Source))
	}
}

// knownAlready reports whether applications know of s in this room from another node, and
// have what they know of its tracks not told again.
func (s *session) knownAlready() bool {
	if s.back == nil || !s.followed || s.back.In != s.in.id {
		return false
	}
	s.announced = map[wire.TrackSource]int{}
	for _, source := range strings.Fields(s.back.Told) {
		if n, err := strconv.Atoi(source); err == nil {
			s.announced[wire.TrackSource(n)]++
		}
	}
	return true
}

// unannounced reports whether applications are to be told of a track.
func (s *session) unannounced(t *wire.TrackInfo) bool {
	if s.announced[t.Source] == 0 {
		return true
	}
	s.announced[t.Source]--
	return false
}
