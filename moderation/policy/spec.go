package policy

// Spec is a policy file. default.yaml explains every field by an example;
// docs/policies.md is the guide.
type Spec struct {
	Version     int    `yaml:"version"`
	Name        string `yaml:"name"`
	Description string `yaml:"description"`
	Timezone    string `yaml:"timezone"` // IANA name, of quiet hours, statements and cases
	Language    string `yaml:"language"` // of statements, where a person's own is not there

	// Automatic is the harshest action that may happen without a person.
	Automatic Action `yaml:"automatic"`

	Hold       HoldRules                 `yaml:"hold"`
	Uncertain  Band                      `yaml:"uncertain"`
	Unverified map[Kind]Doubt            `yaml:"unverified"`
	Categories map[Category]CategoryRule `yaml:"categories"`
	Terms      TermRules                 `yaml:"terms"`
	Strikes    StrikeRules               `yaml:"strikes"`
	Ladder     []Rung                    `yaml:"ladder"`
	Quiet      []QuietHours              `yaml:"quiet_hours"`
	Reports    ReportRules               `yaml:"reports"`
	Minors     MinorRules                `yaml:"minors"`
	Appeals    AppealRules               `yaml:"appeals"`
	Retention  Retention                 `yaml:"retention"`
	Statements map[string]Words          `yaml:"statements"` // by language
	Cases      []Case                    `yaml:"cases"`
}

// HoldRules say how long words wait.
type HoldRules struct {
	Wait    Duration `yaml:"wait"`    // of chat for tier 1 before it is delivered: at most MaxWait
	Longest Duration `yaml:"longest"` // of a held message before it is dropped
}

// Band is what tier 1 gets to see.
type Band struct {
	Low   float64 `yaml:"low"`   // a score from here
	High  float64 `yaml:"high"`  // to below here is uncertain
	Audit float64 `yaml:"audit"` // the share of everything else, at random
}

// Doubt says what happens to what could not be verified.
type Doubt string

// The doubts.
const (
	PassDoubt Doubt = "pass"
	HoldDoubt Doubt = "hold"
)

// CategoryRule is what follows from a category. A missing tier is like the
// one before.
type CategoryRule struct {
	Rule   string            `yaml:"rule"`   // id, for records
	Text   map[string]string `yaml:"text"`   // by language: the rule for people
	Nudge  map[string]string `yaml:"nudge"`  // by language: said instead of the general nudge
	Weight float64           `yaml:"weight"` // of a strike
	Tier0  *Thresholds       `yaml:"tier0"`
	Tier1  *Thresholds       `yaml:"tier1"`
	Tier2  *Thresholds       `yaml:"tier2"`
}

// Thresholds are scores from which something happens; nil: never.
type Thresholds struct {
	Nudge  *float64 `yaml:"nudge"`
	Mask   *float64 `yaml:"mask"`
	Hold   *float64 `yaml:"hold"`
	Strike *float64 `yaml:"strike"`
	Review *float64 `yaml:"review"`
}

// TermRules say what a listed term leads to.
type TermRules struct {
	Default    Severity                  `yaml:"default"` // of a term that no rule names; "": nothing
	Severities map[Severity]SeverityRule `yaml:"severities"`
	Rules      []TermRule                `yaml:"rules"` // the first that matches counts
}

// Severity is how bad a listed term is.
type Severity string

// The severities. Harmless terms lead to nothing by themselves.
const (
	Harmless Severity = "none"
	Mild     Severity = "mild"
	Strong   Severity = "strong"
	Severe   Severity = "severe"
)

// SeverityRule is what a severity leads to.
type SeverityRule struct {
	Do     []string `yaml:"do"`     // of nudge, mask, hold, strike, review
	Weight float64  `yaml:"weight"` // of the strike
}

// TermRule gives terms a severity and a category.
type TermRule struct {
	Names    string   `yaml:"names"`    // RE2, of the names of terms
	Category Category `yaml:"category"` // "": the one that the name begins with, before a slash; else Terms
	Severity Severity `yaml:"severity"`
}

// StrikeRules say how strikes fade.
type StrikeRules struct {
	HalfLife Duration `yaml:"half_life"`
	Forget   Duration `yaml:"forget"` // after this a strike counts nothing; 0: never
	Most     float64  `yaml:"most"`   // the sum does not get above
}

// Rung is one step of the ladder.
type Rung struct {
	At  float64  `yaml:"at"` // sum of strikes
	Do  Action   `yaml:"do"`
	For Duration `yaml:"for"`
	By  string   `yaml:"by"` // "person": only proposed; "": automatic
}

// ByPerson is Rung.By where a person decides.
const ByPerson = "person"

// QuietHours are hours with lower thresholds.
type QuietHours struct {
	Days    []string `yaml:"days"` // mon to sun, of the evening; none: every day
	From    string   `yaml:"from"` // HH:MM
	To      string   `yaml:"to"`   // HH:MM, the next day where it is before From
	LowerBy float64  `yaml:"lower_by"`
}

// ReportRules say what reports weigh and lead to. They raise attention; they
// never make a strike.
type ReportRules struct {
	RaiseAt    float64  `yaml:"raise_at"`    // so much weight raises sampling and lowers thresholds
	Audit      float64  `yaml:"audit"`       // the share tier 1 then sees
	LowerBy    float64  `yaml:"lower_by"`    // of all thresholds but that of strikes
	ReviewAt   float64  `yaml:"review_at"`   // so much weight puts it before a person
	Window     Duration `yaml:"window"`      // older reports do not count
	NewAccount Duration `yaml:"new_account"` // younger accounts are new
	NewWeight  float64  `yaml:"new_weight"`  // what a report of a new account counts
	Group      float64  `yaml:"group"`       // what all reports of one group count at most
	Most       float64  `yaml:"most"`        // what one report counts at most
}

// MinorRules protect minors.
type MinorRules struct {
	World  bool       `yaml:"world"`  // minors are expected: Parse demands more, see checkMinors
	Review []Category `yaml:"review"` // goes before a person where a minor or such a world is concerned
}

// AppealRules are about contesting a decision.
type AppealRules struct {
	Within Duration `yaml:"within"` // of the decision
	Answer Duration `yaml:"answer"` // by when a person should have answered
}

// Retention says how long things are kept.
type Retention struct {
	Evidence  Duration `yaml:"evidence"`
	Appealed  Duration `yaml:"appealed"` // evidence of an appealed decision
	Incidents Duration `yaml:"incidents"`
}

// Words are the statements of reasons in one language. {kind}, {category},
// {time}, {lasting}, {rule} and {appeal} are filled in.
type Words struct {
	What       map[Action]string   `yaml:"what"`
	Watched    string              `yaml:"watched"` // mask for a time
	Facts      string              `yaml:"facts"`
	Unverified string              `yaml:"unverified"` // facts, where nothing was found but nothing verified
	Kinds      map[Kind]string     `yaml:"kinds"`
	Categories map[Category]string `yaml:"categories"`
	Found      map[Source]string   `yaml:"found"`
	Automatic  string              `yaml:"automatic"` // nobody decided
	Person     string              `yaml:"person"`    // a person decided
	Rule       string              `yaml:"rule"`
	Redress    string              `yaml:"redress"`
	Lasting    string              `yaml:"lasting"` // with {for}
	Endless    string              `yaml:"endless"`
	Upheld     string              `yaml:"upheld"`     // answer to an appeal
	Overturned string              `yaml:"overturned"` // answer to an appeal
}
