package npc

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"earshot"
	"earshot/npc/persona"
)

// bubble runs a test in a synctest bubble and ends the theatre in it, which
// finds goroutines that are left over.
func bubble(t *testing.T, change func(*ActorConfig, *ActorDeps, *theatre), play func(*theatre)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		th := enter(t, change)
		th.pass(time.Second / 2) // the first probe
		play(th)
		th.stop()
	})
}

// The first sentence plays while the second is still being written, at 50
// frames a second; captions go along with it.
func TestSpeaksWhileTheModelGoesOn(t *testing.T) {
	bubble(t, func(_ *ActorConfig, _ *ActorDeps, th *theatre) { th.model.between = 150 * time.Millisecond }, func(th *theatre) {
		th.put("ada", 0, -2)
		th.write("ada", "Do you have a room?")
		asked := time.Now()
		th.pass(600 * time.Millisecond)
		if v := th.body.voices(); len(v) == 0 || th.model.openNow() != 1 {
			t.Fatalf("%d frames while the model has %d answers open: want both", len(v), th.model.openNow())
		}
		if c := th.body.last(); c.Text != "I have four." || c.Final || c.Source != SourceModel || c.To != "ada" {
			t.Errorf("caption %+v, want the first sentence", c)
		}
		if s := th.body.state(); s.State != StateSpeaking || s.To != "ada" || s.Speaks.With != SourceModel {
			t.Errorf("state %+v, want speaking to ada", s)
		}
		th.pass(3 * time.Second)
		v := th.body.voices()
		if len(v) != 100 {
			t.Fatalf("%d frames, want 50 of each sentence", len(v))
		}
		for i := 1; i < 50; i++ {
			if d := v[i].Sub(v[i-1]); d < 15*time.Millisecond || d > 25*time.Millisecond {
				t.Errorf("frame %d comes %v after the one before, want 20ms", i, d)
			}
		}
		f := th.body.finals()
		if len(f) != 1 || f[0].Text != "I have four. Two of them are dry." || f[0].Interrupted {
			t.Errorf("final captions %+v, want the whole answer once", f)
		}
		if s := th.body.state(); s.State != StateIdle {
			t.Errorf("state %+v, want idle", s)
		}
		g := th.actor.Figures()
		if g.Turns != 1 || g.Scripted != 0 || g.Word50 <= 0 || time.Duration(g.Word50*1e6) > v[0].Sub(asked)+time.Millisecond {
			t.Errorf("figures %+v, want one turn and its first word after at most %v", g, v[0].Sub(asked))
		}
		if g.TokensIn < 100 || g.TokensOut == 0 || g.Cost <= 0 {
			t.Errorf("figures %+v, want tokens and cost", g)
		}
		th.memory.mu.Lock()
		defer th.memory.mu.Unlock()
		if len(th.memory.kept) != 1 || len(th.memory.kept[0].Turns) != 2 || th.memory.kept[0].Goals[0] != "sell-room" {
			t.Errorf("remembered %+v, want the exchange and the goal", th.memory.kept)
		}
	})
}

