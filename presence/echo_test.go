package presence

import (
	"testing"
	"time"

	"earshot"
	"earshot/presence/pose"
)

// Somebody moves on one node; on another, whose clock began elsewhere, a
// listener sees them where they are, by whole poses or by roots.
func TestEchoFollowsAnotherNode(t *testing.T) {
	home, away := newSpace(t, 10), newSpace(t, 10)
	join(t, home, "pa_a", 0)
	join(t, away, "pa_b", 1)
	if _, err := away.Join("pa_a", earshot.Standing(earshot.Vec3{}, 0), epoch); err != nil {
		t.Fatal(err)
	}
	away.Show("pa_a")
	now := epoch.Add(time.Second)
	to := earshot.Standing(earshot.Vec3{X: 3, Z: -2}, 1)
	to.Head.Position.Y = 1.2
	home.Move("pa_a", to, now)
	var g Glance
	if !home.Glance("pa_a", now.Add(20*time.Millisecond), &g) || g.Age != 20 || g.Version != 2 {
		t.Fatalf("Glance() = %+v", g)
	}
	if err := away.Echo("pa_a", 1, 5, g.Age, g.Snapshot(), now); err != nil {
		t.Fatal(err)
	}
	got, _ := away.Pose("pa_a")
	want, _ := home.Pose("pa_a")
	if got != want {
		t.Errorf("pose %+v, want %+v", got, want)
	}
	home.Move("pa_a", earshot.Standing(earshot.Vec3{X: 8}, 0), now)
	home.Glance("pa_a", now, &g)
	root := pose.AppendRoot(nil, g.Snapshot())
	if err := away.EchoRoot("pa_a", 2, 25, 0, root, now.Add(20*time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if err := away.Echo("pa_a", 1, 5, 0, g.Snapshot(), now.Add(30*time.Millisecond)); err != nil { // late
		t.Fatal(err)
	}
	if got, _ = away.Pose("pa_a"); got.Root.X < 7.99 || got.Root.X > 8.01 || got.LeftTracked {
		t.Errorf("root %+v, want 8 m on", got.Root)
	}
	for _, bad := range [][]byte{nil, root[:9], g.Snapshot()[:17]} {
		if away.Echo("pa_a", 9, 99, 0, bad, now) == nil || away.EchoRoot("pa_a", 9, 99, 0, bad, now) == nil {
			t.Errorf("%d bytes are taken as a pose", len(bad))
		}
	}
	if err := away.EchoRoot("pa_z", 1, 0, 0, root, now); earshot.CodeOf(err) != earshot.CodeNotFound {
		t.Errorf("EchoRoot of a stranger: %v", err)
	}
}

func TestEchoDoesNotAllocate(t *testing.T) {
	s := newSpace(t, 10)
	join(t, s, "pa_a", 0)
	var g Glance
	s.Glance("pa_a", epoch, &g)
	root := pose.AppendRoot(nil, g.Snapshot())
	now, seq := epoch, uint16(0)
	step := func() {
		seq++
		now = now.Add(20 * time.Millisecond)
		s.Glance("pa_a", now, &g)
		if s.EchoRoot("pa_a", seq, uint32(seq)*20, 0, root, now) != nil {
			t.Fatal("refused")
		}
	}
	step()
	if n := testing.AllocsPerRun(200, step); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func TestBlocksAreListed(t *testing.T) {
	s := newSpace(t, 10)
	if got := s.Blocks("pa_a"); len(got) != 0 {
		t.Errorf("Blocks() = %v", got)
	}
	if err := s.Block("pa_a", "pa_b", true); err != nil {
		t.Fatal(err)
	}
	if got := s.Blocks("pa_a"); len(got) != 1 || got[0] != "pa_b" {
		t.Errorf("Blocks() = %v, want pa_b", got)
	}
}

func FuzzRoot(f *testing.F) {
	at := earshot.Standing(earshot.Vec3{X: -5, Y: 1, Z: 900}, 3)
	f.Add(pose.AppendSnapshot(nil, &at))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := pose.DecodeRoot(b); err == nil {
			if again := pose.AppendRoot(nil, pose.AppendSnapshot(nil, &p)); string(again) != string(b) && p.Root.Finite() {
				if q, err := pose.DecodeRoot(again); err != nil || q.Root != p.Root {
					t.Fatalf("%x becomes %x", b, again)
				}
			}
		}
		if pose.ValidSnapshot(b) {
			if _, err := pose.DecodeRoot(pose.AppendRoot(nil, b)); err != nil {
				t.Fatal(err)
			}
		}
	})
}
