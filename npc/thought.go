package npc

import (
	"context"
	"errors"
	"io"
	"maps"
	"strings"
	"time"

	"earshot"
	"earshot/npc/director"
	"earshot/npc/persona"
	"earshot/npc/router"
)

// thought is the answer that a model is asked for. There is one at a time.
type thought struct {
	turn   director.TurnID
	ended  time.Time
	cancel context.CancelFunc
}

// question is all that a worker needs to ask for an answer: copies.
type question struct {
	director.Command
	character *persona.Character
	variables map[string]string
	earlier   history
	around    []string // names of others who are near
}

// think asks a model. The stage goes on meanwhile.
func (s *stage) think(ctx context.Context, c director.Command) {
	s.cancelThought(0)
	p := s.play.of(c)
	p.asked, p.answers, p.goals = c.Text, !c.Happening, c.Goals
	if c.Happening {
		p.asked = happened(c)
	}
	q := &question{Command: c, character: s.character, earlier: s.dialogues.with(time.Now(), c.To), variables: s.variables()}
	q.Text = p.asked
	s.rehearsed = time.Now()
	ctx, cancel := context.WithCancel(ctx)
	s.thought = &thought{turn: c.Turn, ended: c.Ended, cancel: cancel}
	s.work.Go(func() {
		err := s.Actor.answer(ctx, q, s)
		reason := reasonOf(err)
		s.report(ctx, func(s *stage) {
			now := time.Now()
			if s.thought != nil && s.thought.turn == c.Turn {
				s.thought = nil
			}
			if err != nil {
				s.trouble(now, "model", err, func(*Figures) {})
				s.d.Failed(now, c.Turn, reason)
				return
			}
			s.d.Thought(now, c.Turn)
		})
		cancel()
	})
}

// variables is a copy of what the game reported.
func (s *stage) variables() map[string]string { return maps.Clone(s.d.Variables()) }

// happened tells a model what happened, as nobody's words.
func happened(c director.Command) string {
	if c.Text == "approach" {
		return "(" + c.Name + " comes near.)"
	}
	return "(" + strings.ReplaceAll(c.Text, "_", " ") + " happened. " + c.Name + " is near.)"
}

// cancelThought closes the model's answer at once; turn 0 means any.
func (s *stage) cancelThought(turn director.TurnID) {
	if s.thought != nil && (turn == 0 || s.thought.turn == turn) {
		s.thought.cancel()
		s.thought = nil
	}
}

func (s *stage) thoughtEnded(turn director.TurnID) time.Time {
	if s.thought != nil && s.thought.turn == turn {
		return s.thought.ended
	}
	return time.Now()
}

// answer asks for an answer and reports it piece by piece. It runs on a
// worker's goroutine; s is only reported to.
func (a *Actor) answer(ctx context.Context, q *question, s *stage) error {
	if a.deps.Inference == nil {
		return errNoServer
	}
	p := q.character.Persona()
	models := a.models(p)
	if len(models) == 0 {
		return errNoModel
	}
	notes := a.recall(ctx, q, s)
	scene := q.scene(a, notes)
	prompt, err := q.character.Prompt(scene)
	if err != nil {
		return err
	}
	req := Request{
		World: a.cfg.World, Class: Dialogue, Models: models, Region: a.cfg.Region, Labels: a.cfg.Labels, MaxTokens: prompt.MaxOutput,
		Options:  Options{Temperature: p.Model.Temperature, TopP: p.Model.TopP, Stop: StopWords(q.Name)},
		Patience: max(time.Until(q.Until), 50*time.Millisecond),
	}
	for _, m := range prompt.Messages {
		req.Messages = append(req.Messages, Message{Role: string(m.Role), Content: m.Content})
	}
	stream, err := a.deps.Inference.Chat(ctx, req)
	if err != nil {
		return err
	}
	defer a.spent(stream)
	defer stream.Close()
	placed := stream.Placement()
	a.figures.firstToken(placed.TTFT)
	s.report(ctx, func(s *stage) {
		if s.play.turn == q.Turn {
			s.play.mark = markOf(placed.Degraded)
		}
	})
	return a.read(ctx, q, stream, s)
}

// StopWords are what small models write instead of ending: the marks of example
// dialogues, and the player's next words.
func StopWords(player string) []string {
	return []string{"<START>", "<END>", "\n" + player + ":"}
}

