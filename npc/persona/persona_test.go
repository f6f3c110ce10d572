package persona

import (
	"os"
	"testing"
)

// example reads the file that docs/personas.md refers to.
func example(t testing.TB) *Persona {
	t.Helper()
	text, err := os.ReadFile("testdata/mara.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p, err := Parse("mara.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestExampleFile(t *testing.T) {
	p := example(t)
	if p.Called() != "Mara" || len(p.Goals) != 2 || len(p.Lore.Entries) != 4 || *p.Model.Temperature != 0.7 {
		t.Errorf("read %+v", p)
	}
	if got := p.VariablesIn("winter", map[string]string{"rain": "snow"}); got["inn"] != "The Frozen Kettle" || got["rain"] != "snow" {
		t.Errorf("variables in winter %v", got)
	}
	file, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse("again.yaml", file)
	if err != nil {
		t.Fatal(err)
	}
	if second, _ := again.Encode(); string(second) != string(file) {
		t.Errorf("encoded twice differs:\n%s\n%s", file, second)
	}
}

func TestGoals(t *testing.T) {
	p := example(t)
	sell, key := &p.Goals[0], &p.Goals[1]
	started := map[string]string{"quest": "started"}
	for _, tc := range []struct {
		name      string
		goal      *Goal
		happening Happening
		variables map[string]string
		done      bool
		want      bool
	}{
		{"phrase", sell, Happening{On: TriggerSays, Said: "Any ROOMS left?"}, nil, false, true},
		{"within a word", sell, Happening{On: TriggerSays, Said: "a mushroom"}, nil, false, false},
		{"short phrase", sell, Happening{On: TriggerSays, Said: "in bedlam"}, nil, false, false},
		{"repeatable", sell, Happening{On: TriggerSays, Said: "a bed"}, nil, true, true},
		{"event", key, Happening{On: TriggerEvent, Event: "cellar_opened"}, started, false, true},
		{"event, variables differ", key, Happening{On: TriggerEvent, Event: "cellar_opened"}, nil, false, false},
		{"other event", key, Happening{On: TriggerEvent, Event: "bell"}, started, false, false},
		{"once only", key, Happening{On: TriggerEvent, Event: "cellar_opened"}, started, true, false},
		{"other trigger", key, Happening{On: TriggerApproach}, started, false, false},
	} {
		if got := tc.goal.Activated(tc.happening, tc.variables, tc.done); got != tc.want {
			t.Errorf("%s: Activated = %v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestCheckAction(t *testing.T) {
	p := example(t)
	for _, tc := range []struct {
		name, arguments string
		ok              bool
	}{
		{"wave", ``, true},
		{"wave", `{}`, true},
		{"give_item", `{"item":"room key"}`, true},
		{"give_item", `{"item":"room key","count":2}`, true},
		{"give_item", `{"item":"room key","count":2.5}`, false},
		{"give_item", `{"item":"room key","count":4}`, false},
		{"give_item", `{"item":"room key","count":"2"}`, false},
		{"give_item", `{"item":"cellar key"}`, false},
		{"give_item", `{"Item":"room key"}`, false},
		{"give_item", `{"item":"room key","item":"room key"}`, false},
		{"give_item", `{"item":"room key","to":"all"}`, false},
		{"give_item", `{"count":1}`, false},
		{"give_item", `["room key"]`, false},
		{"give_item", `{"item":`, false},
		{"open_vault", `{}`, false},
		{"Wave", `{}`, false},
	} {
		if _, err := p.CheckAction(tc.name, []byte(tc.arguments)); (err == nil) != tc.ok {
			t.Errorf("%s %s: %v, want allowed %v", tc.name, tc.arguments, err, tc.ok)
		}
	}
	const schema = `{"additionalProperties":false,"properties":{"count":{"maximum":3,"minimum":1,"type":"integer"},"item":{"enum":["room key","mug of ale"],"type":"string"}},"required":["item"],"type":"object"}`
	if got := string(p.Actions[0].Schema()); got != schema {
		t.Errorf("schema %s, want %s", got, schema)
	}
}
