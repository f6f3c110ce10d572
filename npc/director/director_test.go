package director

import (
	"fmt"
	"testing"
	"time"

	"earshot"
	"earshot/npc/persona"

	"pgregory.net/rapid"
)

// Whatever happens in whatever order: one model is asked at a time, nothing is
// said but of the turn under way and in order, a turn that began ends, and
// once nobody does anything any more the character is idle again.
func TestTurnsNeverOverlapNorStick(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, err := New(Config{Character: rapidCharacter, World: "plaza", Hears: true})
		if err != nil {
			t.Fatal(err)
		}
		s := &stage{d: d, now: epoch, people: map[earshot.ParticipantID]*Person{}}
		w := &referee{t: t, d: d}
		ids := []string{"ada", "bob", "cid", "dan", "eve", "fay"}
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			id := rapid.SampledFrom(ids).Draw(t, "who")
			switch rapid.IntRange(0, 13).Draw(t, "what") {
			case 0:
				look := rapid.SampledFrom(append(ids, "npc", "npc", "away")).Draw(t, "look")
				s.put(id, rapid.Float64Range(-9, 9).Draw(t, "x"), rapid.Float64Range(-9, 1).Draw(t, "z"), look)
			case 1:
				if s.people[earshot.ParticipantID(id)] != nil {
					s.talk(id, rapid.Bool().Draw(t, "on"))
				}
			case 2:
				d.Said(s.now, earshot.ParticipantID(id), id, rapid.SampledFrom([]string{"Mara, a room?", "hm", "and", "hello"}).Draw(t, "text"))
			case 3, 4, 5:
				w.pass(s, time.Duration(rapid.IntRange(1, 40).Draw(t, "ticks"))*50*time.Millisecond)
			case 6:
				d.Transcribed(s.now, d.clips-ClipID(rapid.IntRange(0, 1).Draw(t, "old")), rapid.SampledFrom([]string{"", "mhm", "Mara, and", "Mara, hello."}).Draw(t, "words"))
			case 7:
				d.Deaf(s.now, d.clips)
			case 8:
				d.Sentence(s.now, w.some(), "A sentence.")
			case 9:
				id := w.some()
				if rapid.Bool().Draw(t, "whole") {
					d.Thought(s.now, id)
				} else {
					d.Failed(s.now, id, "broken")
				}
				w.answered(id)
			case 10:
				part := rapid.IntRange(0, 3).Draw(t, "part")
				d.Begun(s.now, w.some(), part)
				d.Spoken(s.now, w.some(), part)
			case 11:
				d.Withheld(s.now, w.some())
			case 12:
				delete(s.people, earshot.ParticipantID(id))
				d.Lose(s.now, earshot.ParticipantID(id))
			case 13:
				d.Happened(s.now, "cellar_opened", map[string]string{"a": "b"})
			}
			w.look(s.now)
		}
		for id := range s.people {
			s.talk(string(id), false)
		}
		for range 40 { // nobody moves, no worker reports: only time passes
			w.pass(s, 10*time.Second)
		}
		if state, to := d.State(); state != Idle || d.turn.id != 0 || len(d.waiting) > 0 {
			t.Fatalf("after minutes of quiet: %v to %q, turn %+v, %d waiting", state, to, d.turn, len(d.waiting))
		}
	})
}

var rapidCharacter = func() *persona.Character {
	c, err := persona.NewCharacter(persona.Persona{
		Version: 1, Name: "Mara", Greeting: "Evening. Come in.", Lines: persona.Lines{Fallback: []string{"Hm."}, Busy: []string{"Later."}},
		Goals: []persona.Goal{{ID: "g", Activation: persona.Activation{On: persona.TriggerEvent, Event: "cellar_opened"}, Instruction: "Speak of it.", Repeatable: true}},
	})
	if err != nil {
		panic(err)
	}
	return c
}()

// referee checks the order of commands.
type referee struct {
	t        *rapid.T
	d        *Director
	thinking TurnID // a model is asked for this one
	turn     TurnID
	part     int
	stopped  bool
}

func (w *referee) some() TurnID {
	return w.d.turns - TurnID(rapid.SampledFrom([]int{0, 0, 0, 1}).Draw(w.t, "age"))
}

func (w *referee) answered(id TurnID) {
	if w.thinking == id {
		w.thinking = 0
	}
}

func (w *referee) pass(s *stage, d time.Duration) {
	step := 50 * time.Millisecond
	if d > 5*time.Second {
		step = time.Second
	}
	for end := s.now.Add(d); s.now.Before(end); {
		s.now = s.now.Add(step)
		w.d.See(s.now, s.around())
		w.look(s.now)
	}
}

