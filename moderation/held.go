package moderation

import (
	"sync"
	"time"

	"earshot"
)

// maxHeld bounds the texts that are held. What comes on top is never released.
const maxHeld = 2048

// held keeps texts that others did not get yet.
type held struct {
	m *metrics

	mu    sync.Mutex
	texts map[earshot.EventID]heldText
}

type heldText struct {
	*matter
	until time.Time
}

func newHeld(m *metrics) *held { return &held{m: m, texts: map[earshot.EventID]heldText{}} }

func (h *held) put(m *matter, now time.Time, most time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.texts) >= maxHeld {
		h.m.refused.WithLabelValues("held").Inc()
		return
	}
	h.texts[m.event.ID] = heldText{m, now.Add(most)}
}

// take removes a text and reports whether it was there.
func (h *held) take(id earshot.EventID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, ok := h.texts[id]
	delete(h.texts, id)
	return ok
}

// of returns the held text of an incident, nil if there is none.
func (h *held) of(id earshot.EventID) *matter {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.texts[id].matter
}

// drop forgets texts whose time is over.
func (h *held) drop(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, t := range h.texts {
		if !t.until.After(now) {
			delete(h.texts, id)
		}
	}
}
