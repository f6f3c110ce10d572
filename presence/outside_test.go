package presence

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"earshot"
)

// In a crowd somebody sees those who are here before those who are only seen from
// here, however near; where some leave, those outside are seen, and give way again.
func TestOutsideGivesWay(t *testing.T) {
	cfg := DefaultConfig()
	cfg.MaxNear, cfg.Epoch = 4, time.Unix(1000, 0)
	s, err := NewSpace(cfg)
	if err != nil {
		t.Fatal(err)
	}
	now := cfg.Epoch
	at := func(metres float32) earshot.Pose { return earshot.Standing(earshot.Vec3{X: metres}, 0) }
	come := func(id earshot.ParticipantID, metres float32) {
		t.Helper()
		if _, err := s.Join(id, at(metres), now); err != nil {
			t.Fatal(err)
		}
		s.Ready(id)
	}
	come("pa_me", 0)
	for i := range 6 {
		id := earshot.ParticipantID(fmt.Sprintf("pa_out%d", i))
		if _, err := s.Visit(id, at(float32(1+i)), now); err != nil {
			t.Fatal(err)
		}
		s.Show(id)
	}
	for i := range 3 {
		come(earshot.ParticipantID(fmt.Sprintf("pa_in%d", i)), float32(10+i))
	}
	var out Tick
	sees := func(want ...earshot.ParticipantID) {
		t.Helper()
		for range 90 {
			now = now.Add(time.Second / 60)
			s.Tick(now, &out)
		}
		_, near := s.Neighbours("pa_me", nil, nil)
		var got []earshot.ParticipantID
		for i := range near {
			got = append(got, near[i].ID)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("pa_me sees %v, want %v", got, want)
		}
	}
	sees("pa_in0", "pa_in1", "pa_in2", "pa_out0")
	come("pa_in3", 13)
	sees("pa_in0", "pa_in1", "pa_in2", "pa_in3")
	s.Leave("pa_in0")
	s.Leave("pa_in1")
	sees("pa_in2", "pa_in3", "pa_out0", "pa_out1")
	if err := s.Block("pa_me", "pa_out0", true); err != nil {
		t.Fatal(err)
	}
	sees("pa_in2", "pa_in3", "pa_out1", "pa_out2")
	for i := range 6 {
		s.Leave(earshot.ParticipantID(fmt.Sprintf("pa_out%d", i)))
	}
	sees("pa_in2", "pa_in3")
	if _, near := s.Neighbours("pa_out5", nil, nil); len(near) > 0 {
		t.Error("one who is outside looks at others")
	}
}
