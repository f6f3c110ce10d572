package run

import (
	"sync"
	"sync/atomic"
	"time"

	"earshot"
	"earshot/loadtest/model"
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

// mouth is what somebody says, as the bot asks it frame by frame. What it said
// last can be read by others.
type mouth struct {
	talk  model.Talking
	start time.Time     // of the scenario: when the talk began
	asked int           // frames
	said  atomic.Uint32 // level, voice, sent
}

// missed is from how many frames on somebody was away and not just late.
const missed = 25

const (
	saidVoice = 1 << 8
	saidSend  = 1 << 9
)

// Next is model.Talking. What was missed before joining, or while away, is
// passed over: people who talk with one another agree on whose turn it is.
func (m *mouth) Next() model.Spoken {
	if behind := int(time.Since(m.start)/model.FrameDuration) - m.asked; behind > missed {
		model.Skip(m.talk, behind)
		m.asked += behind
	}
	m.asked++
	s := m.talk.Next()
	v := uint32(s.Level)
	if s.Voice {
		v |= saidVoice
	}
	if s.Send {
		v |= saidSend
	}
	m.said.Store(v)
	return s
}

// last returns the newest frame: its level in dBov and whether it is voice.
func (m *mouth) last() (dBov float64, voice, sent bool) {
	v := m.said.Load()
	return -float64(v & 0xff), v&saidVoice != 0, v&saidSend != 0
}
