package presence

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"earshot"
	"earshot/presence/pose"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func newSpace(t testing.TB, capacity int) *Space {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Capacity, cfg.Epoch = capacity, epoch
	s, err := NewSpace(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func join(t testing.TB, s *Space, id earshot.ParticipantID, x float32) uint16 {
	t.Helper()
	index, err := s.Join(id, earshot.Standing(earshot.Vec3{X: x}, 0), epoch)
	if err != nil {
		t.Fatal(err)
	}
	s.Ready(id)
	return index
}

// A pose sent before a tick is in the datagram of that very tick.
func TestPoseReachesTheNextTick(t *testing.T) {
	s := newSpace(t, 10)
	a, _ := join(t, s, "pa_a", 0), join(t, s, "pa_b", 3)
	var out Tick
	s.Tick(epoch.Add(time.Millisecond), &out)

	var up pose.Uplink
	moved := earshot.Standing(earshot.Vec3{X: 1}, 0)
	if err := s.PoseUp("pa_a", up.Next(&moved, 77), epoch.Add(10*time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	s.Tick(epoch.Add(17*time.Millisecond), &out)
	if len(out.Datagrams) != 1 || out.Datagrams[0].To != "pa_b" {
		t.Fatalf("Tick sends %v, want one datagram to pa_b", out.Datagrams)
	}
	r, err := pose.Open(out.Datagrams[0].Bytes)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := r.Next()
	p, ok := b.Pose()
	if r.Time != 17 || b.Index != a || b.Age != 7 || !ok || p.Root.X != 1 {
		t.Fatalf("datagram at %d: index %d, age %d, %v %v; want 17, %d, 7, x 1", r.Time, b.Index, b.Age, p, ok, a)
	}
}

func TestConfigValidate(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"default", func(*Config) {}, ""},
		{"capacity 0", func(c *Config) { c.Capacity = 0 }, "capacity"},
		{"capacity 4097", func(c *Config) { c.Capacity = 4097 }, "capacity"},
		{"view_range NaN", func(c *Config) { c.ViewRange = math.NaN() }, "view_range"},
		{"view_range 1001", func(c *Config) { c.ViewRange = 1001 }, "view_range"},
		{"max_near 0", func(c *Config) { c.MaxNear = 0 }, "max_near"},
		{"max_near 257", func(c *Config) { c.MaxNear = 257 }, "max_near"},
	} {
		cfg := DefaultConfig()
		c.change(&cfg)
		_, err := NewSpace(cfg)
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		} else if earshot.CodeOf(err) != earshot.CodeInvalidArgument || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: NewSpace = %v, want invalid_argument naming %s", c.name, err, c.want)
		}
	}
}

func TestPoseUpRefuses(t *testing.T) {
	s := newSpace(t, 10)
	join(t, s, "pa_a", 0)
	p := earshot.Standing(earshot.Vec3{X: 9}, 0)
	var up pose.Uplink
	good := up.Next(&p, 1)
	var packer pose.Packer
	packed := func(blocks ...pose.Block) []byte {
		packer.Begin(1, 1)
		for _, b := range blocks {
			packer.Add(b)
		}
		return packer.End()
	}
	snapshot := pose.Block{Kind: pose.KindSnapshot, Payload: pose.AppendSnapshot(nil, &p)}
	for _, c := range []struct {
		name     string
		id       earshot.ParticipantID
		datagram []byte
		want     earshot.Code
	}{
		{"nobody", "pa_zoe", good, earshot.CodeNotFound},
		{"empty", "pa_a", nil, earshot.CodeInvalidArgument},
		{"cut", "pa_a", good[:20], earshot.CodeInvalidArgument},
		{"no block", "pa_a", packed(), earshot.CodeInvalidArgument},
		{"three blocks", "pa_a", packed(snapshot, snapshot, snapshot), earshot.CodeInvalidArgument},
		{"a delta", "pa_a", packed(pose.Block{Kind: pose.KindDelta}), earshot.CodeInvalidArgument},
	} {
		if err := s.PoseUp(c.id, c.datagram, epoch); earshot.CodeOf(err) != c.want {
			t.Errorf("%s: PoseUp = %v, want %s", c.name, err, c.want)
		}
	}
	if at, ok := s.Pose("pa_a"); !ok || at.Root.X != 0 {
		t.Errorf("Pose = %v, %v, want the one of Join", at, ok)
	}
	if err := s.PoseUp("pa_a", good, epoch); err != nil {
		t.Error(err)
	}
	if at, ok := s.Pose("pa_a"); !ok || at.Root.X != 9 {
		t.Errorf("Pose = %v, %v, want x 9", at, ok)
	}
}

// A pose beyond the world, or no pose at all, is brought back at Join too.
func TestJoinClampsThePose(t *testing.T) {
	s := newSpace(t, 10)
	nan := float32(math.NaN())
	if _, err := s.Join("pa_a", earshot.Pose{Root: earshot.Vec3{X: 1e9, Y: nan, Z: -1e9}, Yaw: nan}, epoch); err != nil {
		t.Fatal(err)
	}
	want := earshot.Vec3{X: pose.MaxRoot, Z: -pose.MaxRoot}
	if at, _ := s.Pose("pa_a"); at.Root != want || at.Yaw != 0 || at.Head.Rotation != earshot.Identity {
		t.Errorf("Pose = %+v, want root %v", at, want)
	}
}

