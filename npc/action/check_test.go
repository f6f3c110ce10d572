package action

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"earshot"
	"earshot/npc/persona"
)

func ask(t testing.TB, p *persona.Persona, s *State, at Situation, name string, args map[string]any, now time.Time) (Deed, error) {
	t.Helper()
	d, c, err := Check(p, s, at, name, args, now)
	if err == nil {
		s.Apply(d, c, now)
	}
	return d, err
}

func wantCode(t testing.TB, err error, want earshot.Code, what string) {
	t.Helper()
	if earshot.CodeOf(err) != want {
		t.Errorf("%s: %v, want %q", what, err, want)
	}
}

func TestConditions(t *testing.T) {
	p := keeper(t)
	apple := map[string]any{"item": "apple"}
	for _, tc := range []struct {
		name   string
		change func(s *State, at *Situation)
		want   earshot.Code
	}{
		{"all hold", func(*State, *Situation) {}, ""},
		{"at the edge", func(_ *State, at *Situation) { at.Distance = 3 }, ""},
		{"too far", func(_ *State, at *Situation) { at.Distance = 3.01 }, earshot.CodeFailedPrecondition},
		{"distance not known", func(_ *State, at *Situation) { at.Distance = -1 }, earshot.CodeFailedPrecondition},
		{"distance NaN", func(_ *State, at *Situation) { at.Distance = math.NaN() }, earshot.CodeFailedPrecondition},
		{"quest not done", func(s *State, _ *Situation) { s.Variables["quest"] = "Done" }, earshot.CodeFailedPrecondition},
		{"none left", func(s *State, _ *Situation) { s.Stock = map[string]int{"apple": 0} }, earshot.CodeFailedPrecondition},
		{"nobody", func(_ *State, at *Situation) { at.Player = "" }, earshot.CodeInvalidArgument},
	} {
		s, at := generous(), near
		tc.change(s, &at)
		_, _, err := Check(p, s, at, "give_item", apple, start)
		wantCode(t, err, tc.want, tc.name)
	}
}

func TestNumbers(t *testing.T) {
	p := keeper(t)
	for gold, want := range map[string]bool{
		"10": true, "10.0": true, "1e2": true, "9.99": false, "": false, "ten": false, "NaN": false, "Inf": false,
		"+Inf": false, "infinity": false, "1e400": false, " 20": false, "20 ": false, strings.Repeat("9", 40): false, "-20": false,
	} {
		s := generous()
		s.Variables["gold"] = gold
		if _, _, err := Check(p, s, near, "open_gate", nil, start); (err == nil) != want {
			t.Errorf("gold %q: %v, want permitted %v", gold, err, want)
		}
	}
}

func TestStockCooldownOnce(t *testing.T) {
	p, s := keeper(t), generous()
	two := map[string]any{"item": "apple", "count": int64(2)}
	if _, err := ask(t, p, s, near, "give_item", two, start); err != nil || s.Held(p, "apple") != 1 || s.Variables["given"] != "1" {
		t.Fatalf("%v: %d apples, given %q", err, s.Held(p, "apple"), s.Variables["given"])
	}
	one := map[string]any{"item": "apple"}
	bob := near
	bob.Player = "pa_bob"
	for _, tc := range []struct {
		name  string
		after time.Duration
		at    Situation
		args  map[string]any
		want  earshot.Code
	}{
		{"at once", 0, near, one, earshot.CodeResourceExhausted},
		{"another player, too soon", 4 * time.Second, bob, one, earshot.CodeResourceExhausted},
		{"a clock that went back", -time.Hour, bob, one, earshot.CodeResourceExhausted},
		{"the same player, too soon", 29 * time.Second, near, one, earshot.CodeResourceExhausted},
		{"more than is left", 6 * time.Second, bob, two, earshot.CodeFailedPrecondition},
		{"another player", 6 * time.Second, bob, one, ""},
		{"nothing is left", time.Hour, near, one, earshot.CodeFailedPrecondition},
	} {
		_, err := ask(t, p, s, tc.at, "give_item", tc.args, start.Add(tc.after))
		wantCode(t, err, tc.want, tc.name)
	}
	if s.Variables["given"] != "2" {
		t.Errorf("given %q, want 2", s.Variables["given"])
	}
	if _, err := ask(t, p, s, near, "open_gate", nil, start); err != nil {
		t.Fatal(err)
	}
	_, err := ask(t, p, s, near, "open_gate", nil, start.Add(1000*time.Hour))
	wantCode(t, err, earshot.CodeFailedPrecondition, "once, again")
	if _, err := ask(t, p, s, bob, "open_gate", nil, start); err != nil {
		t.Errorf("once for another player: %v", err)
	}
	s.Prune(p, start.Add(1000*time.Hour))
	_, err = ask(t, p, s, near, "open_gate", nil, start.Add(1000*time.Hour))
	wantCode(t, err, earshot.CodeFailedPrecondition, "once, after pruning")
	if len(s.uses) != 2 {
		t.Errorf("%d uses are kept, want the two onces", len(s.uses))
	}
	s.Forget("pa_eve")
	if _, err := ask(t, p, s, near, "open_gate", nil, start.Add(1000*time.Hour)); err != nil {
		t.Errorf("after forgetting: %v", err)
	}
}

