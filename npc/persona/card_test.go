package persona

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// oddV2 is a card as programs in the wild leave them: copies of version 1
// fields at the top, odd white space, numbers in odd notation, fields and
// extensions nobody here knows.
const oddV2 = `{ "spec" :"chara_card_v2", "spec_version":"2.0","name":"Mara", "avatar": "none" ,
  "data": {"name":"Mara","description":"An <old> innkeeper.\u00e9 \"Copper\"","personality":"dry",
    "scenario":"", "first_mes":"Evening, {{user}}.","mes_example":"", "creator_notes":"keep","future":{"a":[1.0,1e3,{"b":null}]},
    "system_prompt":"{{original}} Be dry.","post_history_instructions":"Stay {{char}}.","alternate_greetings":[],
    "extensions": { "depth_prompt" : {"depth":4 , "prompt":"\u003cx\u003e"}, "z":1, "a":0.10 },
    "character_book":{"name":"Inn","scan_depth":2,"token_budget":100,"recursive_scanning":true,"extensions":{"q":[ ]},
      "entries":[ {"keys":["key","cellar"],"content":"The key opens the cellar.","extensions":{"position": 0},"enabled":true,"insertion_order":10,"id":7,"selective":false,"secondary_keys":["x"]},
                  {"keys":["("],"content":"broken","extensions":{},"enabled":true,"insertion_order":1.0,"use_regex":true} ]},
    "tags":["inn"],"creator":"b","character_version":"1"}}`

const oddV3 = `{"spec":"chara_card_v3","spec_version":"3.1","data":{"name":"Mara Holt","nickname":"Mara","group_only_greetings":[],
 "description":"d","first_mes":"hi","tags":[],"assets":[{"type":"icon","uri":"embeded://assets/icon/images/main.png","name":"main","ext":"png"}],
 "creation_date":1700000000,"extensions":{"risu":{"x":1.50}},"character_book":{"extensions":{},"entries":[
 {"keys":["/drag(on|ons)/i"],"use_regex":true,"content":"@@depth 3\n@@exclude_keys toy\nA dragon sleeps below.","extensions":{},"enabled":true,"insertion_order":3,"priority":9,"id":"str"}]}}}`

