package npc

import (
	"context"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"earshot"
	"earshot/npc/persona"
)

// Limits of what an actor keeps of conversations by itself; what lasts is in
// its Memory.
const (
	maxTurns    = 96              // of all conversations together
	maxPlayers  = 64              // whose earlier turns are kept
	sharedFor   = 2 * time.Minute // others hear what is said to one of them
	maxSaid     = 4 << 10         // bytes of one turn
	maxRecalled = 40              // turns of a Recollection
)

// dialogues are the conversations of an actor: one list in the order of what was
// said, since people stand around and listen.
type dialogues struct {
	turns   []dialogueTurn
	dropped int
	players map[earshot.ParticipantID]*earlier
}

// dialogueTurn is one turn of the conversation with a player.
type dialogueTurn struct {
	with earshot.ParticipantID
	at   time.Time
	persona.Turn
}

// earlier is what the memory had of a player when they first spoke.
type earlier struct {
	at    time.Time
	turns []persona.Turn
	first int
	met   map[string]bool // goals
}

// history is what a prompt is told of the conversation.
type history struct {
	turns  []persona.Turn
	first  int
	seed   uint64
	loaded bool // the memory's part is in it
	met    map[string]bool
}

func newDialogues() *dialogues { return &dialogues{players: map[earshot.ParticipantID]*earlier{}} }

// with returns a copy of what is known of the conversation with a player.
func (t *dialogues) with(now time.Time, player earshot.ParticipantID) (h history) {
	f := fnv.New64a()
	f.Write([]byte(player))
	h.seed, h.first = f.Sum64(), t.dropped
	if e := t.players[player]; e != nil {
		h.loaded, h.met, h.first = true, e.met, h.first+e.first
		h.turns = append(h.turns, e.turns...)
	}
	for i := range t.turns {
		if u := &t.turns[i]; u.with == player || now.Sub(u.at) < sharedFor {
			h.turns = append(h.turns, u.Turn)
		}
	}
	return h
}

// load keeps what the memory had. Whose last conversation is longest ago makes
// room.
func (t *dialogues) load(now time.Time, player earshot.ParticipantID, r Recollection) {
	if t.players[player] != nil {
		return
	}
	if len(t.players) >= maxPlayers {
		var oldest earshot.ParticipantID
		for id, e := range t.players {
			if o := t.players[oldest]; o == nil || e.at.Before(o.at) || e.at.Equal(o.at) && id < oldest {
				oldest = id
			}
		}
		delete(t.players, oldest)
	}
	turns, first := newest(r)
	t.players[player] = &earlier{at: now, turns: turns, first: first, met: r.Goals}
}

func newest(r Recollection) (turns []persona.Turn, first int) {
	skip := max(len(r.Turns)-maxRecalled, 0)
	return slices.Clone(r.Turns[skip:]), r.FirstTurn + skip
}

func (t *dialogues) add(now time.Time, with earshot.ParticipantID, turn persona.Turn) {
	if len(turn.Text) > maxSaid {
		turn.Text = strings.ToValidUTF8(turn.Text[:maxSaid], "")
	}
	t.turns = append(t.turns, dialogueTurn{with, now, turn})
	if over := len(t.turns) - maxTurns; over > 0 {
		over = max(over, maxTurns/4) // in steps, so that prompts begin alike
		t.turns = slices.Delete(t.turns, 0, over)
		t.dropped += over
	}
}

func (t *dialogues) forget(id earshot.ParticipantID) {
	delete(t.players, id)
	t.turns = slices.DeleteFunc(t.turns, func(u dialogueTurn) bool { return u.with == id })
}

// recall asks the memory, within its time, and puts what it knows into the
// question. It returns the notes for the prompt.
func (a *Actor) recall(ctx context.Context, q *question, s *stage) []string {
	if a.deps.Memory == nil {
		return nil
	}
	type recalled struct {
		Recollection
		err error
	}
	got := make(chan recalled, 1)
	limit, cancel := context.WithTimeout(ctx, memoryTime)
	s.work.Go(func() {
		defer cancel()
		r, err := a.deps.Memory.Recall(limit, a.cfg.ID, q.To, q.Text, time.Now())
		got <- recalled{r, err}
	})
	var r recalled
	select {
	case r = <-got:
	case <-limit.Done():
		r.err = earshot.Errorf(earshot.CodeDeadlineExceeded, "the memory took more than %v", memoryTime)
	}
	if r.err != nil {
		s.report(ctx, func(s *stage) { s.forgetful(r.err) })
		q.Goals = unmet(q.character.Persona(), q.Goals, q.earlier.met)
		return nil
	}
	if !q.earlier.loaded {
		turns, first := newest(r.Recollection)
		q.earlier.turns, q.earlier.first = append(turns, q.earlier.turns...), q.earlier.first+first
		s.report(ctx, func(s *stage) {
			if s.thought != nil && s.thought.turn == q.Turn { // else they may have been forgotten
				s.dialogues.load(time.Now(), q.To, r.Recollection)
			}
		})
	}
	q.Goals = unmet(q.character.Persona(), q.Goals, r.Goals)
	if r.Summary != "" {
		return append([]string{r.Summary}, r.Notes...)
	}
	return r.Notes
}

// unmet leaves out the goals that this player has met already, unless they are
// repeatable.
func unmet(p *persona.Persona, active []string, met map[string]bool) []string {
	return slices.DeleteFunc(slices.Clone(active), func(id string) bool {
		at := slices.IndexFunc(p.Goals, func(g persona.Goal) bool { return g.ID == id })
		return at < 0 || met[id] && !p.Goals[at].Repeatable
	})
}

func (s *stage) forgetful(err error) {
	s.trouble(time.Now(), "memory", err, func(f *Figures) { f.Forgetful++ })
}

// learn keeps a turn, here and in the memory.
func (s *stage) learn(p *performance, said string) {
	now := time.Now()
	e := Experience{Goals: p.goals}
	if p.asked != "" && p.answers {
		e.Turns = append(e.Turns, persona.Turn{Speaker: p.name, Text: p.asked})
	}
	if said != "" {
		e.Turns = append(e.Turns, persona.Turn{Own: true, Text: said})
	}
	for _, t := range e.Turns {
		s.dialogues.add(now, p.to, t)
	}
	if s.deps.Memory != nil && p.to != "" && len(e.Turns) > 0 && p.asked != "" {
		s.keeper.keep(s, keeping{player: p.to, at: now, e: e})
	}
}
