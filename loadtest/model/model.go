package model

import (
	"time"

	"earshot"
)

// FrameDuration is the step of talk and of voice: how much sound one voice
// packet carries.
const FrameDuration = 20 * time.Millisecond

// Mover is where somebody is at a time. Times do not go back; steps may have
// any length.
type Mover interface {
	Pose(now time.Time) earshot.Pose
}

// Talking is what somebody's microphone does: one Spoken for every frame of
// FrameDuration, asked in order.
type Talking interface {
	Next() Spoken
}

var (
	_ Mover   = (*Walker)(nil)
	_ Mover   = (*Follower)(nil)
	_ Mover   = (*Flow)(nil)
	_ Mover   = (*Teleporter)(nil)
	_ Mover   = (*Stander)(nil)
	_ Talking = (*Talker)(nil)
)