// scene is what the character's prompt is made from.
func (q *question) scene(a *Actor, notes []string) persona.Scene {
	speaker := q.Name
	if q.Happening {
		speaker = ""
	}
	return persona.Scene{
		User: q.Name, World: a.cfg.World, Variables: q.variables, FirstTurn: q.earlier.first, Notes: notes, Goals: q.Goals,
		Turns: append(q.earlier.turns, persona.Turn{Speaker: speaker, Text: q.Text}),
		Act:   a.deps.World != nil && len(q.character.Persona().Actions) > 0, Seed: q.earlier.seed,
	}
}

// read takes the answer apart while it comes.
func (a *Actor) read(ctx context.Context, q *question, stream *Stream, s *stage) error {
	p := q.character.Persona()
	split := director.NewSplitter([]string{p.Called(), p.Name}, []string{q.Name}, 0)
	live := !a.deps.voiced(a.cfg.Labels) && a.deps.Screen == nil // words may be shown as they come
	said := 0
	for {
		text, err := stream.Next()
		if err != nil && err != io.EOF {
			split.End(false)
			return err
		}
		pieces := split.Write(text)
		if err == io.EOF {
			// A sentence cut by the limit of tokens is better not begun.
			pieces = append(pieces, split.End(said == 0 || stream.Usage().Finish != "length")...)
		}
		for _, piece := range pieces {
			if !a.hand(ctx, q, piece, s) {
				return nil
			}
			said++
		}
		if err == io.EOF || split.Done() {
			return nil
		}
		if pending := split.Pending(); live && pending != "" {
			s.report(ctx, func(s *stage) { s.partial(q.Turn, pending) })
		}
	}
}

// hand gives the director one piece, and reports whether it wants more.
func (a *Actor) hand(ctx context.Context, q *question, piece director.Piece, s *stage) bool {
	switch piece.Kind {
	case director.PieceGesture:
		s.report(ctx, func(s *stage) { s.d.Gesture(time.Now(), q.Turn, piece.Text) })
		return true
	case director.PieceAction:
		s.report(ctx, func(s *stage) { s.d.Act(time.Now(), q.Turn, piece.Text) })
		return true
	}
	text, ok := piece.Text, true
	if a.deps.Screen != nil {
		text, ok = a.deps.Screen(text)
	}
	if !ok {
		a.figures.add(func(f *Figures) { f.Screened++ })
		a.deps.Metrics.troubles.WithLabelValues("screened").Inc()
		s.report(ctx, func(s *stage) { s.d.Withheld(time.Now(), q.Turn) })
		return false
	}
	s.report(ctx, func(s *stage) { s.d.Sentence(time.Now(), q.Turn, text) })
	return true
}

// spent counts what an answer took, wherever it ended.
func (a *Actor) spent(stream *Stream) {
	u, price := stream.Usage(), a.deps.Inference.price(stream.Placement().Backend)
	a.figures.add(func(f *Figures) {
		f.TokensIn += uint64(max(u.PromptTokens, 0))
		f.TokensOut += uint64(max(u.OutputTokens, 0))
		f.Cost += price * float64(u.PromptTokens+u.OutputTokens) / 1e6
	})
}

var (
	errNoServer = earshot.Errorf(earshot.CodeFailedPrecondition, "no model server is configured")
	errNoModel  = earshot.Errorf(earshot.CodeFailedPrecondition, "no model server within this world's policy answers")
)

// reasonOf says in words for a player why a model did not answer.
func reasonOf(err error) string {
	var refusal *router.Refusal
	var failure *Failure
	switch {
	case err == nil:
		return ""
	case errors.Is(err, errNoServer), errors.Is(err, errNoModel):
		return text(err)
	case errors.As(err, &refusal):
		switch refusal.Filter {
		case router.ByLocality, router.ByCapability:
			return errNoModel.Message
		}
		return "the model servers are busy"
	case errors.As(err, &failure):
		switch failure.Kind {
		case FailedTimeout:
			return "no model answered in time"
		case FailedBusy:
			return "the model servers are busy"
		}
		return "the model server failed"
	case earshot.CodeOf(err) == earshot.CodeDeadlineExceeded:
		return "no model answered in time"
	}
	return "the model could not be asked"
}