// Ada speaks, is understood, answered, and interrupts the answer.
func TestVoiceConversationAndBargeIn(t *testing.T) {
	bubble(t, func(_ *ActorConfig, _ *ActorDeps, th *theatre) {
		th.model.answers = []string{strings.Repeat("The island is called Sorrel. ", 20), "It is locked."}
		th.model.between = 100 * time.Millisecond
		th.hearing.texts = []string{"Tell me about the island.", "No, about the cellar."}
		th.hearing.takes = 100 * time.Millisecond
	}, func(th *theatre) {
		th.put("ada", 0, -2)
		th.pass(time.Second)
		th.talk("ada", true)
		th.pass(1500 * time.Millisecond)
		if s := th.body.state(); s.State != StateListening || s.To != "ada" {
			t.Errorf("state %+v while she speaks, want listening", s)
		}
		th.talk("ada", false)
		th.pass(1500 * time.Millisecond)
		th.hearing.mu.Lock()
		clip := len(th.hearing.clips[0])
		th.hearing.mu.Unlock()
		if clip < 80 || clip > 100 { // 60 a second here: 1.5 s
			t.Errorf("a clip of %d packets, want all of her words", clip)
		}
		if len(th.body.voices()) == 0 {
			t.Fatal("no voice answers her")
		}
		th.talk("ada", true)
		began := time.Now()
		th.pass(900 * time.Millisecond)
		v := th.body.voices()
		if late := v[len(v)-1].Sub(began.Add(500 * time.Millisecond)); late > 200*time.Millisecond {
			t.Errorf("the voice ends %v after half a second of her speech, want at most 200ms", late)
		}
		th.model.set(func() {
			if len(th.model.closed) != 1 || th.model.closed[0].Sub(began) > 700*time.Millisecond {
				t.Errorf("the model was closed at %v, want at once", th.model.closed)
			}
		})
		th.talk("ada", false)
		th.pass(3 * time.Second)
		f := th.body.finals()
		if len(f) != 2 || !f[0].Interrupted || f[1].Interrupted || f[1].Text != "It is locked." {
			t.Fatalf("final captions %+v, want one cut and one whole", f)
		}
		if n := len(f[0].Text); n == 0 || n > 200 {
			t.Errorf("the cut caption has %d letters, want what was heard: %q", n, f[0].Text)
		}
		p := th.model.prompts()
		if last := p[len(p)-1].Messages; !strings.Contains(last[len(last)-1].Content, "cellar") {
			t.Errorf("the second prompt ends with %q", last[len(last)-1])
		}
		if g := th.actor.Figures(); g.Interrupted != 1 || g.Turns != 2 {
			t.Errorf("figures %+v, want one interruption in two turns", g)
		}
	})
}

// A noise interrupts: after two seconds the sentence is said again.
func TestGoesOnAfterNoise(t *testing.T) {
	bubble(t, func(_ *ActorConfig, _ *ActorDeps, th *theatre) { th.speaker.frames = 150 }, func(th *theatre) {
		th.put("ada", 0, -2)
		th.write("ada", "Do you have a room?")
		th.pass(time.Second)
		th.talk("ada", true)
		th.pass(700 * time.Millisecond)
		th.talk("ada", false)
		quiet := len(th.body.voices())
		th.pass(time.Second)
		if n := len(th.body.voices()); n != quiet {
			t.Errorf("%d frames while it listens", n-quiet)
		}
		th.pass(9 * time.Second)
		f := th.body.finals()
		if len(f) != 1 || f[0].Interrupted || !strings.HasPrefix(f[0].Text, "I have four.") {
			t.Errorf("final captions %+v, want the answer after all", f)
		}
		if g := th.actor.Figures(); g.Resumed != 1 || g.Interrupted != 0 {
			t.Errorf("figures %+v, want one false interruption", g)
		}
	})
}

// Without a voice, words are shown as they are written, at most 5 times a
// second and then once whole.
func TestCaptionsOnly(t *testing.T) {
	bubble(t, func(_ *ActorConfig, d *ActorDeps, th *theatre) {
		d.Speaker = nil
		th.model.answers = []string{"*nods* " + strings.Repeat("word and ", 30) + "end. @give_item {\"item\": \"room key\"}"}
	}, func(th *theatre) {
		th.put("ada", 0, -2)
		th.write("ada", "Do you have a room?")
		th.pass(5 * time.Second)
		th.body.with(func() {
			if n := len(th.body.captions); n < 8 || n > 20 {
				t.Errorf("%d captions in 3 s, want about 15", n)
			}
			for i, c := range th.body.captions {
				if strings.ContainsAny(c.Text, "*@{") {
					t.Errorf("caption %q shows what is not for eyes", c.Text)
				}
				if i > 0 && !c.Final && th.body.capAt[i].Sub(th.body.capAt[i-1]) < captionEvery {
					t.Errorf("caption %d comes %v after the one before", i, th.body.capAt[i].Sub(th.body.capAt[i-1]))
				}
				if c.ID != th.body.captions[0].ID {
					t.Errorf("caption %d has another id", i)
				}
			}
			if len(th.body.deeds) != 1 || th.body.deeds[0].Name != "nod" || th.body.deeds[0].Kind != "emote" {
				t.Errorf("deeds %+v, want a nod and no action: nobody permits them", th.body.deeds)
			}
		})
		if f := th.body.finals(); len(f) != 1 || !strings.HasSuffix(f[0].Text, "and end.") {
			t.Errorf("final captions %+v", f)
		}
	})
}

