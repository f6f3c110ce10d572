package presence

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"earshot"
	"earshot/presence/pose"
)

// script drives a Space. Participants are named without their "pa_", times
// are ms of the server clock.
type script struct {
	space *Space
	clock int64
	up    map[earshot.ParticipantID]*sender
	names map[uint16]earshot.ParticipantID
	out   Tick
}

// sender is a client: its clock is behind the server's by skew.
type sender struct {
	uplink pose.Uplink
	skew   int64
}

func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		s := &script{space: newSpace(t, 100), up: map[earshot.ParticipantID]*sender{}, names: map[uint16]earshot.ParticipantID{}}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "space":
				var capacity int
				d.ScanArgs(t, "capacity", &capacity)
				s.space = newSpace(t, capacity)
				return ""
			case "join":
				return s.join(t, d)
			case "ready":
				s.space.Ready(name(d))
				return ""
			case "show":
				s.space.Show(name(d))
				return ""
			case "leave":
				s.space.Leave(name(d))
				return ""
			case "block", "unblock":
				return result(s.space.Block(name(d), earshot.ParticipantID("pa_"+d.CmdArgs[1].Key), d.Cmd == "block"))
			case "pose":
				return s.pose(t, d)
			case "tick":
				return s.tick(t, d)
			case "near":
				return s.near(name(d))
			}
			d.Fatalf(t, "unknown command %q", d.Cmd)
			return ""
		})
	})
}

func name(d *datadriven.TestData) earshot.ParticipantID {
	return earshot.ParticipantID("pa_" + d.CmdArgs[0].Key)
}

func result(err error) string {
	if err != nil {
		return err.Error() + "\n"
	}
	return "ok\n"
}

func (s *script) at() time.Time { return epoch.Add(time.Duration(s.clock) * time.Millisecond) }

func (s *script) join(t *testing.T, d *datadriven.TestData) string {
	var x, skew int
	d.MaybeScanArgs(t, "x", &x)
	d.MaybeScanArgs(t, "skew", &skew)
	index, err := s.space.Join(name(d), earshot.Standing(earshot.Vec3{X: float32(x)}, 0), s.at())
	if err != nil {
		return result(err)
	}
	s.names[index], s.up[name(d)] = name(d), &sender{skew: int64(skew)}
	return fmt.Sprintf("index %d\n", index)
}

// pose sends a pose captured at t, arriving at t+delay unless lost.
func (s *script) pose(t *testing.T, d *datadriven.TestData) string {
	var at, delay, cm int
	d.ScanArgs(t, "t", &at)
	d.ScanArgs(t, "cm", &cm)
	d.MaybeScanArgs(t, "delay", &delay)
	from := s.up[name(d)]
	p := earshot.Standing(earshot.Vec3{X: float32(cm) / 100}, 0)
	datagram := from.uplink.Next(&p, uint32(int64(at)-from.skew))
	if d.HasArg("lost") {
		return ""
	}
	s.clock = int64(at + delay)
	err := s.space.PoseUp(name(d), datagram, s.at())
	if err == nil && d.HasArg("twice") {
		err = s.space.PoseUp(name(d), datagram, s.at())
	}
	if err != nil {
		return result(err)
	}
	return ""
}

// tick prints what a Tick tells and sends: for each recipient the x of each
// pose and when it was captured.
func (s *script) tick(t *testing.T, d *datadriven.TestData) string {
	var at int64
	d.ScanArgs(t, "t", &at)
	s.clock = at
	s.space.Tick(s.at(), &s.out)
	var b strings.Builder
	for _, c := range s.out.Changes {
		fmt.Fprintf(&b, "near %s:", short(c.Of))
		for _, id := range c.Leave {
			fmt.Fprintf(&b, " -%s", short(id))
		}
		for _, id := range c.Enter {
			fmt.Fprintf(&b, " +%s", short(id))
		}
		b.WriteByte('\n')
	}
	for _, g := range s.out.Datagrams {
		r, err := pose.Open(g.Bytes)
		if err != nil || r.Time != uint32(at) {
			t.Fatalf("datagram of time %d at %d: %v", r.Time, at, err)
		}
		fmt.Fprintf(&b, "to %s, %d:", short(g.To), r.Seq)
		for block, ok := r.Next(); ok; block, ok = r.Next() {
			p, _ := block.Pose()
			fmt.Fprintf(&b, " %s %.2f m at %d", short(s.names[block.Index]), p.Root.X, at-int64(block.Age))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func (s *script) near(of earshot.ParticipantID) string {
	ears, list := s.space.Neighbours(of, nil, nil)
	var b strings.Builder
	fmt.Fprintf(&b, "ears %v\n", ears.Position)
	for _, n := range list {
		fmt.Fprintf(&b, "%s %.2f m %v dB\n", short(n.ID), n.Distance, n.PersonalDB)
	}
	fmt.Fprintf(&b, "within 10 m: %v\n", s.space.Within(of, 10, nil))
	return b.String()
}

func short(id earshot.ParticipantID) string { return strings.TrimPrefix(string(id), "pa_") }

var errFull = &earshot.Error{Code: earshot.CodeResourceExhausted}

func TestIndexRests(t *testing.T) {
	s := newSpace(t, MaxCapacity)
	now := epoch
	for i := range MaxCapacity {
		if _, err := s.Join(earshot.ParticipantID(fmt.Sprintf("pa_%d", i)), earshot.Pose{}, now); err != nil {
			t.Fatal(err)
		}
	}
	s.Leave("pa_7")
	if _, err := s.Join("pa_new", earshot.Pose{}, now.Add(indexRest-1)); !errors.Is(err, errFull) {
		t.Errorf("Join before the index has rested = %v, want resource_exhausted", err)
	}
	index, err := s.Join("pa_new", earshot.Pose{}, now.Add(indexRest))
	if err != nil || index != 7 {
		t.Errorf("Join = %d, %v, want 7", index, err)
	}
}
