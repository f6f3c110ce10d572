package persona

// Lorebook is what the character knows and says only when it comes up: each
// entry goes into the prompt when one of its keys was said.
type Lorebook struct {
	Name        string  `yaml:"name,omitempty"`
	ScanDepth   int     `yaml:"scan_depth,omitempty"`   // newest messages that keys are looked for in; 0: DefaultScanDepth
	TokenBudget int     `yaml:"token_budget,omitempty"` // tokens of all entries together; 0: DefaultLoreBudget
	Recursive   bool    `yaml:"recursive,omitempty"`    // entries bring in others whose keys they contain, 3 rounds at most
	Entries     []Entry `yaml:"entries,omitempty"`
}

// Entry is one piece of lore.
type Entry struct {
	Name          string   `yaml:"name,omitempty"` // for designers only
	Keys          []string `yaml:"keys,omitempty"`
	SecondaryKeys []string `yaml:"secondary_keys,omitempty"` // if any, one of these must be there too
	Content       string   `yaml:"content"`
	Constant      bool     `yaml:"constant,omitempty"` // always there, keys or not
	Disabled      bool     `yaml:"disabled,omitempty"` // never there
	Order         int      `yaml:"order,omitempty"`    // place in the prompt, lower first
	Priority      *int     `yaml:"priority,omitempty"` // over budget the lowest goes first; nil: Order
	CaseSensitive bool     `yaml:"case_sensitive,omitempty"`
	Regex         bool     `yaml:"regex,omitempty"` // keys are RE2 expressions
}

// Defaults of a lorebook that says nothing.
const (
	DefaultScanDepth  = 4
	DefaultLoreBudget = 512
)

// priority is what decides who stays when the budget is short.
func (e *Entry) priority() int {
	if e.Priority != nil {
		return *e.Priority
	}
	return e.Order
}