// A voice that fails, hangs or is late: captions go on, and the next answer too.
func TestGoesOnWithoutVoice(t *testing.T) {
	for name, change := range map[string]func(*scriptedSpeaker){
		"fails": func(s *scriptedSpeaker) { s.fail = true },
		"hangs": func(s *scriptedSpeaker) { s.hang = true },
		"late":  func(s *scriptedSpeaker) { s.first = 2 * time.Second },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(_ *ActorConfig, _ *ActorDeps, th *theatre) { change(th.speaker) }, func(th *theatre) {
				th.put("ada", 0, -2)
				for range 2 {
					th.write("ada", "Do you have a room?")
					th.pass(2 * time.Second)
					if c := th.body.last(); !strings.HasPrefix(c.Text, "I have four.") {
						t.Errorf("caption %+v after 2 s, want the first sentence", c)
					}
					th.pass(12 * time.Second)
				}
				if f := th.body.finals(); len(f) != 2 || f[1].Text != "I have four. Two of them are dry." {
					t.Errorf("final captions %+v, want two whole answers", f)
				}
				if s := th.body.state(); s.State != StateIdle {
					t.Errorf("stuck in %+v", s)
				}
			})
		})
	}
}

// Nothing comes from the model: at the deadline a scripted line, with a reason.
func TestScriptedLineAtTheDeadline(t *testing.T) {
	bubble(t, func(_ *ActorConfig, _ *ActorDeps, th *theatre) { th.model.first = time.Hour }, func(th *theatre) {
		th.put("ada", 0, -2)
		th.write("ada", "Hello?")
		th.pass(4200 * time.Millisecond)
		c := th.body.last()
		if c.Text != "Let me think." || c.Source != SourceScript || c.Degraded != DegradedScript || c.Reason == "" {
			t.Errorf("caption %+v after 4.2 s, want the scripted line and why", c)
		}
		if n := th.model.openNow(); n != 0 {
			t.Errorf("%d answers still open", n)
		}
		th.pass(2 * time.Second)
		if g := th.actor.Figures(); g.Turns != 1 || g.Scripted != 1 || g.LastError == "" {
			t.Errorf("figures %+v, want a scripted turn and its reason", g)
		}
	})
}

func TestWithoutInferenceItSpeaksItsLines(t *testing.T) {
	bubble(t, func(_ *ActorConfig, d *ActorDeps, _ *theatre) { d.Inference = nil }, func(th *theatre) {
		if s := th.actor.Speaks(); s.With != SourceScript || s.Reason == "" {
			t.Errorf("Speaks() = %+v, want script and why", s)
		}
		th.put("ada", 0, -2)
		th.write("ada", "Hello?")
		th.pass(time.Second)
		if c := th.body.last(); c.Text != "Let me think." || c.Reason != "no model server is configured" {
			t.Errorf("caption %+v", c)
		}
	})
}

// A new version of the character speaks from the next answer on.
func TestRecastInTheMiddle(t *testing.T) {
	bubble(t, nil, func(th *theatre) {
		th.put("ada", 0, -2)
		th.write("ada", "Do you have a room?")
		th.pass(300 * time.Millisecond)
		th.actor.Recast(actorCharacter(t, func(p *persona.Persona) { p.Description = "Keeps bees." }))
		th.pass(4 * time.Second)
		if f := th.body.finals(); len(f) != 1 || f[0].Interrupted {
			t.Errorf("final captions %+v, want the answer under way to go on", f)
		}
		th.write("ada", "And now?")
		th.pass(3 * time.Second)
		p := th.model.prompts()
		if len(p) != 2 || !strings.Contains(p[1].Messages[0].Content, "bees") {
			t.Fatalf("the second prompt begins with %q, want the new character", p[len(p)-1].Messages[0].Content)
		}
		history := 0
		for _, m := range p[1].Messages {
			if strings.Contains(m.Content, "Do you have a room?") || m.Role == "assistant" {
				history++
			}
		}
		if history != 2 {
			t.Errorf("%d turns of before in the prompt, want both: the conversation goes on", history)
		}
	})
}

