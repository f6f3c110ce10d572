package run

import (
	"strings"
	"sync"
	"time"

	"earshot"
)

// lines are the chat lines of a run: each of one sender is different, so that
// a receiver finds when it was sent. They are words, since what looks like a
// number or a secret is for moderation to look at.
type lines struct {
	mu   sync.Mutex
	sent map[earshot.ParticipantID]*[recentLines]line
	n    map[earshot.ParticipantID]int
}

type line struct {
	text string
	at   time.Time
}

// recentLines is how many of one sender are remembered.
const recentLines = 32

func newLines() *lines {
	return &lines{sent: map[earshot.ParticipantID]*[recentLines]line{}, n: map[earshot.ParticipantID]int{}}
}

// next returns the next line of p.
func (l *lines) next(p *person, now time.Time) string {
	id := p.participant()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sent[id] == nil {
		l.sent[id] = &[recentLines]line{}
	}
	n := l.n[id]
	l.n[id]++
	text := phrase(n)
	l.sent[id][n%recentLines] = line{text, now}
	return text
}

// when returns when a line was sent.
func (l *lines) when(from earshot.ParticipantID, text string) (time.Time, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if recent := l.sent[from]; recent != nil {
		for i := range recent {
			if recent[i].text == text && text != "" {
				return recent[i].at, true
			}
		}
	}
	return time.Time{}, false
}

// phrase is the n-th harmless line.
func phrase(n int) string {
	look := strings.Fields("blue green red yellow white black silver golden bright dark warm cold quiet round tall small")
	thing := strings.Fields("river tree lantern bench fountain door window garden bridge tower market lamp boat stone field roof")
	place := strings.Fields("north south east west left right hill square")
	return "look at the " + look[n%16] + " " + thing[n/16%16] + " by the " + place[n/256%8] + " side"
}
