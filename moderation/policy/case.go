package policy

// Case is a test of a policy in its own file: given this, expect that.
type Case struct {
	Name     string         `yaml:"name"`
	Given    Given          `yaml:"given"`
	History  []GivenStrike  `yaml:"history"`
	InForce  []GivenInForce `yaml:"in_force"`
	Age      Age            `yaml:"age"`
	Language string         `yaml:"language"`
	Expect   Expect         `yaml:"expect"`
}

// Given is the signal of a case.
type Given struct {
	Kind       Kind                 `yaml:"kind"`   // chat
	Source     Source               `yaml:"source"` // tier0
	Scores     map[Category]float64 `yaml:"scores"`
	Terms      []string             `yaml:"terms"`
	Reporters  float64              `yaml:"reporters"`
	Unverified bool                 `yaml:"unverified"`
	At         string               `yaml:"at"` // like "23:30" or "sat 23:30" of the world; mon 12:00
}

// GivenStrike is a strike of the person's past.
type GivenStrike struct {
	Weight float64  `yaml:"weight"`
	Ago    Duration `yaml:"ago"`
}

// GivenInForce is a sanction that is in force.
type GivenInForce struct {
	Action Action   `yaml:"action"`
	Left   Duration `yaml:"left"` // 0: until lifted
}

// Expect is what must come out. What is not there is not looked at.
type Expect struct {
	Actions   []string `yaml:"actions"`  // like mask or "mute 10m", in any order; [] for none
	Proposed  []string `yaml:"proposed"` // the same, for a person to decide
	Strike    *float64 `yaml:"strike"`   // its weight; 0 for none
	Review    *bool    `yaml:"review"`
	Automatic *bool    `yaml:"automatic"`
	Rule      *string  `yaml:"rule"`
	Statement *bool    `yaml:"statement"` // whether the person gets reasons
}