// Who leaves is not spoken to any more, and is forgotten.
func TestLoseInTheMiddle(t *testing.T) {
	bubble(t, func(_ *ActorConfig, _ *ActorDeps, th *theatre) {
		th.model.answers = []string{strings.Repeat("The island is called Sorrel. ", 20)}
	}, func(th *theatre) {
		th.put("ada", 0, -2)
		th.write("ada", "Tell me.")
		th.pass(time.Second)
		delete(th.people, "ada")
		th.actor.Lose("ada")
		synctest.Wait()
		n, closed := len(th.body.voices()), th.model.openNow() == 0
		th.pass(time.Second)
		if len(th.body.voices()) != n || !closed {
			t.Errorf("it goes on speaking to nobody (closed: %v)", closed)
		}
		if f := th.body.finals(); len(f) != 1 || !f[0].Interrupted {
			t.Errorf("final captions %+v", f)
		}
		th.put("ada", 0, -2)
		th.write("ada", "Again.")
		th.pass(time.Second)
		for _, m := range th.model.prompts()[1].Messages {
			if strings.Contains(m.Content, "Tell me.") {
				t.Errorf("it has not forgotten: %q", m.Content)
			}
		}
	})
}

// Before anybody speaks a backend has read the character: what it reads then is
// the beginning of what it reads to answer.
func TestRehearses(t *testing.T) {
	bubble(t, nil, func(th *theatre) {
		th.pass(time.Second)
		if n := len(th.model.rehearsals); n != 0 {
			t.Errorf("%d rehearsals with nobody there", n)
		}
		th.put("ada", 0, -4)
		th.pass(90 * time.Second)
		if n := len(th.model.rehearsals); n != 2 {
			t.Fatalf("%d rehearsals in 90 s, want one a minute", n)
		}
		th.write("ada", "Hello.")
		th.pass(2 * time.Second)
		if part, whole := th.model.rehearsals[0].Messages, th.model.prompts()[0].Messages; part[0] != whole[0] || len(part) != 2 {
			t.Errorf("rehearsed %+v, then asked %+v: want the same beginning", part[0], whole[0])
		}
		th.actor.Recast(actorCharacter(t, func(p *persona.Persona) { p.Description = "Keeps bees." }))
		th.pass(5 * time.Second)
		if n := len(th.model.rehearsals); n != 3 || !strings.Contains(th.model.rehearsals[2].Messages[0].Content, "bees") {
			t.Errorf("%d rehearsals, want one of the new part", n)
		}
	})
}

// Two at once: one answer after the other, to each their own.
func TestTwoPlayersAtOnce(t *testing.T) {
	bubble(t, func(_ *ActorConfig, _ *ActorDeps, th *theatre) { th.model.answers = []string{"One.", "Two."} }, func(th *theatre) {
		th.put("ada", -0.5, -2)
		th.put("bob", 0.5, -2)
		th.pass(time.Second)
		th.write("ada", "Mara, one?")
		th.write("bob", "Mara, two?")
		th.pass(5 * time.Second)
		f := th.body.finals()
		if len(f) != 2 || f[0].To != "ada" || f[0].Text != "One." || f[1].To != "bob" || f[1].Text != "Two." {
			t.Errorf("final captions %+v", f)
		}
	})
}

// A memory that hangs costs 150 ms, and is counted.
func TestMemoryThatHangs(t *testing.T) {
	bubble(t, func(_ *ActorConfig, _ *ActorDeps, th *theatre) { th.memory.hang = true }, func(th *theatre) {
		th.put("ada", 0, -2)
		th.write("ada", "Do you have a room?")
		th.pass(time.Second)
		if c := th.body.last(); !strings.HasPrefix(c.Text, "I have four.") {
			t.Errorf("caption %+v, want an answer without memory", c)
		}
		th.pass(3 * time.Second)
		if g := th.actor.Figures(); g.Forgetful != 2 {
			t.Errorf("%d failures of the memory counted, want 2", g.Forgetful)
		}
	})
}

