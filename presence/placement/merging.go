package placement

import (
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"earshot"
)

const (
	// askAgain is how long after somebody has not followed they are asked once
	// more: a connection that did not come about may the next time.
	askAgain = 15 * time.Second
	maxAsked = 2
	// maxAsking bounds those who are on their way at once.
	maxAsking = 32
)

// Guest is somebody of an instance whose people are offered to go on in another.
type Guest struct {
	Participant earshot.ParticipantID
	Party       string // those of one are asked in the same moment; empty: alone
}

// Outcome is what became of an offer.
type Outcome uint8

// The outcomes.
const (
	Went   Outcome = iota // they are there
	Stays                 // they have not followed
	Apart                 // there is somebody whom they blocked, or who blocked them: they are not asked again
	NoRoom                // nobody else can go there: it is full, gone, or given away itself
)

// Merging is a merge under way: whom to ask when, and when it is over. Create it
// with NewMerging and call Next some times a second, with who is still there.
type Merging struct {
	rate    float64   // a second
	until   time.Time // when those who are still there are left in peace
	rng     *rand.Rand
	waiting [][]earshot.ParticipantID // parties that have not been asked
	next    time.Time                 // when to ask the first of them
	asking  map[earshot.ParticipantID]bool
	asked   map[earshot.ParticipantID]int
	stayed  map[earshot.ParticipantID]time.Time // when they did not follow
	apart   map[earshot.ParticipantID]bool
	broken  bool
}

// NewMerging begins a merge of an instance with guests in it. seed makes the
// order and the moments in which they are asked.
func NewMerging(cfg *Config, guests []Guest, seed uint64, now time.Time) *Merging {
	m := &Merging{
		rate: float64(cfg.MergeInvites), until: now.Add(cfg.MergeAfter), next: now,
		rng:    rand.New(rand.NewPCG(seed, 4)),
		asking: make(map[earshot.ParticipantID]bool), asked: make(map[earshot.ParticipantID]int),
		stayed: make(map[earshot.ParticipantID]time.Time), apart: make(map[earshot.ParticipantID]bool),
	}
	guests = slices.SortedFunc(slices.Values(guests), func(a, b Guest) int {
		if c := strings.Compare(a.Party, b.Party); c != 0 {
			return c
		}
		return strings.Compare(string(a.Participant), string(b.Participant))
	})
	for i, g := range guests {
		if i > 0 && g.Party != "" && g.Party == guests[i-1].Party {
			last := &m.waiting[len(m.waiting)-1]
			*last = append(*last, g.Participant)
			continue
		}
		m.waiting = append(m.waiting, []earshot.ParticipantID{g.Participant})
	}
	m.rng.Shuffle(len(m.waiting), func(i, j int) { m.waiting[i], m.waiting[j] = m.waiting[j], m.waiting[i] })
	return m
}

// Next returns whom to ask now, of those who are still there.
func (m *Merging) Next(here []earshot.ParticipantID, now time.Time) (ask []earshot.ParticipantID) {
	m.forget(here)
	for id, since := range m.stayed {
		if m.asked[id] < maxAsked && now.Sub(since) >= askAgain && slices.Contains(here, id) {
			delete(m.stayed, id)
			m.waiting = append(m.waiting, []earshot.ParticipantID{id})
		}
	}
	for !m.broken && len(m.waiting) > 0 && !now.Before(m.next) {
		party := slices.DeleteFunc(slices.Clone(m.waiting[0]), func(id earshot.ParticipantID) bool { return !slices.Contains(here, id) })
		if len(m.asking) > 0 && len(m.asking)+len(party) > maxAsking {
			return ask
		}
		m.waiting = m.waiting[1:]
		for _, id := range party {
			m.asking[id] = true
			m.asked[id]++
		}
		ask = append(ask, party...)
		pause := float64(len(party)) / m.rate * (0.5 + m.rng.Float64())
		m.next = later(m.next, now.Add(-time.Second)).Add(time.Duration(pause * float64(time.Second)))
	}
	return ask
}

// Answered says what became of the offer to somebody. It reports false where
// there is none.
func (m *Merging) Answered(id earshot.ParticipantID, o Outcome, now time.Time) bool {
	if !m.asking[id] {
		return false
	}
	delete(m.asking, id)
	switch o {
	case Stays:
		m.stayed[id] = now
	case Apart:
		m.apart[id] = true
	case NoRoom:
		m.stayed[id], m.broken = now, true
	}
	return true
}

// Break ends the asking: the other instance is not what it was.
func (m *Merging) Break() { m.broken = true }

// forget drops those who are not there any more.
func (m *Merging) forget(here []earshot.ParticipantID) {
	for id := range m.asking {
		if !slices.Contains(here, id) {
			delete(m.asking, id)
		}
	}
}

// Answers reports whether everybody who is to be asked has been, and has
// answered or left: those who are still there have not followed.
func (m *Merging) Answers(here []earshot.ParticipantID) bool {
	if len(m.waiting)+len(m.asking) > 0 {
		return false
	}
	for id := range m.stayed {
		if m.asked[id] < maxAsked && slices.Contains(here, id) {
			return false
		}
	}
	return true
}

// Over reports whether the merge is: because the other instance cannot take
// anybody any more and nobody is on the way, or because who is there has stayed
// for Config.MergeAfter.
func (m *Merging) Over(now time.Time) bool {
	return m.broken && len(m.asking) == 0 || !now.Before(m.until)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
