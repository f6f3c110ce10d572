package pose

import (
	"math"
	"math/rand/v2"
	"testing"

	"earshot"
)

// The bounds that POSE.md promises for values in range.
const (
	maxRootError  = 0.00245 // metres: 1 mm along x and z, 2 mm along y, float32 at 16 km left out
	maxJointError = 0.00347 // metres: 2 mm along each axis
	maxYawError   = 0.18    // degrees
	maxTurnError  = 0.275   // degrees: three components half a step off, the fourth following
)

func randomPose(rng *rand.Rand) earshot.Pose {
	p := earshot.Pose{
		Root: earshot.Vec3{X: symmetric(rng, 200), Y: symmetric(rng, 100), Z: symmetric(rng, 200)},
		Yaw:  symmetric(rng, math.Pi),
		Head: randomTransform(rng),
	}
	p.LeftHand.Rotation, p.RightHand.Rotation = earshot.Identity, earshot.Identity
	if p.LeftTracked = rng.IntN(2) == 0; p.LeftTracked {
		p.LeftHand = randomTransform(rng)
	}
	if p.RightTracked = rng.IntN(2) == 0; p.RightTracked {
		p.RightHand = randomTransform(rng)
	}
	return p
}

func randomTransform(rng *rand.Rand) earshot.Transform {
	r := earshot.Quat{X: float32(rng.NormFloat64()), Y: float32(rng.NormFloat64()), Z: float32(rng.NormFloat64()), W: float32(rng.NormFloat64())}
	return earshot.Transform{
		Position: earshot.Vec3{X: symmetric(rng, 2), Y: 1 + symmetric(rng, 2), Z: symmetric(rng, 2)},
		Rotation: r.Normalised(),
	}
}

func symmetric(rng *rand.Rand, limit float32) float32 { return (2*rng.Float32() - 1) * limit }

// turn returns the angle between two rotations, in degrees.
func turn(a, b earshot.Quat) float64 {
	a.X, a.Y, a.Z = -a.X, -a.Y, -a.Z
	d := a.Mul(b)
	v := math.Sqrt(float64(d.X)*float64(d.X) + float64(d.Y)*float64(d.Y) + float64(d.Z)*float64(d.Z))
	return 2 * math.Atan2(v, math.Abs(float64(d.W))) * 180 / math.Pi
}

func TestErrorBounds(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var root, joint, yaw, angle, lengths float64
	const poses = 100_000
	for range poses {
		p := randomPose(rng)
		b := AppendSnapshot(nil, &p)
		lengths += float64(len(b))
		q, err := DecodeSnapshot(b)
		if err != nil || q.LeftTracked != p.LeftTracked || q.RightTracked != p.RightTracked {
			t.Fatalf("DecodeSnapshot(%x) = %+v, %v", b, q, err)
		}
		root = max(root, float64(p.Root.Distance(q.Root)))
		yaw = max(yaw, math.Abs(math.Remainder(float64(p.Yaw-q.Yaw), 2*math.Pi))*180/math.Pi)
		for _, j := range [][2]earshot.Transform{{p.Head, q.Head}, {p.LeftHand, q.LeftHand}, {p.RightHand, q.RightHand}} {
			joint = max(joint, float64(j[0].Position.Distance(j[1].Position)))
			angle = max(angle, turn(j[0].Rotation, j[1].Rotation))
		}
	}
	t.Logf("%d poses: root %.2f mm, joints %.2f mm, yaw %.3f deg, rotation %.3f deg, %.1f bytes", poses, root*1e3, joint*1e3, yaw, angle, lengths/poses)
	if root > maxRootError || joint > maxJointError || yaw > maxYawError || angle > maxTurnError {
		t.Errorf("largest errors %v m, %v m, %v deg, %v deg exceed POSE.md", root, joint, yaw, angle)
	}
}

