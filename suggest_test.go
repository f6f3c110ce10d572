package earshot

import (
	"strings"
	"testing"
)

func TestClosest(t *testing.T) {
	known := []string{"wander", "stand", "teleport", "voice.loss_share"}
	for _, tc := range []struct {
		word string
		most int
		want string
	}{
		{"wander", 0, "wander"},
		{"Wandr", 1, "wander"},
		{"wnader", 2, "wander"},
		{"wnader", 1, ""},
		{"voice.loss", 6, "voice.loss_share"},
		{"", 2, ""},
		{strings.Repeat("x", 101), 200, ""},
	} {
		got, near := Closest(tc.word, known, tc.most)
		if got != tc.want || near != (tc.want != "") {
			t.Errorf("Closest(%q, %d) = %q, %v, want %q", tc.word, tc.most, got, near, tc.want)
		}
	}
}
