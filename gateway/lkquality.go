package gateway

import (
	"math"
	"sync/atomic"
	"time"

	"earshot"
	"earshot/gateway/livekit"
	"earshot/gateway/livekit/wire"
	"earshot/sfu"
)

// gradeEvery is how often connections are graded, in ticks: as often as
// browsers report on voices.
const gradeEvery = 5 * tickRate

// graded is how good a session's connection is, for the clients of LiveKit who
// are told.
type graded struct {
	quality livekit.Quality // of the instance's tick
	now     atomic.Uint64   // the grade in the upper half, one more than it is; the score's bits below
}

// grade returns what a connection was graded last; ok is false before that.
func (g *graded) grade() (grade wire.ConnectionQuality, score float32, ok bool) {
	now := g.now.Load()
	return wire.ConnectionQuality(now>>32) - 1, math.Float32frombits(uint32(now)), now != 0
}

// regrade grades the connection of s.
func (s *session) regrade(now time.Time) {
	if s.media == nil || !s.opened.Load() {
		return
	}
	voice, video, paused := s.media.Transit(now)
	grade, score := s.graded.quality.Take(livekit.Travels{
		Voice: travel(voice), Video: travel(video), Paused: paused, Broken: s.interrupted.Load() != 0,
	})
	s.graded.now.Store(uint64(grade+1)<<32 | uint64(math.Float32bits(score)))
}

func travel(t sfu.Transit) livekit.Travel {
	return livekit.Travel{Expected: t.Expected, Lost: t.Lost, Jitter: t.Jitter, RoundTrip: t.RoundTrip}
}

// lkShown is what a client is shown: a track, and whether it is paused for want
// of downlink.
type lkShown struct {
	track  livekit.Track
	paused bool
}

// shown lists the videos that state shows, as the client knows them.
func (l *lkLine) shown(state []sfu.SlotState) (list []lkShown) {
	live := l.s.in.live.Load()
	for i := range state {
		p := state[i].Publication
		if p == nil {
			continue
		}
		track := livekit.SlotTrack(state[i].Slot, true)
		if l.slots == 0 {
			s := live.byID[p.Participant()]
			if s == nil {
				continue
			}
			track = s.track(livekit.SourceNamed(p.Source()))
		}
		list = append(list, lkShown{track, state[i].Paused})
	}
	return list
}

// tellStates tells the client of videos that were paused, or go on.
func (l *lkLine) tellStates(shown []lkShown, out *livekit.Out) {
	update := &wire.StreamStateUpdate{}
	paused := make(map[livekit.Track]bool)
	for _, s := range shown {
		if s.paused {
			paused[s.track] = true
		}
		if s.paused == l.paused[s.track] {
			continue
		}
		state := wire.StreamActive
		if s.paused {
			state = wire.StreamPaused
		}
		update.StreamStates = append(update.StreamStates, &wire.StreamStateInfo{
			ParticipantSID: livekit.ParticipantSID(s.track.Of), TrackSID: s.track.SID(), State: state,
		})
	}
	l.paused = paused
	if len(update.StreamStates) > 0 {
		out.Signals = append(out.Signals, &wire.SignalResponse{StreamStateUpdate: update})
	}
}

// tellGrades tells the client how good its own connection is and those of the
// people near it, where that changed. SDKs pass by what they are told before they
// have made something of the join response, so it waits for their media.
func (l *lkLine) tellGrades(near []earshot.ParticipantID, out *livekit.Out) {
	if !l.connected.Load() {
		return
	}
	update := &wire.ConnectionQualityUpdate{}
	live, told := l.s.in.live.Load(), make(map[earshot.ParticipantID]wire.ConnectionQuality)
	look := func(id earshot.ParticipantID) {
		s := live.byID[id]
		if s == nil || id != l.s.participant && !l.view.Knows(id) {
			return
		}
		grade, score, known := s.graded.grade()
		if !known {
			return
		}
		told[id] = grade
		if was, before := l.grades[id]; !before || was != grade {
			update.Updates = append(update.Updates, &wire.ConnectionQualityInfo{
				ParticipantSID: livekit.ParticipantSID(id), Quality: grade, Score: score,
			})
		}
	}
	look(l.s.participant)
	for _, id := range near {
		look(id)
	}
	l.grades = told // who comes near again is told again
	if len(update.Updates) > 0 {
		out.Signals = append(out.Signals, &wire.SignalResponse{ConnectionQuality: update})
	}
}

// lkTaken are the tracks of which their publisher knows that somebody has them.
type lkTaken [lkSources]atomic.Pointer[livekit.Track]

// taken tells the client, once for each track, that somebody receives what it
// publishes of a source. It takes no lock.
func (l *lkLine) taken(source string) {
	t := l.own(livekit.SourceNamed(source))
	if t.Of == "" {
		return
	}
	told := l.subscribed[t.Source].Load()
	if told != nil && *told == t || !l.subscribed[t.Source].CompareAndSwap(told, &t) {
		return
	}
	_ = l.post(lkEvent{signal: &wire.SignalResponse{TrackSubscribed: &wire.TrackSubscribed{TrackSID: t.SID()}}})
}

// tookSlots tells publishers of the first who receives a track of theirs, by the
// slots of listener.
func (in *Instance) tookSlots(live *roster, listener *session, state []sfu.SlotState) {
	if live.doors == 0 || listener.hidden {
		return
	}
	for i := range state {
		p := state[i].Publication
		if p == nil {
			continue
		}
		if s := live.byID[p.Participant()]; s != nil && s.door != nil {
			s.door.taken(p.Source())
		}
	}
}