func TestClampOnEncode(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		name      string
		root, got earshot.Vec3
	}{
		{"far", earshot.Vec3{X: 17_000, Y: 500, Z: -17_000}, earshot.Vec3{X: 16_000, Y: 131.068, Z: -16_000}},
		{"infinite", earshot.Vec3{X: inf, Y: -inf, Z: -inf}, earshot.Vec3{X: 16_000, Y: -131.072, Z: -16_000}},
		{"no number", earshot.Vec3{X: nan, Y: nan, Z: nan}, earshot.Vec3{}},
	} {
		p := earshot.Pose{Root: c.root, Yaw: c.root.X, Head: earshot.Transform{Position: c.root, Rotation: earshot.Quat{X: nan, W: inf}}}
		q, err := DecodeSnapshot(AppendSnapshot(nil, &p))
		if err != nil || q.Root != c.got || q.Head.Rotation != earshot.Identity || !q.Head.Position.Finite() {
			t.Errorf("%s: decoded %+v, %v, want root %v", c.name, q, err, c.got)
		}
	}
}

func TestPackerFillsDatagrams(t *testing.T) {
	hands := earshot.Pose{LeftTracked: true, RightTracked: true}
	payload := AppendSnapshot(nil, &hands)
	var p Packer
	if p.Add(Block{Payload: payload}) || p.End() != nil {
		t.Error("a Packer without Begin takes a block")
	}
	p.Begin(1, 2)
	n := 0
	for p.Add(Block{Index: uint16(n), Kind: KindSnapshot, Payload: payload}) {
		n++
	}
	first := p.End()
	if n != 31 || len(first) != HeaderBytes+31*(BlockBytes+MaxSnapshot) {
		t.Errorf("%d blocks, %d bytes, want 31 blocks of 38 after a header of 8", n, len(first))
	}
	p.Begin(2, 2)
	for n = 0; p.Add(Block{}); n++ {
	}
	if second := p.End(); n != 238 || len(second) > MaxDatagram {
		t.Errorf("%d empty blocks, %d bytes, want 238 in 1198", n, len(second))
	}
	if _, err := Open(first); err != nil {
		t.Errorf("the first datagram after writing the second: %v", err)
	}
}

func TestUplinkLeavesOutWhatIsTooOld(t *testing.T) {
	var up Uplink
	p := earshot.Standing(earshot.Vec3{}, 0)
	for _, c := range []struct {
		time   uint32
		blocks int
	}{{1000, 1}, {1033, 2}, {1288, 2}, {1544, 1}, {1500, 1}} {
		r, err := Open(up.Next(&p, c.time))
		if err != nil || r.Len != c.blocks {
			t.Errorf("Next(%d) has %d blocks, %v, want %d", c.time, r.Len, err, c.blocks)
		}
	}
}

func TestNoAllocation(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	p := randomPose(rng)
	p.LeftTracked, p.RightTracked = true, true
	buf := make([]byte, 0, MaxSnapshot)
	var packer Packer
	var up Uplink
	datagram := fill(&packer, AppendSnapshot(nil, &p))
	up.Next(&p, 0)
	up.Next(&p, 1)
	for name, f := range map[string]func(){
		"AppendSnapshot": func() { buf = AppendSnapshot(buf[:0], &p) },
		"DecodeSnapshot": func() { p, _ = DecodeSnapshot(buf) },
		"Packer":         func() { fill(&packer, buf) },
		"Uplink":         func() { up.Next(&p, 0) },
		"Reader":         func() { drain(datagram) },
	} {
		if f(); testing.AllocsPerRun(100, f) != 0 {
			t.Errorf("%s allocates, want 0", name)
		}
	}
}

func fill(p *Packer, payload []byte) []byte {
	p.Reset()
	p.Begin(0, 0)
	for p.Add(Block{Kind: KindSnapshot, Payload: payload}) {
	}
	return p.End()
}

func drain(datagram []byte) (sum float32) {
	r, _ := Open(datagram)
	for b, ok := r.Next(); ok; b, ok = r.Next() {
		p, _ := b.Pose()
		sum += p.Root.X
	}
	return sum
}

func BenchmarkAppendSnapshot(b *testing.B) {
	p := randomPose(rand.New(rand.NewPCG(7, 8)))
	p.LeftTracked, p.RightTracked = true, true
	buf := make([]byte, 0, MaxSnapshot)
	for b.Loop() {
		buf = AppendSnapshot(buf[:0], &p)
	}
}

func BenchmarkDecodeSnapshot(b *testing.B) {
	p := randomPose(rand.New(rand.NewPCG(7, 8)))
	p.LeftTracked, p.RightTracked = true, true
	buf := AppendSnapshot(nil, &p)
	for b.Loop() {
		p, _ = DecodeSnapshot(buf)
	}
}
