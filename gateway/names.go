package gateway

import (
	"sync"

	"earshot"
)

// maxNames bounds how many names are remembered; an arbitrary one makes room.
const maxNames = 4096

// names are those that people bore here of late, so that moderators read names
// in a queue and not ids, without opening what was said. The journal has them
// under the key of each person.
type names struct {
	mu sync.Mutex
	of map[earshot.ParticipantID]string
}

func (n *names) learn(who earshot.ParticipantID, name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.of == nil {
		n.of = make(map[earshot.ParticipantID]string)
	}
	if _, known := n.of[who]; !known && len(n.of) >= maxNames {
		for other := range n.of {
			delete(n.of, other)
			break
		}
	}
	n.of[who] = name
}

func (n *names) find(who earshot.ParticipantID) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.of[who]
}

func (n *names) forget(who earshot.ParticipantID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.of, who)
}
