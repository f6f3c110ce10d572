package persona

import (
	"bytes"
	"encoding/json"

	"earshot"
)

// CardVersion is a version of the Character Card format.
type CardVersion int

// The versions read and written.
const (
	CardV2 CardVersion = 2 // spec chara_card_v2, github.com/malfoyslastname/character-card-spec-v2
	CardV3 CardVersion = 3 // spec chara_card_v3, github.com/kwaroran/character-card-spec-v3
)

var specNames = map[CardVersion][2]string{CardV2: {"chara_card_v2", "2.0"}, CardV3: {"chara_card_v3", "3.0"}}

// Card is a character card as it was written: its JSON text, byte by byte.
type Card struct {
	text    []byte
	version CardVersion
}

// ParseCard checks a card's JSON: size, depth, that it is V2 or V3 and has
// data. It copies text. A byte order mark before it is dropped.
func ParseCard(text []byte) (*Card, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if err := checkJSON(text, MaxCard); err != nil {
		return nil, err
	}
	c := &Card{text: bytes.Clone(text)}
	raw, _ := lookup(text, "spec")
	var spec string
	if json.Unmarshal(raw, &spec) != nil {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "no character card of version 2 or 3: it has no spec")
	}
	for version, names := range specNames {
		if spec == names[0] {
			c.version = version
		}
	}
	if c.version == 0 {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "character card of spec %.64q, want chara_card_v2 or chara_card_v3", spec)
	}
	data, _ := lookup(text, "data")
	if _, ok := members(data); !ok {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "character card without the object data")
	}
	return c, nil
}

// JSON returns the text. The caller must not change it.
func (c *Card) JSON() []byte { return c.text }

// Version returns which version of the format the card follows.
func (c *Card) Version() CardVersion { return c.version }

// as returns the card's text as another version: what the version demands is
// set, everything else stays.
func (c *Card) as(v CardVersion) []byte {
	if c.version == v {
		return c.text
	}
	text := set(c.text, encode(specNames[v][0]), "spec")
	text = set(text, encode(specNames[v][1]), "spec_version")
	if _, ok := lookup(text, "data", "group_only_greetings"); v == CardV3 && !ok {
		text = set(text, []byte("[]"), "data", "group_only_greetings")
	}
	return text
}

// emptyCards are what a persona that never was a card is exported into: all
// that the specifications demand.
var emptyCards = map[CardVersion]string{
	CardV2: `{"spec":"chara_card_v2","spec_version":"2.0","data":{` + emptyData + `}}`,
	CardV3: `{"spec":"chara_card_v3","spec_version":"3.0","data":{` + emptyData + `,"group_only_greetings":[]}}`,
}

const emptyData = `"name":"","description":"","personality":"","scenario":"","first_mes":"","mes_example":"",` +
	`"creator_notes":"","system_prompt":"","post_history_instructions":"","alternate_greetings":[],` +
	`"tags":[],"creator":"","character_version":"","extensions":{}`
