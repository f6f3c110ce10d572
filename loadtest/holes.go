package loadtest

import (
	"time"

	"earshot"
	"earshot/gateway/protocol"
)

// Hole is where a talker who had a slot went on soon after, in the same slot or
// in another, with frames missing in between that the network did not lose.
// It is either the server's choice to let somebody more audible have the slot,
// or its fault: Unannounced tells the two apart.
type Hole struct {
	Bot        uint32
	From, To   int       // slots
	Begin, End time.Time // the last frame before was sent, the next arrived
	Missing    time.Duration
}

// Unannounced returns the holes the server did not say were its choice: no
// `slots` message at the time of the hole shows the talker without a slot.
// messages is the listener's log, id gives the participant of a bot, and slack
// is how far a message and the packets it is about may lie apart, as they
// travel on different channels.
func Unannounced(holes []Hole, messages []Message, id func(bot uint32) earshot.ParticipantID, slack time.Duration) []Hole {
	var rest []Hole
	for _, h := range holes {
		if !announced(h.Begin.Add(-slack), h.End.Add(slack), messages, id(h.Bot)) {
			rest = append(rest, h)
		}
	}
	return rest
}

func announced(from, to time.Time, messages []Message, talker earshot.ParticipantID) bool {
	var now protocol.Slots
	for _, m := range messages {
		if _, again := m.ServerMessage.(*protocol.Welcome); again {
			now = protocol.Slots{}
		}
		if slots, ok := m.ServerMessage.(*protocol.Slots); ok {
			now.Update(slots)
			if m.At.After(from) && m.At.Before(to) && !seated(&now, talker) {
				return true
			}
		}
	}
	return false
}

func seated(slots *protocol.Slots, talker earshot.ParticipantID) bool {
	for i := range slots.Voice {
		if slots.Voice[i].Participant == talker {
			return true
		}
	}
	return false
}
