package scenario

import (
	"embed"
	"fmt"
	"strings"
	"time"

	"earshot"
)

//go:embed shipped/*.yaml
var files embed.FS

// names are the shipped scenarios in the order in which to try them.
func names() []string {
	return []string{"smoke", "meeting", "plaza", "zones", "crowd", "concert", "conference-video",
		"join-storm", "churn", "bad-network", "npc-tavern"}
}

// Shipped returns the scenarios that come with Earshot, fresh ones each time.
func Shipped() []*Scenario {
	var all []*Scenario
	for _, name := range names() {
		s, err := Load(name)
		if err != nil {
			panic(err) // they are compiled in, and a test parses them
		}
		all = append(all, s)
	}
	return all
}

// Load returns a shipped scenario. The error is not_found and says what there
// is.
func Load(name string) (*Scenario, error) {
	text, err := Source(name)
	if err != nil {
		return nil, err
	}
	return Parse(name+".yaml", text)
}

// Source returns the YAML of a shipped scenario with its comments, to start an
// own one from. The error is not_found.
func Source(name string) ([]byte, error) {
	for _, known := range names() {
		if name == known {
			return files.ReadFile("shipped/" + name + ".yaml")
		}
	}
	return nil, earshot.Errorf(earshot.CodeNotFound, "there is no scenario %.64q; %s", name, suggest(name, names()))
}

// Describe returns what a scenario is, in some indented lines under its name,
// for people who choose one.
func Describe(s *Scenario) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", s.Name, s.Title)
	fmt.Fprintf(&b, "  %d people, %v to join, %v warm-up, %v measured, %d rules\n",
		s.People(), short(s.JoinedAfter()), short(s.Warmup), short(s.Duration), len(s.SLO))
	for i := range s.Groups {
		fmt.Fprintf(&b, "  %s\n", s.Groups[i].describe())
	}
	for _, line := range strings.Split(strings.TrimSpace(s.About), "\n") {
		fmt.Fprintf(&b, "    %s\n", line)
	}
	return b.String()
}

func short(d time.Duration) time.Duration { return d.Round(100 * time.Millisecond) }

// Mixed reports whether the people of a group ask for a binaural mix.
func (g *Group) Mixed() bool { return g.Audio == "binaural" }

// Beds reports whether the people of a group take crowds as beds.
func (g *Group) Beds() bool { return g.Audio == "beds" }

func (g *Group) describe() string {
	parts := []string{fmt.Sprintf("%d %s: talk %s, move %s", g.Count, g.Name, g.Talk.Kind, g.Move.Kind)}
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if g.Slots > 0 {
		add("%d voice slots", g.Slots)
	}
	if g.Mixed() {
		add("a binaural mix")
	}
	if g.Beds() {
		add("beds of crowds")
	}
	if g.VideoSlots > 0 {
		add("%d video slots", g.VideoSlots)
	}
	if c := g.Camera; c != nil {
		add("camera %s %d wide in %d layers at %d kbit/s", c.Codec, c.Width, c.Layers, c.Kbps)
	}
	if name := g.Network.Name; name != "" {
		add("network %s", name)
	} else if !g.Network.Path.Zero() {
		add("a network of its own")
	}
	if g.Churn != nil {
		add("leaves every %v", g.Churn.Every)
	}
	if g.Reconnect != nil {
		add("reconnects every %v", g.Reconnect.Every)
	}
	if g.Chat != nil {
		add("writes every %v", g.Chat.Every)
	}
	if g.VisitNPC != nil {
		add("asks %s every %v", g.VisitNPC.Name, g.VisitNPC.Every)
	}
	if g.Block > 0 {
		add("blocks %.0f %% of the others", 100*g.Block)
	}
	return strings.Join(parts, ", ")
}
