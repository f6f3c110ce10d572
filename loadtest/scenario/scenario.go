package scenario

import "time"

// Scenario is one load test. Of the tags, range and oneof bound a value, and
// for names the kinds that a field has a meaning for.
type Scenario struct {
	Name  string `yaml:"name"`  // lower-case letters, digits and -
	Title string `yaml:"title"` // one line for people
	About string `yaml:"about"` // what it shows and how to read the outcome

	Seed  uint64 `yaml:"seed"`  // the same seed moves and talks the same; absent: 1
	World string `yaml:"world"` // to join; absent: plaza, the demo world

	Warmup   time.Duration `yaml:"warmup" range:"0s 1h"`    // after everybody has joined, not measured
	Duration time.Duration `yaml:"duration" range:"1s 24h"` // measured
	Cooldown time.Duration `yaml:"cooldown" range:"0s 10m"` // afterwards, not measured: what is under way arrives
	Wait     time.Duration `yaml:"wait" range:"0s 1h"`      // how long who finds the world full waits in its queue; absent: they do not
	Groups   []Group       `yaml:"groups"`                  // who takes part, at most MaxGroups and MaxPeople
	Chat     *Chat         `yaml:"chat,omitempty"`          // of groups that say nothing of their own about it
	SLO      []string      `yaml:"slo,omitempty"`           // what must hold: METRIC OP NUMBER, like voice.latency_ms.p99 <= 150
}

// Bounds of a scenario.
const (
	MaxYAML   = 256 << 10 // bytes of a file
	MaxPeople = 5000      // in all groups together
	MaxGroups = 32
	MaxRules  = 200 // of an SLO
	maxDepth  = 12  // of YAML within YAML
	maxText   = 4096
)

// People returns how many take part.
func (s *Scenario) People() (n int) {
	for i := range s.Groups {
		n += s.Groups[i].Count
	}
	return n
}

// Main returns the index of the largest group, the first of equals: the one
// that count=N on a command line means.
func (s *Scenario) Main() int {
	best := 0
	for i := range s.Groups {
		if s.Groups[i].Count > s.Groups[best].Count {
			best = i
		}
	}
	return best
}

// clone returns a copy that shares nothing that Set changes.
func (s *Scenario) clone() *Scenario {
	c := *s
	c.Chat = copied(s.Chat)
	c.SLO = append([]string(nil), s.SLO...)
	c.Groups = append([]Group(nil), s.Groups...)
	for i := range c.Groups {
		g := &c.Groups[i]
		g.Camera, g.Churn, g.Reconnect = copied(g.Camera), copied(g.Churn), copied(g.Reconnect)
		g.Chat, g.VisitNPC = copied(g.Chat), copied(g.VisitNPC)
	}
	return &c
}

func copied[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}
