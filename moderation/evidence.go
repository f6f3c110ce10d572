package moderation

import (
	"context"
	"time"

	"earshot"
	"earshot/moderation/evidence"
)

// Evidence keeps the last half minute of each voice and, when there is reason,
// writes it down. moderation/evidence does.
type Evidence interface {
	// Put remembers a packet of a speaker: RTP sequence number, timestamp at
	// 48 kHz, Opus. The bytes are copied; it does not wait.
	Put(world string, who earshot.ParticipantID, at time.Time, seq uint16, timestamp uint32, opus []byte)
	// Keep writes down what there is of a speaker and returns its id, "" where
	// there is nothing.
	Keep(ctx context.Context, world string, who earshot.ParticipantID, incident string, at time.Time) (id string, err error)
	// Appealed has evidence kept for longer.
	Appealed(ctx context.Context, ids []string, at time.Time) error
	// Sweep deletes what has been kept for its time, and forgets silent voices.
	Sweep(ctx context.Context, now time.Time) (int, error)
}

var _ Evidence = (*evidence.Store)(nil)

// keep writes down the sound of a person for an incident.
func (p *Pipeline) keep(ctx context.Context, s subject, incident string) []string {
	if p.deps.Evidence == nil || s.who == "" {
		return nil
	}
	id, err := p.deps.Evidence.Keep(ctx, s.world, s.who, incident, time.Now())
	if err != nil {
		p.log.Warn("evidence could not be kept", "incident", incident, "err", err)
		return nil
	}
	if id == "" {
		return nil
	}
	return []string{id}
}
