package scenario

import (
	"fmt"
	"time"
)

// fillAbsent gives fields whose zero means something what they are when
// nothing is said of them.
func (s *Scenario) fillAbsent(given func(path string) bool) {
	if !given("seed") {
		s.Seed = 1
	}
	for i := range s.Groups {
		if !given(fmt.Sprintf("groups[%d].slots", i)) {
			s.Groups[i].Slots = 8
		}
	}
}

// fill gives the other fields that say nothing their defaults. Doing it again
// changes nothing.
func (s *Scenario) fill() {
	orElse(&s.World, "plaza")
	orElse(&s.Duration, time.Minute)
	for i := range s.Groups {
		g := &s.Groups[i]
		orElse(&g.Name, "people")
		g.Talk.fill()
		g.Move.fill()
		if g.Camera != nil {
			g.Camera.fill()
		}
		if g.Churn != nil {
			orElse(&g.Churn.Away, 2*time.Second)
		}
		if g.Chat == nil {
			g.Chat = copied(s.Chat)
		}
	}
}

func (t *Talk) fill() {
	orElse(&t.Kind, "silent")
	switch t.Kind {
	case "conversation":
		orElse(&t.Members, 4)
		orElse(&t.Level, -26)
	case "everyone", "monologue":
		orElse(&t.Level, -26)
	case "stage":
		orElse(&t.Level, -18)
	}
	if t.Kind != "silent" {
		orElse(&t.Voice, VoiceMeasured)
	}
}

func (m *Move) fill() {
	orElse(&m.Kind, "stand")
	switch m.Kind {
	case "wander":
		orElse(&m.Radius, 8)
		orElse(&m.Speed, 1.2)
		orElse(&m.Stay, 3*time.Second)
	case "group":
		orElse(&m.Radius, 8)
		orElse(&m.Speed, 1.2)
		orElse(&m.Stay, 3*time.Second)
		orElse(&m.Size, 4)
		orElse(&m.Spread, 1.2)
	case "flow":
		orElse(&m.Radius, 8)
		orElse(&m.Speed, 1.2)
		orElse(&m.Near, 3)
		orElse(&m.Far, 15)
	case "teleport":
		orElse(&m.Radius, 8)
		orElse(&m.Every, 5*time.Second)
	case "spot":
		orElse(&m.Radius, 1)
		orElse(&m.Sway, 0.05)
	}
}

func (v *Video) fill() {
	orElse(&v.Codec, "vp8")
	if v.Layers == 0 {
		v.Layers = 3
		for v.Width > 0 && v.Layers > 1 && v.Width>>(v.Layers-1) < smallest {
			v.Layers--
		}
	}
	orElse(&v.Width, smallest<<max(0, min(v.Layers, 3)-1))
	orElse(&v.FPS, 30)
	orElse(&v.Kbps, usualKbps(v.Width))
}

func orElse[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
