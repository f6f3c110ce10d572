package moderation

import (
	"time"

	"earshot"
	"earshot/moderation/policy"
)

// Speaker is somebody whose voice is judged.
type Speaker struct {
	World    string
	Instance earshot.InstanceID
	Who      earshot.ParticipantID
	Name     string
	Age      policy.Age
	Language string // BCP 47, for the transcription and for statements; "" if not known
}

// Ear hears one speaker: see Pipeline.Listen. Its methods may be called from
// any goroutine and never wait.
type Ear struct{}

// Put takes one packet and whether its sender was talking at the time, as the
// SFU's levels have it. The bytes are copied.
func (e *Ear) Put(now time.Time, p Packet, talking bool) {}

// Close ends the hearing: the speaker left, or moved to another world. What
// was said before is still judged.
func (e *Ear) Close() {}