func (w *referee) look(now time.Time) {
	for {
		c, ok := w.d.Next()
		if !ok {
			break
		}
		switch c.Do {
		case DoThink:
			if w.thinking != 0 {
				w.t.Fatalf("a model is asked for turn %d while one still answers %d", c.Turn, w.thinking)
			}
			w.thinking = c.Turn
		case DoCancel:
			w.answered(c.Turn)
		case DoSay:
			if w.turn != c.Turn {
				if c.Turn < w.turn {
					w.t.Fatalf("turn %d speaks after turn %d", c.Turn, w.turn)
				}
				w.turn, w.part, w.stopped = c.Turn, 0, false
			}
			if c.Part != w.part && !(w.stopped && c.Part < w.part) {
				w.t.Fatalf("turn %d says part %d, want %d", c.Turn, c.Part, w.part)
			}
			w.part, w.stopped = c.Part+1, false
		case DoStop:
			w.stopped = true
		case DoFinish:
			if w.thinking == c.Turn && w.d.turn.id == c.Turn {
				w.t.Fatalf("turn %d ends while its model still answers", c.Turn)
			}
			w.answered(c.Turn)
		}
	}
	if len(w.d.waiting) > maxWaiting+1 {
		w.t.Fatalf("%d wait, want at most %d", len(w.d.waiting), maxWaiting+1)
	}
}

// A single person before the character is always answered, whatever they say.
func TestSinglePersonIsAlwaysAnswered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, _ := New(Config{Character: rapidCharacter})
		s := &stage{d: d, now: epoch, people: map[earshot.ParticipantID]*Person{}}
		s.put("ada", rapid.Float64Range(-3, 3).Draw(t, "x"), rapid.Float64Range(-7, -1).Draw(t, "z"), "npc")
		s.pass(50 * time.Millisecond)
		d.Said(s.now, "ada", "Ada", rapid.StringMatching(`[a-z,. ?]{1,40}`).Draw(t, "text"))
		if c, ok := d.Next(); !ok || c.Do != DoThink {
			t.Fatalf("not answered: %+v", c)
		}
	})
}

// Four voices are followed at once; others are counted.
func TestFollowsFourVoices(t *testing.T) {
	s := newStage(t, true, func(p *persona.Persona) { p.Greeting = "" })
	for i := range 6 {
		id := fmt.Sprintf("p%d", i)
		s.put(id, float64(i)-3, -3, "npc")
		s.talk(id, true)
	}
	s.pass(2 * time.Second)
	followed := 0
	for i := range s.d.talkers {
		if s.d.talkers[i].phase == talking {
			followed++
		}
	}
	if c := s.d.Counts(); followed != 4 || c.Unheard != 2 {
		t.Errorf("follows %d, %d unheard, want 4 and 2", followed, c.Unheard)
	}
}

// twelve people stand before the character, and two of them talk.
func twelve(t testing.TB) *stage {
	s := newStage(t, true, func(p *persona.Persona) { p.Greeting = "" })
	for i := range 12 {
		s.put(fmt.Sprintf("p%d", i), float64(i)-6, -3, "npc")
	}
	s.talk("p3", true)
	s.talk("p4", true)
	s.pass(2 * time.Second)
	return s
}

func TestPerceivingDoesNotAllocate(t *testing.T) {
	s := twelve(t)
	around := s.around()
	if n := testing.AllocsPerRun(200, func() {
		s.now = s.now.Add(50 * time.Millisecond)
		s.d.See(s.now, around)
		s.d.State()
		s.d.Step(s.now)
		for {
			if _, ok := s.d.Next(); !ok {
				break
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations per look, want 0", n)
	}
}

func TestSound(t *testing.T) {
	for text, want := range map[string]Sounding{
		"": Nothing, "[music]": Nothing, " (coughs) ": Nothing, "...": Nothing,
		"Mhm.": Backchannel, "Yeah, yeah.": Backchannel, "Uh-huh": Backchannel, "I see.": Backchannel, "oh wow": Backchannel,
		"Yes.": Finished, "No": Finished, "Do you have a room?": Finished, "What are you like?": Finished, "Give me the key.": Finished,
		"I want a room and": Unfinished, "I want a room and.": Unfinished, "Well, the": Unfinished, "So...": Unfinished, "One bed,": Unfinished,
		"Ich möchte ein Zimmer und": Unfinished, "Gute Nacht.": Finished, "你好": Finished, "我想要，": Unfinished,
	} {
		if got := Sound(text); got != want {
			t.Errorf("Sound(%q) = %d, want %d", text, got, want)
		}
	}
}

func TestMentioned(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		others     []string
		voice      bool
		want       mention
	}{
		{"Mara Holt", "Mara, good evening", nil, false, named},
		{"Mara Holt", "good evening, Mrs Holt", nil, false, named},
		{"Mara Holt", "hey mara!", nil, false, named},
		{"Mara Holt", "Mara is late again", nil, false, namedInset},
		{"Mara Holt", "I was talking with Mara about rooms", nil, false, namedInset},
		{"Mara Holt", "good evening, Mahra", nil, true, likeNamed},
		{"Mara Holt", "good evening, Mahra", nil, false, notNamed},
		{"Mara Holt", "good evening, Marah", []string{"marah"}, true, notNamed},
		{"Mara Holt", "good evening, Sarah", nil, true, notNamed},
		{"José", "jose, come", nil, false, named},
		{"Old Pim", "an old story", nil, true, notNamed},
		{"Philippa", "filipa, come here", nil, true, likeNamed},
		{"Al", "al, come here", nil, true, named},
		{"小明", "小明你好", nil, true, named},
	} {
		if got := mentioned(wordsOf(tc.text), callNames(tc.name), tc.others, tc.voice); got != tc.want {
			t.Errorf("mentioned(%q in %q) = %d, want %d", tc.name, tc.text, got, tc.want)
		}
	}
}
