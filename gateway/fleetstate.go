package gateway

import (
	"encoding/json"
	"time"

	"earshot"
	"earshot/moderation"
	"earshot/presence/cluster"
	"earshot/presence/directory"
)

const (
	// placeEvery is how often, in ticks, it is looked at whether somebody has
	// moved, and snapEvery whether there is something new to keep of an instance.
	placeEvery = tickRate / 10
	snapEvery  = 2 * tickRate
	// partStep is how far one moves before it is written, in metres, where people
	// are about to be handed over.
	partStep = 0.05
	// paceState is a flag for directory.Pace only, which changes with the state.
	paceState = 1 << 7
)

// state is what of a participant another node needs to go on with them, and
// others to find them.
type state struct {
	Name  string  `json:"n,omitempty"`
	Kind  string  `json:"k,omitempty"`
	Yaw   float32 `json:"y,omitempty"` // radians
	Muted bool    `json:"m,omitempty"` // by themselves

	// What a handoff takes over, since the client does not join anew. Granted
	// counts where Regranted is set.
	Ready     bool   `json:"r,omitempty"`
	Beds      bool   `json:"b,omitempty"`
	Binaural  bool   `json:"a,omitempty"`
	Regranted bool   `json:"p,omitempty"`
	Granted   string `json:"g,omitempty"` // with spaces between
	Withheld  string `json:"w,omitempty"` // sources, with spaces between
	// What applications were told: of whom, in which instance, and of which tracks
	// by their sources, as LiveKit numbers them, with spaces between.
	In   earshot.InstanceID `json:"i,omitempty"`
	Told string             `json:"t,omitempty"`
}

// back is where somebody was before their node went.
type back struct {
	state
	at earshot.Pose
}

// stateOf reads what Instance.tell wrote; nil where nothing is known.
func stateOf(p *cluster.Presence) *back {
	if len(p.State) == 0 {
		return nil
	}
	b := &back{}
	if json.Unmarshal(p.State, &b.state) != nil || !p.Position.Finite() {
		return nil
	}
	b.at = earshot.Standing(p.Position, b.Yaw)
	return b
}

// placed is what the directory has of a session. Only the instance's tick touches
// it.
type placed struct {
	pace  directory.Pace
	at    earshot.Vec3
	flags uint8
	turn  uint8 // paceState or 0: changes with each state that is written
	state state // without Yaw
}

// tell writes of each member what has changed enough, as often as directory.Pace
// allows; at once that they are not to be shown any more, and all of it
// while people are handed over.
func (f *fleet) tell(in *Instance, live *roster, at time.Time) {
	parting := f.parting.Load() || in.review.into.Load() != nil
	for _, s := range live.all {
		if s.seat == (cluster.Key{}) || s.hidden || !s.opened.Load() || s.over.Load() {
			continue
		}
		pose, ok := in.space.Pose(s.participant)
		if !ok {
			continue
		}
		in.mu.Lock()
		now := state{Name: s.called(), Kind: s.claims.Kind, Muted: s.muted}
		s.carry(&now)
		s.tells(&now)
		in.mu.Unlock()
		before, flags := &s.placed, in.apparent(s)
		turn := before.turn
		if now != before.state {
			turn ^= paceState
		}
		due := before.pace.Due(pose.Root, flags|turn, at)
		if !due && before.flags&^flags == 0 && !(parting && (turn != before.turn || pose.Root.Sub(before.at).Len() >= partStep)) {
			continue
		}
		before.at, before.flags, before.turn, before.state = pose.Root, flags, turn, now
		now.Yaw = pose.Yaw
		data, err := json.Marshal(now)
		if err != nil {
			continue
		}
		_ = f.Place(cluster.Presence{ // who has just left is not placed
			Participant: s.participant, Cell: directory.CellOf(pose.Root), Position: pose.Root, Flags: flags, State: data,
		})
	}
}

// snapshot is what of an instance goes on on another node.
type snapshot struct {
	Chat []chatLine `json:"chat,omitempty"`
	Room *keptRoom  `json:"room,omitempty"` // nil: not open
}

type chatLine struct {
	Who  earshot.ParticipantID `json:"who"`
	Name string                `json:"name"`
	Text string                `json:"text"`
	At   time.Time             `json:"at"`
}

// keep gives the directory what is new in an instance.
func (f *fleet) keep(in *Instance) {
	in.mu.Lock()
	room, latest := in.room.kept(), in.kept
	if n := len(in.said); n > 0 {
		latest = in.said[n-1].At
	}
	if room == in.onward.kept && latest.Equal(in.kept) {
		in.mu.Unlock()
		return
	}
	in.kept, in.onward.kept = latest, room
	var snap snapshot
	if room != (keptRoom{}) {
		snap.Room = &room
	}
	for _, l := range in.said {
		snap.Chat = append(snap.Chat, chatLine{l.Who, l.Name, l.Text, l.At})
	}
	in.mu.Unlock()
	if data, err := json.Marshal(snap); err == nil {
		_ = f.Snapshot(in.id, data) // refused where the instance is another node's by now
	}
}

// restore takes in what another node kept of the instance.
func (in *Instance) restore(data []byte) {
	var snap snapshot
	if len(data) == 0 || json.Unmarshal(data, &snap) != nil {
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.goOn(snap.Room, time.Now())
	if len(in.said) > 0 {
		return
	}
	for _, l := range snap.Chat[max(0, len(snap.Chat)-maxRecent):] {
		in.said = append(in.said, moderation.Line{Who: l.Who, Name: l.Name, Text: l.Text, At: l.At})
		in.kept = l.At
	}
}
