package model

import (
	"bytes"
	"encoding/binary"
	"flag"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"earshot"
)

// generate makes the embedded files anew: README.md has the command.
var generate = flag.Bool("generate", false, "write the embedded media and motion")

// bvhClips are of Debian's package assimp-testmodels.
var bvhClips = []string{"/usr/share/assimp/models/BVH/01_01.bvh", "/usr/share/assimp/models/BVH/01_03.bvh"}

const (
	bvhMetres = 2.54 / 0.45 / 100 // per unit of cgspeed's conversion of the CMU recordings
	hipHeight = 0.95              // metres, of the standing skeleton
	bvhStep   = 4                 // of 120 Hz to 30 Hz
)

// bone is a joint of a BVH skeleton.
type bone struct {
	name     string
	parent   int
	offset   earshot.Vec3
	channels []string
	end      earshot.Vec3 // where its end site is
}

type skeleton struct {
	bones  []bone
	frames [][]float64
}

// readBVH reads what the CMU clips have, which is not all that BVH has.
func readBVH(text string) (s skeleton) {
	head, motion, _ := strings.Cut(text, "MOTION")
	var open []int
	ends := false
	words := strings.Fields(head)
	number := func(i int) float32 { f, _ := strconv.ParseFloat(words[i], 64); return float32(f) }
	for i := 0; i < len(words); i++ {
		switch words[i] {
		case "ROOT", "JOINT":
			parent := -1
			if len(open) > 0 {
				parent = open[len(open)-1]
			}
			s.bones = append(s.bones, bone{name: words[i+1], parent: parent})
		case "End":
			ends = true
		case "{":
			if !ends {
				open = append(open, len(s.bones)-1)
			}
		case "}":
			if !ends {
				open = open[:len(open)-1]
			}
			ends = false
		case "OFFSET":
			v := earshot.Vec3{X: number(i + 1), Y: number(i + 2), Z: number(i + 3)}
			if b := &s.bones[open[len(open)-1]]; ends {
				b.end = v
			} else {
				b.offset = v
			}
		case "CHANNELS":
			n, _ := strconv.Atoi(words[i+1])
			s.bones[len(s.bones)-1].channels = words[i+2 : i+2+n]
		}
	}
	for _, line := range strings.Split(motion, "\n")[3:] {
		var frame []float64
		for _, word := range strings.Fields(line) {
			f, _ := strconv.ParseFloat(word, 64)
			frame = append(frame, f)
		}
		if len(frame) > 0 {
			s.frames = append(s.frames, frame)
		}
	}
	return s
}

// pose returns the place and turn of every bone in a frame.
func (s *skeleton) pose(frame []float64) []earshot.Transform {
	all := make([]earshot.Transform, len(s.bones))
	for i, b := range s.bones {
		at, turn := b.offset, earshot.Identity
		for _, channel := range b.channels {
			v := frame[0]
			frame = frame[1:]
			sin, cos := math.Sincos(v * math.Pi / 360)
			switch channel {
			case "Xposition":
				at.X += float32(v)
			case "Yposition":
				at.Y += float32(v)
			case "Zposition":
				at.Z += float32(v)
			case "Xrotation":
				turn = turn.Mul(earshot.Quat{X: float32(sin), W: float32(cos)})
			case "Yrotation":
				turn = turn.Mul(earshot.Quat{Y: float32(sin), W: float32(cos)})
			case "Zrotation":
				turn = turn.Mul(earshot.Quat{Z: float32(sin), W: float32(cos)})
			}
		}
		if b.parent >= 0 {
			up := all[b.parent]
			at, turn = up.Position.Add(up.Rotation.Rotate(at)), up.Rotation.Mul(turn)
		}
		all[i] = earshot.Transform{Position: at, Rotation: turn}
	}
	return all
}

func (s *skeleton) find(name string) int {
	for i, b := range s.bones {
		if b.name == name {
			return i
		}
	}
	return -1
}

// three returns head, left and right hand as motionFile has them. A recorded
// person looks along +z, its arms lie along x in the rest pose; ours looks
// along -z, and so do its hands.
func (s *skeleton) three(frame []float64) (out [3]earshot.Transform) {
	all := s.pose(frame)
	hips := all[s.find("Hips")]
	// Bending over turns what is ahead of the hips round, but not their sides.
	ahead := hips.Rotation.Rotate(earshot.Vec3{X: 1}).Cross(earshot.Vec3{Y: 1})
	back := earshot.YawQuat(float32(math.Pi) - float32(math.Atan2(float64(ahead.X), float64(ahead.Z))))
	half := earshot.YawQuat(math.Pi)
	for j, part := range []struct {
		name string
		arm  float32 // yaw from ahead to along the arm at rest
	}{{"Head", 0}, {"LeftHand", math.Pi / 2}, {"RightHand", -math.Pi / 2}} {
		b := s.find(part.name)
		at := all[b].Position
		if part.name == "Head" { // the joint is at the neck's end: the eyes are further up
			at = at.Add(all[b].Rotation.Rotate(s.bones[b].end.Scale(0.5)))
		}
		at = back.Rotate(at.Sub(hips.Position)).Scale(bvhMetres).Add(earshot.Vec3{Y: hipHeight})
		turn := back.Mul(all[b].Rotation).Mul(half).Mul(earshot.YawQuat(part.arm))
		out[j] = earshot.Transform{Position: at, Rotation: turn.Normalised()}
	}
	return out
}

func makeMotion(t *testing.T) []byte {
	out := []byte(motionMagic)
	for _, path := range bvhClips {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Skip("Debian's assimp-testmodels is not installed")
		}
		s := readBVH(string(text))
		s.frames = s.frames[1:] // the first is the rest pose, arms out
		n := (len(s.frames) + bvhStep - 1) / bvhStep
		out = binary.BigEndian.AppendUint16(out, uint16(n))
		for i := 0; i < len(s.frames); i += bvhStep {
			for _, joint := range s.three(s.frames[i]) {
				out = appendJoint(out, joint)
			}
		}
	}
	return out
}

func appendJoint(out []byte, j earshot.Transform) []byte {
	sign := float32(1)
	if j.Rotation.W < 0 {
		sign = -1
	}
	for _, v := range []float32{
		1000 * j.Position.X, 1000 * j.Position.Y, 1000 * j.Position.Z,
		32767 * sign * j.Rotation.X, 32767 * sign * j.Rotation.Y, 32767 * sign * j.Rotation.Z,
	} {
		out = binary.BigEndian.AppendUint16(out, uint16(int16(math.Round(float64(v)))))
	}
	return out
}

// The embedded motion is what the clips give, where they are installed.
func TestMotionIsThatOfTheClips(t *testing.T) {
	made := makeMotion(t)
	if *generate {
		if err := os.WriteFile("motion.bin", made, 0o644); err != nil {
			t.Fatal(err)
		}
		t.Logf("motion.bin: %d bytes", len(made))
		return
	}
	if !bytes.Equal(made, []byte(motionFile)) {
		t.Errorf("motion.bin has %d bytes, the clips give %d others: README.md says how to make it", len(motionFile), len(made))
	}
}