// What is remembered is in the prompt; a goal that was met is not pursued again.
func TestRemembers(t *testing.T) {
	bubble(t, func(_ *ActorConfig, _ *ActorDeps, th *theatre) {
		th.memory.notes = []string{"Ada owes you three coppers."}
		th.memory.turns = []persona.Turn{{Speaker: "Ada", Text: "Good night."}, {Own: true, Text: "Sleep well."}}
		th.memory.met = map[string]bool{"sell-room": true}
	}, func(th *theatre) {
		th.put("ada", 0, -2)
		th.write("ada", "Do you have a room?")
		th.pass(3 * time.Second)
		th.write("ada", "Really?")
		th.pass(3 * time.Second)
		for i, p := range th.model.prompts() {
			all := ""
			for _, m := range p.Messages {
				all += m.Role + ": " + m.Content + "\n"
			}
			if !strings.Contains(all, "three coppers") || strings.Count(all, "Good night.") != 1 || strings.Contains(all, "Offer a room") {
				t.Errorf("prompt %d: %s", i, all)
			}
		}
	})
}

// Moderation withholds a sentence: the rest is not said either.
func TestScreen(t *testing.T) {
	bubble(t, func(_ *ActorConfig, d *ActorDeps, _ *theatre) {
		d.Screen = func(s string) (string, bool) { return strings.ToUpper(s), !strings.Contains(s, "dry") }
	}, func(th *theatre) {
		th.put("ada", 0, -2)
		th.write("ada", "Do you have a room?")
		th.pass(5 * time.Second)
		f := th.body.finals()
		if len(f) != 2 || f[0].Text != "I HAVE FOUR." || f[1].Text != "Not in my house." || f[1].Source != SourceScript {
			t.Errorf("final captions %+v", f)
		}
		if g := th.actor.Figures(); g.Screened != 1 {
			t.Errorf("%d sentences screened", g.Screened)
		}
	})
}

// lawful permits giving, and nothing to Bob.
type lawful struct{}

func (lawful) Permit(npc string, player earshot.ParticipantID, name string, args map[string]any, _ time.Time) (Deed, error) {
	if player == "bob" {
		return Deed{}, earshot.Errorf(earshot.CodeFailedPrecondition, "not to bob")
	}
	return Deed{Name: name, Kind: "give", Args: args}, nil
}

// The model proposes; the persona's list and the world decide.
func TestActions(t *testing.T) {
	bubble(t, func(_ *ActorConfig, d *ActorDeps, th *theatre) {
		d.World = lawful{}
		th.model.answers = []string{
			"Here.\n@give_item {\"item\": \"room key\"}", "Here.\n@give_item {\"item\": \"crown\"}", "Here.\n@open_gate {}", "Here.\n@give_item {\"item\": \"room key\"}",
		}
	}, func(th *theatre) {
		th.put("ada", 0, -2)
		for range 3 {
			th.write("ada", "The key?")
			th.pass(3 * time.Second)
		}
		delete(th.people, "ada")
		th.put("bob", 0, -2)
		th.pass(3 * time.Second)
		th.write("bob", "The key?")
		th.pass(3 * time.Second)
		th.body.with(func() {
			if len(th.body.deeds) != 1 || th.body.deeds[0].Name != "give_item" || th.body.deeds[0].To != "ada" || th.body.deeds[0].Args["item"] != "room key" {
				t.Errorf("deeds %+v, want the key given to ada once", th.body.deeds)
			}
		})
		if g := th.actor.Figures(); g.Acted != 1 || g.NotAllowed != 3 {
			t.Errorf("figures %+v, want 1 allowed, 3 not", g)
		}
		if p := th.model.prompts()[0].Messages[0].Content; !strings.Contains(p, "@give_item") {
			t.Errorf("the prompt does not explain actions")
		}
		for _, f := range th.body.finals() {
			if f.Text != "Here." {
				t.Errorf("caption %q, want only words", f.Text)
			}
		}
	})
}

