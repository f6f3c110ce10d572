package moderation

import (
	"maps"
	"sync"
	"time"

	"earshot/moderation/policy"
)

// matter is an event on its way through the tiers.
type matter struct {
	event   Event
	reading reading
	signal  policy.Signal // of tier 0
	audit   bool          // looked clean: nobody waits
	begun   time.Time
	sound   policy.Scores // of the classifier, for a voice; not changed once others know the matter

	// first gets the scores of the first tier that was asked, nil for a
	// failure, while somebody waits for them.
	first chan firstAnswer

	mu       sync.Mutex
	decided  bool   // the first decision is made: what comes now is late
	incident string // that is about it, "" for none
	held     bool
	passed   bool // others have it, perhaps masked
	masked   bool
	shown    string // what others have

	// withdraw takes back what was said, for kinds that nobody keeps by id.
	withdraw func(said string)
}

type firstAnswer struct {
	source policy.Source
	scores policy.Scores
}

// judgedBy is the signal with what a tier says, and the classifier of sound.
func (m *matter) judgedBy(from policy.Source, s policy.Scores) policy.Signal {
	if len(m.sound) > 0 {
		both := maps.Clone(s)
		for c, v := range m.sound {
			both[c] = max(both[c], v)
		}
		s = both
	}
	return signalOf(m.signal, from, s)
}

// hand gives an answer to whoever waits. It reports false if nobody does.
func (m *matter) hand(source policy.Source, s policy.Scores) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.decided {
		return false
	}
	select {
	case m.first <- firstAnswer{source, s}:
		return true
	default: // cannot be: only the first tier answers before the decision
		return false
	}
}
