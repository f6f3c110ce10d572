package presence

import (
	"fmt"
	"testing"

	"earshot"
)

// A stream of strangers comes, blocks as much as it may and leaves. What the
// instance keeps stays bounded, those gone longest are forgotten first, and
// the block of one who is still here holds throughout.
func TestRelationsOfThoseGoneLongestAreForgotten(t *testing.T) {
	s := newSpace(t, 10)
	join(t, s, "pa_here", 0)
	if err := s.Block("pa_here", "pa_other", true); err != nil {
		t.Fatal(err)
	}
	const strangers = maxKept/maxRelations + 5
	for i := range strangers {
		id := earshot.ParticipantID(fmt.Sprintf("pa_s%d", i))
		join(t, s, id, 1)
		for j := range maxRelations {
			if err := s.Block(id, earshot.ParticipantID(fmt.Sprintf("pa_%d", j)), true); err != nil {
				t.Fatalf("stranger %d, block %d: %v", i, j, err)
			}
		}
		s.Leave(id)
	}
	if s.relations.kept > maxKept {
		t.Errorf("%d blocks and gains are kept, want at most %d", s.relations.kept, maxKept)
	}
	last := earshot.ParticipantID(fmt.Sprintf("pa_s%d", strangers-1))
	for _, c := range []struct {
		a, b earshot.ParticipantID
		want bool
	}{{"pa_here", "pa_other", true}, {"pa_s0", "pa_0", false}, {last, "pa_0", true}} {
		if got := s.Blocked(c.a, c.b); got != c.want {
			t.Errorf("Blocked(%s, %s) = %v, want %v", c.a, c.b, got, c.want)
		}
	}
}
