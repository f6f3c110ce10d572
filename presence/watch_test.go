package presence

import (
	"slices"
	"testing"
	"time"

	"earshot"
)

// One who watches gets poses, neighbours and words like any other, and is in
// nobody's set; blocks and isolation hold for them too.
func TestWatch(t *testing.T) {
	s := newSpace(t, 10)
	join(t, s, "pa_a", 0)
	join(t, s, "pa_b", 3)
	if _, err := s.Join("pa_w", earshot.Standing(earshot.Vec3{X: 1}, 0), epoch); err != nil {
		t.Fatal(err)
	}
	s.Watch("pa_w")
	var out Tick
	near := func(of earshot.ParticipantID) (ids []earshot.ParticipantID) {
		_, list := s.Neighbours(of, nil, nil)
		for _, n := range list {
			ids = append(ids, n.ID)
		}
		slices.Sort(ids)
		return ids
	}
	sent := false
	for i := range 60 {
		s.Tick(epoch.Add(time.Duration(i)*17*time.Millisecond), &out)
		for _, d := range out.Datagrams {
			sent = sent || d.To == "pa_w"
		}
		for _, c := range out.Changes {
			if slices.Contains(c.Enter, "pa_w") {
				t.Errorf("%s was told that the watcher is near", c.Of)
			}
		}
	}
	if got := near("pa_w"); !slices.Equal(got, []earshot.ParticipantID{"pa_a", "pa_b"}) || !sent {
		t.Errorf("the watcher is near %v, poses %t", got, sent)
	}
	if got := near("pa_a"); !slices.Equal(got, []earshot.ParticipantID{"pa_b"}) {
		t.Errorf("near a are %v, want b alone", got)
	}
	if _, reached := s.Reach("pa_a", "pa_w"); reached {
		t.Error("the watcher can be reached over a distance")
	}
	if got := s.Within("pa_a", 50, nil); !slices.Contains(got, "pa_w") {
		t.Errorf("words of a reach %v", got)
	}
	if err := s.Block("pa_a", "pa_w", true); err != nil {
		t.Fatal(err)
	}
	if got := s.Within("pa_a", 50, nil); slices.Contains(got, "pa_w") || slices.Contains(near("pa_w"), "pa_a") {
		t.Error("a block does not hold for the watcher")
	}
	s.Isolate("pa_w", true)
	if got := near("pa_w"); len(got) != 0 {
		t.Errorf("an isolated watcher is near %v", got)
	}
}
