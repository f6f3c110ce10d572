package pose

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"testing"

	"earshot"
)

func seeds(f *testing.F) vectors {
	b, err := os.ReadFile(vectorsFile)
	if err != nil {
		f.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(b, &v); err != nil {
		f.Fatal(err)
	}
	return v
}

func decodeHex(f *testing.F, s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		f.Fatal(err)
	}
	return b
}

// FuzzOpen: any bytes either are refused or can be walked to the end, and the
// same blocks packed again are the same datagram.
func FuzzOpen(f *testing.F) {
	v := seeds(f)
	for _, d := range v.Datagrams {
		f.Add(decodeHex(f, d.Bytes))
	}
	for _, m := range v.Malformed {
		f.Add(decodeHex(f, m.Bytes))
	}
	f.Fuzz(func(t *testing.T, datagram []byte) {
		r, err := Open(datagram)
		if err != nil {
			if earshot.CodeOf(err) != earshot.CodeInvalidArgument {
				t.Fatalf("Open fails with %v, want invalid_argument", err)
			}
			return
		}
		var p Packer
		p.Begin(r.Seq, r.Time)
		for b, ok := r.Next(); ok; b, ok = r.Next() {
			if q, known := b.Pose(); known != b.Known() || known && !sound(&q) {
				t.Fatalf("block %+v decodes to %+v, %v", b, q, known)
			}
			if !p.Add(b) {
				t.Fatalf("block %+v was in a datagram and does not fit into one", b)
			}
		}
		again := p.End()
		again[0] |= datagram[0] & 15 // flags are ignored on receipt
		if !bytes.Equal(again, datagram) {
			t.Fatalf("packed again: %x, want %x", again, datagram)
		}
	})
}

// FuzzSnapshot: any floats encode, and what is decoded encodes to a pose
// within the error bounds of itself.
func FuzzSnapshot(f *testing.F) {
	f.Add(float32(1), float32(2), float32(3), float32(0.5), float32(0.1), float32(-0.2), float32(0.3), float32(0.9), uint8(3))
	f.Add(float32(math.NaN()), float32(math.Inf(-1)), float32(3e38), float32(-7e30), float32(0), float32(0), float32(0), float32(0), uint8(1))
	f.Fuzz(func(t *testing.T, x, y, z, yaw, i, j, k, w float32, tracked uint8) {
		joint := earshot.Transform{Position: earshot.Vec3{X: y, Y: z, Z: x}, Rotation: earshot.Quat{X: i, Y: j, Z: k, W: w}}
		p := earshot.Pose{Root: earshot.Vec3{X: x, Y: y, Z: z}, Yaw: yaw, Head: joint, LeftHand: joint, RightHand: joint,
			LeftTracked: tracked&1 != 0, RightTracked: tracked&2 != 0}
		q, err := DecodeSnapshot(AppendSnapshot(nil, &p))
		if err != nil || !sound(&q) {
			t.Fatalf("%+v decodes to %+v, %v", p, q, err)
		}
		again, err := DecodeSnapshot(AppendSnapshot(nil, &q))
		if err != nil || again.Root != q.Root || again.Yaw != q.Yaw || again.Head.Position != q.Head.Position ||
			turn(again.Head.Rotation, q.Head.Rotation) > maxTurnError {
			t.Fatalf("%+v encodes to %+v, %v", q, again, err)
		}
	})
}

func sound(p *earshot.Pose) bool {
	ok := p.Root.Finite() && math.Abs(float64(p.Root.X)) <= MaxRoot && math.Abs(float64(p.Root.Z)) <= MaxRoot &&
		math.Abs(float64(p.Yaw)) <= math.Pi+1e-6
	for _, j := range []earshot.Transform{p.Head, p.LeftHand, p.RightHand} {
		r := j.Rotation
		n := r.X*r.X + r.Y*r.Y + r.Z*r.Z + r.W*r.W
		ok = ok && j.Position.Finite() && n > 0.9999 && n < 1.0001
	}
	return ok
}
