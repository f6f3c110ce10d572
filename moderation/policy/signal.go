package policy

import (
	"encoding/json"
	"math"
	"time"
)

// Category is a kind of harm. The set is fixed: models, term lists, policies
// and reports speak of the same ones.
type Category string

// The categories, as Categories lists them. Where two weigh the same in a
// decision, the earlier gives it its rule.
const (
	SelfHarm   Category = "self_harm" // about harming oneself: care, not punishment
	Sexual     Category = "sexual"
	Hate       Category = "hate"
	Violence   Category = "violence"
	Harassment Category = "harassment"
	Terms      Category = "terms" // a listed word that no other category claims
	Toxicity   Category = "toxicity"
	Spam       Category = "spam"
)

// Categories returns all categories in their fixed order.
func Categories() []Category {
	return []Category{SelfHarm, Sexual, Hate, Violence, Harassment, Terms, Toxicity, Spam}
}

const categories = 8

// Scores are the probabilities, 0 to 1, that a text is of a category. What is
// missing is 0. A value that is not a number means that it is not known: it is
// treated as not verified, see Signal.
type Scores map[Category]float64

// MarshalJSON writes what is not known as null, and what is out of range as
// the end of the range, so that whatever a model said can be recorded.
func (s Scores) MarshalJSON() ([]byte, error) {
	out := make(map[Category]*float64, len(s))
	for c, v := range s {
		if math.IsNaN(v) {
			out[c] = nil
			continue
		}
		v = clamp(v)
		out[c] = &v
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads null as not a number.
func (s *Scores) UnmarshalJSON(data []byte) error {
	var in map[Category]*float64
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	*s = make(Scores, len(in))
	for c, v := range in {
		(*s)[c] = math.NaN()
		if v != nil {
			(*s)[c] = *v
		}
	}
	return nil
}

// clamp returns v in 0 to 1; what is not a number is 0.
func clamp(v float64) float64 {
	if !(v > 0) {
		return 0
	}
	return min(v, 1)
}

// Kind says what was judged.
type Kind string

// The kinds. Voice has been heard when it is judged, so nothing masks it. NPC
// and Persona are words of a machine or of its author: nobody gets a strike.
const (
	Chat    Kind = "chat"
	Voice   Kind = "voice"
	Name    Kind = "name"
	NPC     Kind = "npc"     // a sentence of an NPC, before it is spoken
	Persona Kind = "persona" // the description of an NPC
	Report  Kind = "report"  // what people say of somebody
)

// Source says who judged it.
type Source string

// The sources.
const (
	Tier0       Source = "tier0" // the word list and the small model, inline
	Tier1       Source = "tier1" // a guard model
	Tier2       Source = "tier2" // a large model with context
	ByReport    Source = "report"
	ByModerator Source = "moderator" // a person with the right to decide
)

// Signal is one finding about one event of one person.
type Signal struct {
	Kind   Kind   `json:"kind"`
	Source Source `json:"source"`
	Scores Scores `json:"scores,omitempty"`
	// Terms are the names of listed terms that were found, not the words.
	Terms []string `json:"terms,omitempty"`
	// Reporters is how many people reported this person lately, as Weigh
	// counts them.
	Reporters float64 `json:"reporters,omitempty"`
	// Unverified says that a later tier should have judged this, and did not
	// in time.
	Unverified bool `json:"unverified,omitempty"`
	// Found says, where the source is a moderator, what brought it before
	// them: the statement must tell. "": they found it themselves.
	Found Source `json:"found,omitempty"`
	// At is when it happened, for the statement.
	At time.Time `json:"at"`
}
