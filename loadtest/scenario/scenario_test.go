package scenario

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestShippedScenarios(t *testing.T) {
	metric := regexp.MustCompile(`^(voice\.(audible_share|onset_ms|wrong_share|forbidden_packets|latency_ms|jitter_ms|loss_share|gap_ms|concealed_share|mos|slot_changes_per_min)|pose\.(staleness_ms|error_mm|hz)|video\.(latency_ms|loss_share|freeze_share|kbps)|chat\.latency_ms|npc\.first_word_ms|join\.(total_ms|http_ms|ice_ms|welcome_ms|failed)|session\.dropped|reconnect\.total_ms|net\.(down|up)_kbps\.(voice|video|pose|control|total))(\.(p05|p50|p95|p99|max|mean))?$`)
	people := map[string]int{"smoke": 6, "meeting": 50, "plaza": 200, "crowd": 100, "concert": 151, "conference-video": 25, "npc-tavern": 20}
	entries, err := files.ReadDir("shipped")
	if err != nil || len(entries) != len(names()) {
		t.Fatalf("%d files of %d scenarios: %v", len(entries), len(names()), err)
	}
	for _, s := range Shipped() {
		text, err := Source(s.Name)
		if err != nil {
			t.Fatal(err)
		}
		comments, lines := 0, strings.Split(string(text), "\n")
		for _, line := range lines {
			if strings.Contains(line, "#") {
				comments++
			}
		}
		if !strings.HasPrefix(lines[0], "# ") || comments < 5 {
			t.Errorf("%s: %d lines with a comment: a shipped scenario begins with what it is and explains its fields", s.Name, comments)
		}
		if s.About == "" || len(s.SLO) == 0 {
			t.Errorf("%s: no about or no SLO", s.Name)
		}
		for _, rule := range s.SLO {
			if name, _, _ := strings.Cut(rule, " "); !metric.MatchString(name) {
				t.Errorf("%s: rule %q is about no metric there is", s.Name, rule)
			}
		}
		if want, ok := people[s.Name]; ok && s.People() != want {
			t.Errorf("%s: %d people, want %d", s.Name, s.People(), want)
		}
		if d := Describe(s); !strings.HasPrefix(d, s.Name+": ") || len(d) < 100 {
			t.Errorf("Describe = %q", d)
		}
	}
}

func TestSmokeIsShort(t *testing.T) {
	s, err := Load("smoke")
	if err != nil {
		t.Fatal(err)
	}
	if total := s.JoinedAfter() + s.Warmup + s.Duration + s.Cooldown; total > 15*time.Second {
		t.Errorf("takes %v", total)
	}
}

func TestLoadUnknown(t *testing.T) {
	if _, err := Load("plazza"); err == nil || !strings.Contains(err.Error(), "did you mean plaza?") {
		t.Errorf("Load = %v", err)
	}
	if _, err := Load("everything"); err == nil || !strings.Contains(err.Error(), "smoke, meeting") {
		t.Errorf("Load = %v", err)
	}
}

const least = `
name: mine
title: My own
groups: [{ count: 2, talk: { kind: everyone }, move: { kind: wander } }]
`

func TestDefaults(t *testing.T) {
	s, err := Parse("mine.yaml", []byte(least))
	if err != nil {
		t.Fatal(err)
	}
	g := s.Groups[0]
	if s.Seed != 1 || s.World != "plaza" || s.Duration != time.Minute || g.Name != "people" || g.Slots != 8 ||
		g.Talk.Level != -26 || g.Talk.Voice != VoiceMeasured || g.Move.Speed != 1.2 || g.Move.Radius != 8 {
		t.Errorf("Parse = %+v", s)
	}
	deaf, err := Parse("", []byte(strings.Replace(least, "count: 2", "count: 2, slots: 0", 1)+"seed: 0\n"))
	if err != nil || deaf.Groups[0].Slots != 0 || deaf.Seed != 0 {
		t.Errorf("what is given as 0 stays 0: %+v, %v", deaf, err)
	}
}

func TestCameraRungs(t *testing.T) {
	for _, tc := range []struct {
		camera string
		want   []Rung
	}{
		{"{}", []Rung{{"q", 320, 180, 30, 166}, {"h", 640, 360, 30, 500}, {"f", 1280, 720, 30, 1500}}},
		{"{ layers: 1, fps: 15 }", []Rung{{"", 320, 180, 15, 150}}},
		{"{ width: 640, kbps: 600 }", []Rung{{"q", 320, 180, 30, 200}, {"h", 640, 360, 30, 600}}},
		{"{ codec: h264, width: 640, layers: 1 }", []Rung{{"", 640, 360, 30, 500}}},
	} {
		s, err := Parse("", []byte(strings.Replace(least, "count: 2", "count: 2, camera: "+tc.camera, 1)))
		if err != nil {
			t.Errorf("%s: %v", tc.camera, err)
			continue
		}
		if _, err := s.Groups[0].Camera.Film(1); err != nil {
			t.Errorf("%s: %v", tc.camera, err)
		}
		got := s.Groups[0].Camera.Rungs()
		if len(got) != len(tc.want) {
			t.Errorf("%s: %v, want %v", tc.camera, got, tc.want)
			continue
		}
		for i := range got {
			if got[i] != tc.want[i] {
				t.Errorf("%s: layer %d is %+v, want %+v", tc.camera, i, got[i], tc.want[i])
			}
		}
	}
}
