package scenario

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestSet(t *testing.T) {
	for _, tc := range []struct {
		key, value string
		got        func(s *Scenario) any
		want       any
	}{
		{"seed", "7", func(s *Scenario) any { return s.Seed }, uint64(7)},
		{"duration", "30s", func(s *Scenario) any { return s.Duration }, 30 * time.Second},
		{"world", "tavern", func(s *Scenario) any { return s.World }, "tavern"},
		{"count", "500", func(s *Scenario) any { return [2]int{s.Groups[0].Count, s.Groups[1].Count} }, [2]int{1, 500}},
		{"slots", "16", func(s *Scenario) any { return [2]int{s.Groups[0].Slots, s.Groups[2].Slots} }, [2]int{16, 16}},
		{"groups.0.count", "3", func(s *Scenario) any { return s.Groups[0].Count }, 3},
		{"groups.audience.slots", "2", func(s *Scenario) any { return [2]int{s.Groups[1].Slots, s.Groups[0].Slots} }, [2]int{2, 8}},
		{"talk.kind", "everyone", func(s *Scenario) any { return s.Groups[1].Talk.Level }, -26.0},
		{"groups.1.move.stage", "[1, 2, 3]", func(s *Scenario) any { return s.Groups[1].Move.Stage }, [3]float64{1, 2, 3}},
		{"network", "4g", func(s *Scenario) any { return s.Groups[2].Network.Name }, "4g"},
		{"network", "{up: {delay: 20ms}}", func(s *Scenario) any { return s.Groups[0].Network.Path.Up.Delay }, 20 * time.Millisecond},
		{"groups.band.network.down.delay", "1s", func(s *Scenario) any { return s.Groups[0].Network.Path.Down.Delay }, time.Second},
		{"camera", "{codec: h264, layers: 1}", func(s *Scenario) any { return s.Groups[1].Camera.Width }, 320},
		{"groups.band.camera.fps", "15", func(s *Scenario) any { return s.Groups[0].Camera.FPS }, 15},
		{"chat", "{every: 2s}", func(s *Scenario) any { return s.Groups[1].Chat.Every }, 2 * time.Second},
		{"slo", "[join.failed == 0]", func(s *Scenario) any { return len(s.SLO) }, 1},
		{"join", "{storm: true}", func(s *Scenario) any { return s.Groups[1].Join }, Join{Storm: true}},
	} {
		s, err := Load("concert")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Set(tc.key, tc.value); err != nil {
			t.Errorf("Set(%s, %s) = %v", tc.key, tc.value, err)
		} else if got := tc.got(s); got != tc.want {
			t.Errorf("after Set(%s, %s): %v, want %v", tc.key, tc.value, got, tc.want)
		}
	}
}

func TestSetChangesOnlyPartsThatAreThere(t *testing.T) {
	s, err := Load("churn")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Set("churn.every", "30s"); err != nil {
		t.Fatal(err)
	}
	if s.Groups[0].Churn != nil || s.Groups[1].Churn.Every != 30*time.Second {
		t.Errorf("churn of residents %v, of passers %v", s.Groups[0].Churn, s.Groups[1].Churn)
	}
}

// A refused change says why and changes nothing.
func TestSetRefuses(t *testing.T) {
	for _, tc := range []struct{ key, value, want string }{
		{"cuont", "5", "cuont: there is no such setting; did you mean count?"},
		{"groups.crowd.count", "5", `there is no group "crowd"; there are band, audience and chatterers`},
		{"groups.adience.count", "5", "did you mean audience?"},
		{"groups.0.talk.sort", "x", "there is no such setting"},
		{"groups.0.count.x", "5", "has no parts"},
		{"count", "many", `count: is "many", want a whole number`},
		{"count", "", "want a value"},
		{"count", "5000", "5021 people in all, at most 5000"},
		{"count", "{", "want a value"},
		{"duration", "30", "a time with its unit"},
		{"camera.fps", "30", "no group has a camera"},
		{"groups.9.slots", "1", "there is no group"},
		{"network", "5g", "did you mean 4g?"},
		{"network", "&a wifi", "anchors"},
		{"talk.kind", "talk", "conversation, everyone, monologue, stage and silent"},
		{"", "1", "there is no such setting"},
		{"slo", "[fast]", "METRIC OP NUMBER"},
		{"groups", "[]", "nobody takes part"},
	} {
		s, err := Load("concert")
		if err != nil {
			t.Fatal(err)
		}
		before, _ := Load("concert")
		if err := s.Set(tc.key, tc.value); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("Set(%q, %q) = %v, want an error with %q", tc.key, tc.value, err, tc.want)
		}
		if !reflect.DeepEqual(s, before) {
			t.Errorf("Set(%q, %q) was refused but changed the scenario", tc.key, tc.value)
		}
	}
}

func FuzzSet(f *testing.F) {
	f.Add("count", "5")
	f.Add("groups.0.network.up.delay", "5ms")
	f.Add("groups.0.camera", "{}")
	f.Add("talk.kind", "stage")
	f.Fuzz(func(t *testing.T, key, value string) {
		s, err := Load("concert")
		if err != nil {
			t.Fatal(err)
		}
		if s.Set(key, value) == nil && s.Validate() != nil {
			t.Fatalf("Set(%q, %q) made it invalid: %v", key, value, s.Validate())
		}
	})
}
