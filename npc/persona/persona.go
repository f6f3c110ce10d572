package persona

// Persona is what a designer writes about one character. Texts may contain the
// macros of substitute.go. A zero field means what its comment says; Validate
// tells what else is wrong.
type Persona struct {
	Version  int    `yaml:"version" json:"-"` // of the file format: 1
	Name     string `yaml:"name" json:"-"`
	Nickname string `yaml:"nickname,omitempty" json:"-"` // what {{char}} becomes; empty: Name

	Description string   `yaml:"description,omitempty" json:"-"`
	Personality string   `yaml:"personality,omitempty" json:"-"`
	Scenario    string   `yaml:"scenario,omitempty" json:"-"`      // where and when
	Examples    string   `yaml:"examples,omitempty" json:"-"`      // dialogues, each after a line <START>
	System      string   `yaml:"system_prompt,omitempty" json:"-"` // empty: DefaultSystem, which is also {{original}}
	Reminder    string   `yaml:"reminder,omitempty" json:"-"`      // said to the model after the dialogue, before it answers
	Greeting    string   `yaml:"greeting,omitempty" json:"-"`      // said to who comes near; empty: nothing
	Greetings   []string `yaml:"alternate_greetings,omitempty" json:"-"`
	Lines       Lines    `yaml:"lines,omitempty" json:"lines,omitempty"`

	Goals     []Goal                       `yaml:"goals,omitempty" json:"goals,omitempty"`
	Actions   []Action                     `yaml:"actions,omitempty" json:"actions,omitempty"` // the only ones the model may propose
	Stock     map[string]int               `yaml:"stock,omitempty" json:"stock,omitempty"`     // items the character has to give, for the rules of actions
	Voice     Voice                        `yaml:"voice,omitempty" json:"voice"`
	Languages []string                     `yaml:"languages,omitempty" json:"languages,omitempty"`               // BCP 47, the first is preferred; empty: the speaker's
	Range     float64                      `yaml:"perception_range,omitempty" json:"perception_range,omitempty"` // metres; 0: DefaultRange
	Safety    Safety                       `yaml:"safety,omitempty" json:"safety,omitempty"`                     // empty: standard
	Variables map[string]string            `yaml:"variables,omitempty" json:"variables,omitempty"`               // for {{var:name}} and the prompt
	Worlds    map[string]map[string]string `yaml:"worlds,omitempty" json:"worlds,omitempty"`                     // variables of one world, over Variables
	Model     Model                        `yaml:"model,omitempty" json:"model"`
	Lore      Lorebook                     `yaml:"lorebook,omitempty" json:"-"`

	// Card is the JSON of the card this came from, as it was. Export starts
	// from it, so that fields and extensions nobody here knows survive.
	Card string `yaml:"card,omitempty" json:"-"`
}

// Lines are said without a model: written by the designer, so that a broken or
// busy backend is a character at a loss for words and not a silence. Where a
// kind is empty the runtime makes a gesture.
type Lines struct {
	Fallback []string `yaml:"fallback,omitempty" json:"fallback,omitempty"` // no answer in time
	Busy     []string `yaml:"busy,omitempty" json:"busy,omitempty"`         // too many talk at once
	Refused  []string `yaml:"refused,omitempty" json:"refused,omitempty"`   // moderation withheld the answer
	Farewell []string `yaml:"farewell,omitempty" json:"farewell,omitempty"` // the player walks away
}

// Voice is asked of a /v1/audio/speech backend.
type Voice struct {
	Name     string  `yaml:"name,omitempty" json:"name,omitempty"`         // as the backend calls it
	Model    string  `yaml:"model,omitempty" json:"model,omitempty"`       // speech model; empty: the backend's
	Speed    float64 `yaml:"speed,omitempty" json:"speed,omitempty"`       // 0.25 to 4; 0: 1
	Language string  `yaml:"language,omitempty" json:"language,omitempty"` // BCP 47
}

// Model is what the character would like to be run by. The router decides.
type Model struct {
	Preferred   []string `yaml:"preferred,omitempty" json:"preferred,omitempty"`     // names, best first; empty: any
	Temperature *float64 `yaml:"temperature,omitempty" json:"temperature,omitempty"` // 0 to 2; nil: the backend's
	TopP        *float64 `yaml:"top_p,omitempty" json:"top_p,omitempty"`             // above 0, to 1; nil: the backend's
	MaxOutput   int      `yaml:"max_output,omitempty" json:"max_output,omitempty"`   // tokens; 0: DefaultOutput
	Context     int      `yaml:"context,omitempty" json:"context,omitempty"`         // tokens to use of the model's context; 0: DefaultContext
}

// Safety is how careful moderation is with what the character says.
type Safety string

// The levels, the most careful first.
const (
	SafetyStrict   Safety = "strict"   // children may be present
	SafetyStandard Safety = "standard" // the world's own policy
	SafetyMature   Safety = "mature"   // adults only; the law and the operator's floor still hold
)

// What zero fields mean.
const (
	DefaultRange   = 10.0 // metres
	DefaultOutput  = 160  // tokens, about what is said in 40 s
	DefaultContext = 4096 // tokens
)

// Called returns what {{char}} stands for: the nickname if there is one.
func (p *Persona) Called() string {
	if p.Nickname != "" {
		return p.Nickname
	}
	return p.Name
}

// VariablesIn returns the variables as they are in a world: the persona's, over
// those the ones for that world, over those the live ones. It is a new map.
func (p *Persona) VariablesIn(world string, live map[string]string) map[string]string {
	all := make(map[string]string, len(p.Variables)+len(live))
	for _, layer := range []map[string]string{p.Variables, p.Worlds[world], live} {
		for name, value := range layer {
			all[name] = value
		}
	}
	return all
}
