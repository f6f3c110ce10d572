package model

import (
	_ "embed"
	"encoding/binary"
	"math"
	"time"

	"earshot"
)

// motionFile holds recorded motion of a head and two hands; README.md says
// whose. After a header of 4 bytes (the letters ESM1) come the clips, each as
// the number of its frames (16 bits) and the frames, motionHz a second. A
// frame is head, left and right hand, each as x, y, z in millimetres and the
// x, y, z of the rotation times 32767, its w being positive: big-endian signed
// words of 16 bits. Root is on the floor under the hips, -z is ahead.
//
//go:embed motion.bin
var motionFile string

const (
	motionMagic = "ESM1"
	motionHz    = 30
	jointBytes  = 12
	frameBytes  = 3 * jointBytes
)

// clip is one recording, as a part of motionFile.
type clip string

func (c clip) frames() int { return len(c) / frameBytes }

// clips returns the recordings.
func clips() (all []clip) {
	for rest := motionFile[len(motionMagic):]; rest != ""; {
		n := frameBytes * int(binary.BigEndian.Uint16([]byte(rest[:2])))
		all, rest = append(all, clip(rest[2:2+n])), rest[2+n:]
	}
	return all
}

// joint returns joint j (0 head, 1 left, 2 right hand) at a frame, which may
// lie between two.
func (c clip) joint(at float64, j int) earshot.Transform {
	i := min(int(at), c.frames()-1)
	share := float32(at - float64(i))
	a, b := c.stored(i, j), c.stored(min(i+1, c.frames()-1), j)
	return earshot.Transform{
		Position: a.Position.Add(b.Position.Sub(a.Position).Scale(share)),
		Rotation: between(a.Rotation, b.Rotation, share),
	}
}

func (c clip) stored(i, j int) earshot.Transform {
	at := i*frameBytes + j*jointBytes
	word := func(k int) float32 { return float32(int16(uint16(c[at+2*k])<<8 | uint16(c[at+2*k+1]))) }
	q := earshot.Quat{X: word(3) / 32767, Y: word(4) / 32767, Z: word(5) / 32767}
	q.W = float32(math.Sqrt(float64(max(0, 1-q.X*q.X-q.Y*q.Y-q.Z*q.Z))))
	return earshot.Transform{
		Position: earshot.Vec3{X: word(0), Y: word(1), Z: word(2)}.Scale(0.001),
		Rotation: q.Normalised(),
	}
}

// between turns from a to b, the short way; frames are near enough for a
// straight line.
func between(a, b earshot.Quat, share float32) earshot.Quat {
	if a.X*b.X+a.Y*b.Y+a.Z*b.Z+a.W*b.W < 0 {
		b = earshot.Quat{X: -b.X, Y: -b.Y, Z: -b.Z, W: -b.W}
	}
	mix := func(x, y float32) float32 { return x + (y-x)*share }
	return earshot.Quat{X: mix(a.X, b.X), Y: mix(a.Y, b.Y), Z: mix(a.Z, b.Z), W: mix(a.W, b.W)}.Normalised()
}

// Wearer is somebody with a headset: where another Mover is, with the head and
// both hands of a recorded person, who climbs, jumps and turns about. The
// recording plays to its end and back, so that nothing jumps that did not.
// Not safe for concurrent use if its Mover is not.
type Wearer struct {
	mover Mover
	clip  clip
	since time.Time
	phase float64 // frames into the recording at since
}

// NewWearer lays a recording over a movement, from a seeded part of it on.
func NewWearer(mover Mover, seed uint64, now time.Time) *Wearer {
	rng := seeded(seed, 0x5ea7)
	all := clips()
	w := &Wearer{mover: mover, clip: all[rng.IntN(len(all))], since: now}
	w.phase = rng.Float64() * w.span() * 2
	return w
}

// Pose implements Mover.
func (w *Wearer) Pose(now time.Time) earshot.Pose {
	p := w.mover.Pose(now)
	span := w.span()
	at := math.Mod(w.phase+now.Sub(w.since).Seconds()*motionHz, 2*span)
	at = span - math.Abs(at-span) // there and back
	p.Head, p.LeftHand, p.RightHand = w.clip.joint(at, 0), w.clip.joint(at, 1), w.clip.joint(at, 2)
	p.LeftTracked, p.RightTracked = true, true
	return p
}

// span is the index of the last frame.
func (w *Wearer) span() float64 { return float64(w.clip.frames() - 1) }

var _ Mover = (*Wearer)(nil)