func TestRelationsAreBounded(t *testing.T) {
	s := newSpace(t, 10)
	other := func(i int) earshot.ParticipantID { return earshot.ParticipantID(fmt.Sprintf("pa_%d", i)) }
	for i := range maxRelations {
		if err := errors.Join(s.Block("pa_a", other(i), true), s.SetGain("pa_a", other(i), -6)); err != nil {
			t.Fatal(err)
		}
	}
	for name, err := range map[string]error{
		"one block more": s.Block("pa_a", "pa_x", true),
		"one gain more":  s.SetGain("pa_a", "pa_x", -6),
	} {
		if earshot.CodeOf(err) != earshot.CodeResourceExhausted {
			t.Errorf("%s: %v, want resource_exhausted", name, err)
		}
	}
	for name, err := range map[string]error{
		"the same block":      s.Block("pa_a", other(5), true),
		"unblock a stranger":  s.Block("pa_a", "pa_x", false),
		"unblock":             s.Block("pa_a", other(5), false),
		"and block another":   s.Block("pa_a", "pa_x", true),
		"the same gain":       s.SetGain("pa_a", other(5), 3),
		"forget a gain":       s.SetGain("pa_a", other(5), 0),
		"and set another":     s.SetGain("pa_a", "pa_x", 12),
		"block by a stranger": s.Block("pa_b", "pa_a", true),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !s.Blocked("pa_x", "pa_a") || s.Blocked("pa_a", other(5)) {
		t.Error("Blocked does not follow Block")
	}
}

func TestSetGain(t *testing.T) {
	s := newSpace(t, 10)
	join(t, s, "pa_a", 0)
	join(t, s, "pa_b", 1)
	var out Tick
	s.Tick(epoch, &out)
	for _, c := range []struct {
		db   float64
		want earshot.Code
	}{
		{-60, ""}, {12, ""}, {12.1, earshot.CodeOutOfRange}, {-61, earshot.CodeOutOfRange}, {math.NaN(), earshot.CodeOutOfRange}, {-7.5, ""},
	} {
		if err := s.SetGain("pa_a", "pa_b", c.db); earshot.CodeOf(err) != c.want {
			t.Errorf("SetGain(%v) = %v, want %q", c.db, err, c.want)
		}
	}
	if err := s.SetGain("pa_a", "pa_a", 1); earshot.CodeOf(err) != earshot.CodeInvalidArgument {
		t.Errorf("SetGain for oneself = %v, want invalid_argument", err)
	}
	if _, near := s.Neighbours("pa_a", nil, nil); len(near) != 1 || near[0].PersonalDB != -7.5 {
		t.Errorf("Neighbours = %+v, want pa_b at -7.5 dB", near)
	}
	if _, near := s.Neighbours("pa_b", nil, nil); len(near) != 1 || near[0].PersonalDB != 0 {
		t.Errorf("Neighbours = %+v, want pa_a at 0 dB", near)
	}
}

// The head is turned and moved with the root, and distances are head to head.
func TestNeighboursHeads(t *testing.T) {
	s := newSpace(t, 10)
	join(t, s, "pa_a", 0)
	leaning := earshot.Standing(earshot.Vec3{X: 5}, math.Pi/2) // faces -x
	leaning.Head.Position.Z = -0.5
	if _, err := s.Join("pa_b", leaning, epoch); err != nil {
		t.Fatal(err)
	}
	s.Show("pa_b")
	var out Tick
	s.Tick(epoch, &out)
	ears, near := s.Neighbours("pa_a", nil, nil)
	want := earshot.Vec3{X: 4.5, Y: 1.6}
	if len(near) != 1 || near[0].Head.Position.Distance(want) > 0.01 || math.Abs(float64(near[0].Distance)-4.5) > 0.01 {
		t.Fatalf("Neighbours = %+v, want one head at %v", near, want)
	}
	if f := near[0].Head.Rotation.Forward(); f.Distance(earshot.Vec3{X: -1}) > 0.01 || ears.Position.Y != 1.6 {
		t.Errorf("the head faces %v, ears at %v; want -x, 1.6 m up", f, ears.Position)
	}
	if ears, near := s.Neighbours("pa_zoe", nil, near[:0]); len(near) != 0 || ears.Rotation != earshot.Identity {
		t.Errorf("Neighbours of nobody = %v, %v", ears, near)
	}
}

// Every method at once, for the race detector.
func TestConcurrency(t *testing.T) {
	s := newSpace(t, 50)
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			id := earshot.ParticipantID(fmt.Sprintf("pa_%d", worker))
			other := earshot.ParticipantID(fmt.Sprintf("pa_%d", (worker+1)%4))
			var up pose.Uplink
			for i := range 200 {
				now := epoch.Add(time.Duration(i) * 10 * time.Millisecond)
				p := earshot.Standing(earshot.Vec3{X: float32(i) / 100, Z: float32(worker)}, 0)
				if i%20 == 0 {
					s.Leave(id)
					if _, err := s.Join(id, p, now); err != nil {
						t.Error(err)
					}
					s.Ready(id)
				}
				err := errors.Join(s.PoseUp(id, up.Next(&p, uint32(i)), now), s.Block(id, other, i%3 == 0), s.SetGain(id, other, float64(i%7)))
				if err != nil {
					t.Error(err)
				}
				s.Neighbours(id, nil, nil)
				s.Within(id, 5, nil)
				s.Pose(other)
			}
		})
	}
	wg.Go(func() {
		var out Tick
		for i := range 300 {
			s.Tick(epoch.Add(time.Duration(i)*16*time.Millisecond), &out)
		}
	})
	wg.Wait()
}
