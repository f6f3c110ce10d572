package memory

import (
	"slices"
	"time"

	"earshot/npc/persona"
)

// Remember adds what is new. Turns over MaxTurns go, in steps of turnStep, and
// leave an extract of themselves in the summary; of notes over MaxNotes those
// with the lowest score go.
func (r *Record) Remember(e Experience, now time.Time) {
	r.summarised(e.Summary, e.Through)
	for _, t := range e.Turns[max(0, len(e.Turns)-2*MaxTurns):] {
		for _, n := range Extract(t, now) {
			r.addNote(n)
		}
		if text := clip(t.Text, MaxText); text != "" {
			r.Turns = append(r.Turns, Turn{Own: t.Own, Speaker: clip(oneLine(t.Speaker), maxSpeaker), Text: text, At: now})
		}
	}
	for _, text := range e.Notes[max(0, len(e.Notes)-MaxNotes):] {
		kind, importance := judge(text)
		if kind == "" {
			kind, importance = KindEvent, givenNote
		}
		r.addNote(Note{Text: text, Kind: kind, Importance: importance, At: now})
	}
	for _, goal := range e.Goals {
		if goal != "" && len(goal) <= 64 && !slices.Contains(r.Goals, goal) {
			r.Goals = append(r.Goals, goal)
		}
	}
	r.Seen = now
	r.shorten()
	r.consolidate(now)
	r.bound()
}

// Recall returns what there is to know when about is being said: the newest
// turns, the summary, and the maxRecalled notes that fit best.
func (r *Record) Recall(about string, now time.Time) Recollection {
	out := Recollection{Summary: r.Summary, FirstTurn: r.FirstTurn, Goals: map[string]bool{}, Known: !r.Seen.IsZero()}
	for _, t := range r.Turns {
		out.Turns = append(out.Turns, persona.Turn{Own: t.Own, Speaker: t.Speaker, Text: t.Text})
	}
	for _, goal := range r.Goals {
		out.Goals[goal] = true
	}
	order := ranked(r.Notes, about, now)
	for _, i := range order[:min(len(order), maxRecalled)] {
		out.Notes = append(out.Notes, r.Notes[i].Text)
	}
	out.Request = r.request()
	return out
}

// maxRecalled is how many notes are offered for a prompt, which takes as many
// as it has room for.
const maxRecalled = 12
