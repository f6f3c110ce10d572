package text

// Category is one kind of trouble that is scored apart from the others.
type Category uint8

// The categories, in the order of Scores; the first Heads are the model's. Toxicity and Hate come from the
// model and the terms, the others from the terms alone: no data with a
// suitable licence teaches them.
const (
	Toxicity Category = iota
	Hate
	Harassment
	Sexual
	Violence
	SelfHarm
	Spam
	Terms // any listed term, mere profanity too
	Categories
)

var categoryNames = [Categories]string{
	"toxicity", "hate", "harassment", "sexual", "violence", "self_harm", "spam", "terms",
}

// String returns the name that moderation/policy uses.
func (c Category) String() string {
	if c >= Categories {
		return "unknown"
	}
	return categoryNames[c]
}

func categoryByName(name string) (Category, bool) {
	for i, n := range categoryNames {
		if n == name {
			return Category(i), true
		}
	}
	return 0, false
}

// Scores holds a value from 0 to 1 per category. Those of the model are
// calibrated: of texts like the validation data, balanced so that half are
// abusive, a share s of those scored s was abusive. Those of terms are fixed
// by severity (see Severity.Score).
type Scores [Categories]float64

// Map returns the scores above zero by name.
func (s *Scores) Map() map[string]float64 {
	m := make(map[string]float64, len(s))
	for i, v := range s {
		if v > 0 {
			m[categoryNames[i]] = v
		}
	}
	return m
}

// Severity of a term: 1 rude, 2 abusive in most contexts, 3 a slur, a threat
// or an incitement in nearly every context.
type Severity uint8

// Score is what a term of this severity contributes to its category.
func (s Severity) Score() float64 {
	switch s {
	case 1:
		return 0.4
	case 2:
		return 0.75
	case 3:
		return 0.95
	}
	return 0
}
