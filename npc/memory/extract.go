package memory

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"earshot/npc/persona"
)

const (
	maxPerTurn  = 4 // notes of one turn
	minSentence = 4 // bytes
	givenNote   = 5 // importance of a note from the caller that no rule knows
	ownBelow    = 1 // how much less important what the NPC says itself is
)

// Extract returns notes of what a turn says, without a model: its sentences
// that one of the rules knows, in the speaker's own words. Of the NPC's own
// turns only promises are.
func Extract(t persona.Turn, now time.Time) (notes []Note) {
	for _, sentence := range sentences(t.Text) {
		kind, importance := judge(sentence)
		if kind == "" || t.Own && kind != KindPromise {
			continue
		}
		// The words stay a quotation: they are shown to models among what is
		// remembered, and must not look like something the designer wrote.
		who := "I"
		if !t.Own {
			who = clip(oneLine(t.Speaker), maxSpeaker)
			if who == "" {
				who = "They"
			}
		} else {
			importance -= ownBelow
		}
		said := clip(strings.ReplaceAll(sentence, `"`, "'"), MaxNote-len(who)-len(` said: ""`))
		notes = append(notes, Note{Text: who + ` said: "` + said + `"`, Kind: kind, Importance: importance, At: now})
		if len(notes) == maxPerTurn {
			break
		}
	}
	return notes
}

// sentences splits at the ends of sentences and at line breaks.
func sentences(text string) (all []string) {
	text = clip(text, 4*MaxText)
	begin := 0
	add := func(end int) {
		if s := oneLine(text[begin:end]); len(s) >= minSentence {
			all = append(all, s)
		}
		begin = end
	}
	for i, r := range text {
		after := i + utf8.RuneLen(r)
		switch r {
		case '\n', '。', '！', '？':
			add(after)
		case '.', '!', '?', ';', '…':
			if after == len(text) || text[after] == ' ' || text[after] == '\n' {
				add(after)
			}
		}
	}
	add(len(text))
	return all
}

// addNote keeps a note, or, where one of the same words is known, makes that
// one newer.
func (r *Record) addNote(n Note) {
	n.bound()
	if n.Text == "" {
		return
	}
	stem := unique(stems(n.Text))
	same := slices.IndexFunc(r.Notes, func(old Note) bool {
		return old.Text == n.Text || len(stem) > 0 && slices.Equal(unique(stems(old.Text)), stem)
	})
	if same >= 0 {
		n.Importance = max(n.Importance, r.Notes[same].Importance)
		r.Notes = slices.Delete(r.Notes, same, same+1)
	}
	r.Notes = append(r.Notes, n)
}

// consolidate drops the notes with the lowest score until MaxNotes are left.
// Nothing is being spoken about then, so recency and importance decide.
func (r *Record) consolidate(now time.Time) {
	over := len(r.Notes) - MaxNotes
	if over <= 0 {
		return
	}
	order := ranked(r.Notes, "", now)
	drop := order[len(order)-over:]
	slices.Sort(drop)
	for _, i := range slices.Backward(drop) {
		r.Notes = slices.Delete(r.Notes, i, i+1)
	}
}

func oneLine(s string) string {
	return strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
}

// clip returns at most n bytes of valid UTF-8, cut between runes, without
// control characters, which would be six bytes each in JSON.
func clip(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if len(s) <= n {
		return s
	}
	n = max(n, 0)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
