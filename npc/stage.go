package npc

import (
	"context"
	"time"

	"earshot"
	"earshot/npc/persona"
)

// stage is an actor while it runs: all its state, owned by one goroutine.
type stage struct {
	*Actor
	character *persona.Character
}

func newStage(a *Actor) *stage { return &stage{Actor: a, character: a.cfg.Character} }

func (s *stage) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case f := <-s.inbox:
			f(s)
		case <-s.kick:
		}
	}
}

func (s *stage) hear(now time.Time, from earshot.ParticipantID, name, text string) {}
func (s *stage) lose(id earshot.ParticipantID)                                     {}
func (s *stage) event(name string, variables map[string]string)                    {}
func (s *stage) recast(c *persona.Character)                                       { s.character = c }
