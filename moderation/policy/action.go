package policy

import (
	"encoding/json"
	"slices"
	"time"
)

// Action is what is done, in the order of their harshness.
type Action string

// The actions, mildest first. Mask and hold concern a message; the others, and
// mask with a duration, a person.
const (
	None    Action = "none"
	Nudge   Action = "nudge"   // the person alone is told
	Mask    Action = "mask"    // others see it with words covered; for a time: whatever is uncertain, too
	Hold    Action = "hold"    // others do not get it until somebody has judged it; after For it is dropped
	Slow    Action = "slow"    // few messages a minute
	Mute    Action = "mute"    // neither voice nor chat reaches anybody
	Isolate Action = "isolate" // mute, and neither hears nor sees the others
	Kick    Action = "kick"    // out of the instance; may come back
	Suspend Action = "suspend" // out of the world for the time
)

// Actions returns all actions, mildest first.
func Actions() []Action {
	return []Action{None, Nudge, Mask, Hold, Slow, Mute, Isolate, Kick, Suspend}
}

// Rank is the place of an action among Actions: 0 for none, -1 for no action
// at all.
func (a Action) Rank() int {
	switch a {
	case None:
		return 0
	case Nudge:
		return 1
	case Mask:
		return 2
	case Hold:
		return 3
	case Slow:
		return 4
	case Mute:
		return 5
	case Isolate:
		return 6
	case Kick:
		return 7
	case Suspend:
		return 8
	}
	return -1
}

// lasts says whether an action can stay in force for a time.
func (a Action) lasts() bool {
	return slices.Contains([]Action{Mask, Slow, Mute, Isolate, Suspend}, a)
}

// Act is an action and how long it stays in force.
type Act struct {
	Action Action
	For    time.Duration // 0: at once and done, or until lifted where the action lasts
}

// endless says whether it stays in force until it is lifted.
func (a Act) endless() bool { return a.For == 0 && a.Action.lasts() && a.Action != Mask }

type actJSON struct {
	Action  Action  `json:"action"`
	Seconds float64 `json:"for_s,omitempty"`
}

// MarshalJSON writes the duration in seconds.
func (a Act) MarshalJSON() ([]byte, error) {
	return json.Marshal(actJSON{a.Action, a.For.Seconds()})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (a *Act) UnmarshalJSON(data []byte) error {
	var in actJSON
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	const most = 100 * 365 * 24 * 3600
	*a = Act{in.Action, time.Duration(min(max(in.Seconds, 0), most) * float64(time.Second))}
	return nil
}

// String is like "mute 10m".
func (a Act) String() string {
	if a.For == 0 {
		return string(a.Action)
	}
	return string(a.Action) + " " + Duration(a.For).String()
}