// It is a body: it stands at home, turns to who speaks, and poses come at most
// 30 times a second and only while they change.
func TestMovesOnlyWhenSomethingChanges(t *testing.T) {
	bubble(t, nil, func(th *theatre) {
		n := 0
		th.body.with(func() { n = len(th.body.poses) })
		if n != 1 {
			t.Errorf("%d poses of a character that stands still, want 1", n)
		}
		th.put("ada", 3, 1)
		th.write("ada", "Hello, Mara.")
		th.pass(time.Second)
		th.body.with(func() { n = len(th.body.poses) })
		if n < 10 || n > 34 {
			t.Errorf("%d poses in a second of turning, want about 30", n)
		}
		th.pass(5 * time.Second)
		th.body.with(func() { n = len(th.body.poses) })
		th.pass(time.Second)
		th.body.with(func() {
			if len(th.body.poses) != n {
				t.Errorf("%d poses more after it has turned", len(th.body.poses)-n)
			}
		})
	})
}

func TestNewActorSaysWhatIsWrong(t *testing.T) {
	good := ActorConfig{ID: "mara", Character: actorCharacter(t, nil)}
	for _, tc := range []struct {
		change func(*ActorConfig, *ActorDeps)
		want   string
	}{
		{func(c *ActorConfig, _ *ActorDeps) { c.ID = "Mara Holt" }, "a-z"},
		{func(c *ActorConfig, _ *ActorDeps) { c.Character = nil }, "character"},
		{func(_ *ActorConfig, d *ActorDeps) { d.Body = nil }, "body"},
		{func(c *ActorConfig, _ *ActorDeps) { c.Place.Speed = -1 }, "place.speed"},
		{func(c *ActorConfig, _ *ActorDeps) { c.Timing.Deadline = time.Hour }, "timing.deadline"},
	} {
		cfg, deps := good, ActorDeps{Body: &recorder{}}
		tc.change(&cfg, &deps)
		if _, err := NewActor(cfg, deps); earshot.CodeOf(err) != earshot.CodeInvalidArgument || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("NewActor = %v, want it to name %s", err, tc.want)
		}
	}
}

// What must not be lost is not, however much is said: who left is forgotten.
func TestLoseIsHeardInAnyNoise(t *testing.T) {
	bubble(t, nil, func(th *theatre) {
		th.put("ada", 0, -2)
		th.see()
		for range 2 * maxHeard {
			th.actor.Hear(time.Now(), "ada", "Ada", "Noise.")
		}
		delete(th.people, "ada")
		th.actor.Lose("ada")
		th.pass(2 * time.Second)
		if v := len(th.body.voices()); v != 0 || th.model.openNow() != 0 {
			t.Errorf("%d frames and %d answers for somebody who left", v, th.model.openNow())
		}
		if g := th.actor.Figures(); g.Dropped == 0 {
			t.Errorf("nothing dropped, want what there was no room for")
		}
	})
}

func TestSeeingDoesNotAllocate(t *testing.T) {
	actor, err := NewActor(ActorConfig{ID: "mara", Character: actorCharacter(t, nil)}, ActorDeps{Body: &recorder{}})
	if err != nil {
		t.Fatal(err)
	}
	around := make([]Person, 20)
	actor.See(time.Now(), around)
	if n := testing.AllocsPerRun(100, func() { actor.See(time.Now(), around) }); n != 0 {
		t.Errorf("%v allocations per See, want 0", n)
	}
}

// With some grace a slow model still gets to speak, after the line that was
// said at the deadline.
func TestGrace(t *testing.T) {
	bubble(t, func(c *ActorConfig, d *ActorDeps, th *theatre) {
		c.Timing.Grace, c.NoRehearsal = 20*time.Second, true
		d.Speaker = nil
		th.model.first = 10 * time.Second
	}, func(th *theatre) {
		th.put("ada", 0, -2)
		th.write("ada", "Do you have a room?")
		th.pass(4500 * time.Millisecond)
		if c := th.body.last(); c.Text != "Let me think." || c.Source != SourceScript {
			t.Errorf("caption %+v at the deadline, want the scripted line", c)
		}
		th.pass(8 * time.Second)
		f := th.body.finals()
		if len(f) != 2 || f[1].Source != SourceModel || f[1].Text != "I have four. Two of them are dry." || f[1].ID == f[0].ID {
			t.Errorf("final captions %+v, want the line and then the answer", f)
		}
		if g := th.actor.Figures(); g.Turns != 1 || g.Degraded != 1 || g.Word50 > 4100 {
			t.Errorf("figures %+v, want one degraded turn whose first word came at the deadline", g)
		}
	})
}