func TestMoves(t *testing.T) {
	p, s := keeper(t), generous()
	for way, want := range map[string]earshot.Code{"mill": "", "gate": "", "Mill": earshot.CodeFailedPrecondition, "../mill": earshot.CodeFailedPrecondition, "": earshot.CodeFailedPrecondition} {
		d, err := ask(t, p, s, near, "go_to", map[string]any{"waypoint": way}, start)
		wantCode(t, err, want, way)
		if err == nil && (d.Kind != "move" || d.To != "pa_eve") {
			t.Errorf("deed %+v", d)
		}
	}
	p.Actions = append(p.Actions, persona.Action{Name: "come", Kind: persona.KindMove})
	if d, err := ask(t, p, s, near, "come", nil, start); err != nil || d.Kind != "move" {
		t.Errorf("to the player: %+v %v", d, err)
	}
}

// Effects happen in order, on what those before left, and all or none.
func TestEffects(t *testing.T) {
	ten, set := 10.0, "5"
	p := &persona.Persona{Stock: map[string]int{"key": 1}, Variables: map[string]string{"word": "x"}}
	act := func(effects ...persona.Effect) (*State, error) {
		s := &State{}
		p.Actions = []persona.Action{{Name: "a", Effects: effects}}
		_, err := ask(t, p, s, near, "a", nil, start)
		return s, err
	}
	s, err := act(persona.Effect{Variable: "n", Set: &set}, persona.Effect{Variable: "n", Add: &ten}, persona.Effect{Variable: "new", Add: &ten})
	if err != nil || s.Variables["n"] != "15" || s.Variables["new"] != "10" {
		t.Errorf("%v %v", s.Variables, err)
	}
	for name, effects := range map[string][]persona.Effect{
		"taken twice":       {{Take: "key"}, {Take: "key"}},
		"not there":         {{Variable: "n", Set: &set}, {Take: "crown"}},
		"too many":          {{Take: "key", Count: 2}},
		"adding to a word":  {{Variable: "n", Set: &set}, {Variable: "word", Add: &ten}},
		"beyond all bounds": {{Variable: "n", Add: ptr(maxNumber)}, {Variable: "n", Add: &ten}},
	} {
		if s, err := act(effects...); earshot.CodeOf(err) != earshot.CodeFailedPrecondition || len(s.Variables)+len(s.Stock) > 0 {
			t.Errorf("%s: %v, and the world is %v %v", name, err, s.Variables, s.Stock)
		}
	}
}

func ptr[T any](v T) *T { return &v }