func mustCard(t testing.TB, text string) *Card {
	t.Helper()
	c, err := ParseCard([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func mustPersona(t testing.TB, c *Card) Persona {
	t.Helper()
	p, _, err := c.Persona()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestImport(t *testing.T) {
	p, warnings, err := mustCard(t, oddV2).Persona()
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "Mara" || p.Description != `An <old> innkeeper.é "Copper"` || p.Reminder != "Stay {{char}}." {
		t.Errorf("imported %+v", p)
	}
	if len(p.Lore.Entries) != 2 || p.Lore.Entries[0].SecondaryKeys != nil || !p.Lore.Entries[1].Disabled || p.Lore.Entries[1].Order != 1 {
		t.Errorf("lorebook %+v: want secondary keys ignored without selective, the broken expression disabled", p.Lore)
	}
	if len(warnings) != 1 || warnings[0].Field != "lorebook.entries[1].keys" {
		t.Errorf("warnings %v, want one about entries[1]", warnings)
	}
	if problems := p.Validate(); len(problems) > 0 {
		t.Errorf("an imported card is refused: %v", problems)
	}
	if p := mustPersona(t, mustCard(t, oddV3)); p.Called() != "Mara" || *p.Lore.Entries[0].Priority != 9 {
		t.Errorf("V3 imported %+v", p)
	}
}

// An untouched persona exports the card it came from, byte by byte, also after
// it went through a YAML file.
func TestUntouchedExportIsByteEqual(t *testing.T) {
	for _, text := range []string{oddV2, oddV3, emptyCards[CardV2], emptyCards[CardV3]} {
		card := mustCard(t, text)
		p := mustPersona(t, card)
		out, err := p.Export(card.Version())
		if err != nil || string(out.JSON()) != text {
			t.Errorf("export: %v\n%s\nwant\n%s", err, out.JSON(), text)
		}
		if p.Name == "" {
			continue
		}
		file, err := p.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse("mara.yaml", file)
		if err != nil {
			t.Fatal(err)
		}
		out, err = again.Export(card.Version())
		if err != nil || string(out.JSON()) != text {
			t.Errorf("export after YAML: %v\n%s\nwant\n%s", err, out.JSON(), text)
		}
	}
}

// An edit changes its own bytes and the copy at the top, nothing else.
func TestEditedExportChangesOnlyTheEdit(t *testing.T) {
	card := mustCard(t, oddV2)
	p := mustPersona(t, card)
	p.Name = "Mara <2>"
	p.Lore.Entries[0].Content = "The key is lost."
	out, err := p.Export(CardV2)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.ReplaceAll(oddV2, `"name":"Mara"`, `"name":"Mara <2>"`)
	want = strings.Replace(want, "The key opens the cellar.", "The key is lost.", 1)
	if got := string(out.JSON()); compact(got) != compact(want) {
		t.Errorf("export\n%s\nwant\n%s", got, want)
	}
	for _, part := range []string{`{ "depth_prompt" : {"depth":4 , "prompt":"\u003cx\u003e"}, "z":1, "a":0.10 }`, `"future":{"a":[1.0,1e3,{"b":null}]}`, `"extensions":{"q":[ ]}`} {
		if !bytes.Contains(out.JSON(), []byte(part)) {
			t.Errorf("lost %s", part)
		}
	}
}

// compact is blind to white space between the entries of a rewritten list.
func compact(s string) string { return strings.Join(strings.Fields(s), "") }

func TestVersionsConvert(t *testing.T) {
	p := mustPersona(t, mustCard(t, oddV2))
	p.Nickname = "M"
	v3, err := p.Export(CardV3)
	if err != nil || v3.Version() != CardV3 || !bytes.Contains(v3.JSON(), []byte(`"prompt":"\u003cx\u003e"`)) {
		t.Fatalf("to V3: %v %s", err, v3.JSON())
	}
	back := mustPersona(t, v3)
	if back.Nickname != "M" || back.Reminder != p.Reminder || !sameEntries(back.Lore.Entries, p.Lore.Entries) {
		t.Errorf("through V3 %+v, want %+v", back, p)
	}
	v2, err := back.Export(CardV2)
	if err != nil || v2.Version() != CardV2 || mustPersona(t, v2).Nickname != "M" {
		t.Errorf("back to V2: %v, nickname %q", err, mustPersona(t, v2).Nickname)
	}
}

// What only Earshot knows survives in the card's extensions.
func TestOwnFieldsSurviveInCards(t *testing.T) {
	p := *example(t)
	for _, v := range []CardVersion{CardV2, CardV3} {
		card, err := p.Export(v)
		if err != nil {
			t.Fatal(err)
		}
		back, warnings, err := card.Persona()
		if err != nil || len(warnings) > 0 {
			t.Fatal(err, warnings)
		}
		back.Card = ""
		got, _ := back.Encode()
		want, _ := p.Encode()
		if string(got) != string(want) {
			t.Errorf("V%d: back\n%s\nwant\n%s", v, got, want)
		}
	}
}

func TestCardsRefused(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"empty", ``, "not JSON"},
		{"version 1", `{"name":"x"}`, "no spec"},
		{"unknown spec", `{"spec":"chara_card_v9","data":{}}`, "chara_card_v9"},
		{"no data", `{"spec":"chara_card_v2","data":[]}`, "data"},
		{"deep", `{"spec":"chara_card_v2","data":{"x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}}`, "deeper"},
		{"large", `{"spec":"` + strings.Repeat("x", MaxCard) + `"}`, "at most"},
		{"not UTF-8", "{\"spec\":\"\xff\"}", "UTF-8"},
		{"cut off", oddV2[:300], "not JSON"},
		{"wrong type", `{"spec":"chara_card_v2","data":{"name":5}}`, "data.name: is a number, want string"},
		{"wrong type in lore", `{"spec":"chara_card_v2","data":{"character_book":{"entries":[{"keys":"x"}]}}}`, "data.character_book.entries[0].keys"},
	} {
		card, err := ParseCard([]byte(tc.text))
		if err == nil {
			_, _, err = card.Persona()
		}
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want one with %q", tc.name, err, tc.want)
		}
	}
}

// Whatever is unknown in a card, and however it is written, survives any edit.
func TestUnknownMembersSurvive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		space := rapid.StringOfN(rapid.SampledFrom([]rune(" \t\n\r")), 0, 4, -1)
		value := rapid.SampledFrom([]string{`1.0`, `-0`, `1e5`, `"\u0041\/"`, `{"a" : [ ]}`, `[1 ,2,{"x":{}}]`, `null`, `"}{]["`, `true`})
		raw, spec := value.Draw(t, "raw"), rapid.SampledFrom([]string{"chara_card_v2", "chara_card_v3"}).Draw(t, "spec")
		extension := space.Draw(t, "s1") + `"unknown"` + space.Draw(t, "s2") + ":" + raw + space.Draw(t, "s3")
		text := `{"spec":"` + spec + `","x":` + raw + `,"data":{"name":"N","extensions":{` + extension + `},"y":` + raw + `}` + space.Draw(t, "s4") + `}`
		card, err := ParseCard([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		p, _, err := card.Persona()
		if err != nil {
			t.Fatal(err)
		}
		p.Description = rapid.String().Draw(t, "description")
		p.Voice.Name = rapid.SampledFrom([]string{"", "alto"}).Draw(t, "voice")
		out, err := p.Export(card.Version())
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range [][]string{{"x"}, {"data", "y"}, {"data", "extensions", "unknown"}} {
			if got, _ := lookup(out.JSON(), path...); string(got) != raw {
				t.Fatalf("%v = %s, want %s in %s", path, got, raw, out.JSON())
			}
		}
		if back, _, err := out.Persona(); err != nil || back.Description != strings.ToValidUTF8(p.Description, "\ufffd") || back.Voice != p.Voice {
			t.Fatalf("back %+v %v, want description %q", back, err, p.Description)
		}
	})
}
