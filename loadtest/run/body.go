package run

import (
	"sync"
	"time"

	"earshot"
	"earshot/loadtest/model"
	"earshot/loadtest/truth"
	"earshot/spatialaudio/loudness"
)

// remembered is how many poses a body keeps: two seconds at 30 Hz, more than
// the oldest pose anybody still shows.
const remembered = 64

// body is where somebody is and was. The bot asks it for poses; what it
// answered is what the server was told, so truth goes by that and not by where
// the model would be in between. Safe for concurrent use.
type body struct {
	mu    sync.Mutex
	mover model.Mover
	past  [remembered]moment
	n     int
}

type moment struct {
	at   time.Time
	pose earshot.Pose
}

// Pose is loadtest.Mover.
func (b *body) Pose(now time.Time) earshot.Pose {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.mover.Pose(now)
	b.past[b.n%remembered] = moment{now, p}
	b.n++
	return p
}

// at returns the pose that had last been told at a time, and when; false while
// none had, or where that is longer ago than what is remembered.
func (b *body) at(now time.Time) (moment, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := b.n - 1; i >= 0 && i >= b.n-remembered; i-- {
		if m := &b.past[i%remembered]; !m.at.After(now) {
			return *m, true
		}
	}
	return moment{}, false
}

// mouth is what somebody says, as the bot asks it frame by frame, and how loud
// that counts as being. Safe for concurrent use.
type mouth struct {
	mu       sync.Mutex
	talk     model.Talking
	start    time.Time // of the scenario: when the talk began
	asked    int       // frames
	level    truth.Level
	estimate *loudness.Estimate // by which talkers are compared
	speaking bool
	since    time.Time // when speaking last changed
	heard    time.Time // when the newest frame was asked for
}

// missed is from how many frames on somebody was away and not just late.
const missed = 25

// Next is model.Talking. What was missed before joining, or while away, is
// passed over: people who talk with one another agree on whose turn it is.
func (m *mouth) Next() model.Spoken {
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if behind := int(now.Sub(m.start)/model.FrameDuration) - m.asked; behind > missed {
		model.Skip(m.talk, behind)
		m.asked += behind
	}
	m.asked++
	s := m.talk.Next()
	if s.Send {
		m.level.Observe(-float64(s.Level), now)
	}
	if speaking := s.Send && s.Voice; speaking != m.speaking {
		m.speaking, m.since = speaking, now
	}
	m.heard = now
	return s
}

// at returns how loud somebody counts as being and whether they speak, since
// when. Who has not been asked for a while has no connection. Call it about ten
// times a second.
func (m *mouth) at(now time.Time) (level float64, speaking bool, since time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	level, speaking = m.level.At(now), m.speaking && now.Sub(m.heard) < missed*model.FrameDuration
	m.estimate.Observe(now, level, speaking)
	return level + m.estimate.GainDB(), speaking, m.since
}