func TestSet(t *testing.T) {
	s := &State{}
	for _, name := range []string{"", "1a", "a b", "é", "a\n", strings.Repeat("a", 65)} {
		wantCode(t, s.Set(name, "x"), earshot.CodeInvalidArgument, name)
	}
	wantCode(t, s.Set("a", strings.Repeat("x", MaxVariable+1)), earshot.CodeInvalidArgument, "long")
	wantCode(t, s.Set("a", "\xff"), earshot.CodeInvalidArgument, "not UTF-8")
	for i := range MaxVariables {
		if err := s.Set(fmt.Sprint("v", i), "x"); err != nil {
			t.Fatal(err)
		}
	}
	wantCode(t, s.Set("more", "x"), earshot.CodeResourceExhausted, "one more")
	if err := s.Set("v1", "y"); err != nil {
		t.Error(err)
	}
	p := keeper(t)
	s.Variables["quest"] = "done"
	delete(s.Variables, "v0")
	_, _, err := Check(p, s, near, "give_item", map[string]any{"item": "apple"}, start)
	wantCode(t, err, earshot.CodeResourceExhausted, "an effect that sets one more")
	s.Unset("v1")
	if s.Unset("v2"); s.VariablesOf(p)["v1"] != "" || s.VariablesOf(p)["gold"] != "0" {
		t.Errorf("variables %v", s.VariablesOf(p))
	}
}

// Players are remembered up to a bound, and a full memory refuses rather than
// forgets that something happened once.
func TestUsesAreBounded(t *testing.T) {
	p, s := keeper(t), generous()
	s.uses = map[use]time.Time{}
	for i := range maxUses {
		s.uses[use{earshot.ParticipantID(fmt.Sprint("pa_", i)), "open_gate"}] = start
	}
	_, err := ask(t, p, s, near, "open_gate", nil, start)
	wantCode(t, err, earshot.CodeResourceExhausted, "once for one more")
	if _, err := ask(t, p, s, near, "wave", nil, start); err != nil {
		t.Errorf("what is not remembered: %v", err)
	}
}

// The same questions in the same order give the same answers, the stock never
// grows or falls below zero, and asking alone changes nothing.
func TestDeterministic(t *testing.T) {
	p := keeper(t)
	rapid.Check(t, func(t *rapid.T) {
		s, twin := generous(), generous()
		now := start
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 40).Draw(t, "seconds")) * time.Second)
			at := near
			at.Player = earshot.ParticipantID(rapid.SampledFrom([]string{"pa_a", "pa_b"}).Draw(t, "player"))
			at.Distance = rapid.Float64Range(0, 6).Draw(t, "distance")
			name := rapid.SampledFrom([]string{"wave", "give_item", "open_gate", "go_to", "none"}).Draw(t, "name")
			var args map[string]any
			switch name {
			case "give_item":
				args = map[string]any{"item": rapid.SampledFrom([]string{"apple", "brass key", "crown"}).Draw(t, "item"), "count": rapid.Int64Range(0, 3).Draw(t, "count")}
			case "go_to":
				args = map[string]any{"waypoint": "mill"}
			}
			apples, keys := s.Held(p, "apple"), s.Held(p, "brass key")
			d1, c1, err1 := Check(p, s, at, name, args, now)
			if s.Held(p, "apple") != apples || s.Held(p, "brass key") != keys {
				t.Fatal("asking changed the stock")
			}
			d2, c2, err2 := Check(p, twin, at, name, args, now)
			if fmt.Sprint(d1, c1, err1) != fmt.Sprint(d2, c2, err2) {
				t.Fatalf("%v %v %v, then %v %v %v", d1, c1, err1, d2, c2, err2)
			}
			if err1 == nil {
				s.Apply(d1, c1, now)
				twin.Apply(d2, c2, now)
			}
			if n, k := s.Held(p, "apple"), s.Held(p, "brass key"); n > apples || k > keys || n < 0 || k < 0 {
				t.Fatalf("%d apples and %d keys, before %d and %d", n, k, apples, keys)
			}
		}
	})
}

// BenchmarkCheck is what a proposal costs.
func BenchmarkCheck(b *testing.B) {
	p, s := keeper(b), generous()
	args := map[string]any{"item": "apple", "count": int64(1)}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Check(p, s, near, "give_item", args, start); err != nil {
			b.Fatal(err)
		}
	}
}
