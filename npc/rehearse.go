package npc

import (
	"context"
	"io"
	"time"

	"earshot/npc/persona"
)

// When an actor goes through its part.
const (
	rehearseAfter = time.Minute // without a question: another character may have the backend's cache
	rehearseLimit = time.Minute
)

// rehearse has a backend read the part of the prompt that stays the same, while
// somebody comes near and has not said anything yet: what it then has to read
// to answer is a line, not a page. On a CPU that is the difference between a
// minute and a second.
func (s *stage) rehearse(ctx context.Context, now time.Time) {
	due := s.rehearsed.IsZero() || now.Sub(s.rehearsed) >= rehearseAfter
	if !due || s.cfg.NoRehearsal || s.rehearsing || s.thought != nil || s.speaks.Load().With != SourceModel || !s.d.Company() {
		return
	}
	s.rehearsed, s.rehearsing = now, true
	q := &question{character: s.character, variables: s.variables()}
	s.work.Go(func() {
		err := s.Actor.rehearse(ctx, q)
		s.report(ctx, func(s *stage) {
			if s.rehearsing = false; err != nil {
				s.log.Debug("an NPC could not rehearse", "err", err)
			}
		})
	})
}

func (a *Actor) rehearse(ctx context.Context, q *question) error {
	ctx, cancel := context.WithTimeout(ctx, rehearseLimit)
	defer cancel()
	scene := q.scene(a, nil)
	scene.Turns = []persona.Turn{{Text: "Hello."}}
	prompt, err := q.character.Prompt(scene)
	if err != nil {
		return err
	}
	req := Request{
		World: a.cfg.World, Models: a.models(q.character.Persona()), Region: a.cfg.Region, Labels: a.cfg.Labels,
		// With the requests nobody waits for, so that no answer waits for it.
		Class: Moderation, MaxTokens: 1, NoHedge: true, Patience: rehearseLimit,
	}
	for _, m := range append(prompt.Messages[:prompt.Stable:prompt.Stable], persona.Message{Role: persona.RoleUser, Content: "Hello."}) {
		req.Messages = append(req.Messages, Message{Role: string(m.Role), Content: m.Content})
	}
	stream, err := a.deps.Inference.Chat(ctx, req)
	if err != nil {
		return err
	}
	defer a.spent(stream)
	defer stream.Close()
	for err == nil {
		_, err = stream.Next()
	}
	if err == io.EOF {
		return nil
	}
	return err
}
