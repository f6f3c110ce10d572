package pose

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"earshot"
)

var update = flag.Bool("update", false, "write testdata/vectors.json anew")

const vectorsFile = "testdata/vectors.json"

// vectors is the file that the Go and the JavaScript codec share. Floats are
// float32 values written in full, so that both quantise the same numbers.
type vectors struct {
	Comment   string           `json:"comment"`
	Snapshots []snapshotVector `json:"snapshots"`
	Datagrams []datagramVector `json:"datagrams"`
	Malformed []errorVector    `json:"malformed"`
}

type snapshotVector struct {
	Name    string   `json:"name"`
	Pose    jsonPose `json:"pose"`
	Bytes   string   `json:"bytes"`
	Decoded jsonPose `json:"decoded"`
}

type datagramVector struct {
	Name   string        `json:"name"`
	Seq    uint16        `json:"seq"`
	Time   uint32        `json:"time"`
	Blocks []blockVector `json:"blocks"`
	Bytes  string        `json:"bytes"`
}

type blockVector struct {
	Index   uint16    `json:"index"`
	Kind    uint8     `json:"kind"`
	Profile uint8     `json:"profile"`
	Ref     uint8     `json:"ref"`
	Age     uint8     `json:"age"`
	Payload string    `json:"payload"`
	Decoded *jsonPose `json:"decoded"` // null for a kind or profile to be skipped
}

type errorVector struct {
	Name  string `json:"name"`
	Bytes string `json:"bytes"`
	Error bool   `json:"error"`
}

type jsonPose struct {
	Root      [3]float64     `json:"root"`
	Yaw       float64        `json:"yaw"`
	Head      jsonTransform  `json:"head"`
	LeftHand  *jsonTransform `json:"left"`
	RightHand *jsonTransform `json:"right"`
}

type jsonTransform struct {
	Position [3]float64 `json:"position"`
	Rotation [4]float64 `json:"rotation"`
}

func TestVectors(t *testing.T) {
	written := makeVectors().lines(t)
	if *update {
		if err := os.WriteFile(vectorsFile, written, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(golden, written) {
		t.Errorf("%s is not what the codec writes now; a change of the wire format updates POSE.md, the vectors (go test -update) and gateway/web/pose.js together", vectorsFile)
	}
	var v vectors
	if err := json.Unmarshal(golden, &v); err != nil {
		t.Fatal(err)
	}
	for _, s := range v.Snapshots {
		p := s.Pose.pose()
		if got := hex.EncodeToString(AppendSnapshot(nil, &p)); got != s.Bytes {
			t.Errorf("%s: AppendSnapshot = %s, want %s", s.Name, got, s.Bytes)
		}
		if got, err := DecodeSnapshot(unhex(t, s.Bytes)); err != nil || !samePose(toJSON(got), &s.Decoded) {
			t.Errorf("%s: DecodeSnapshot = %+v, %v, want %+v", s.Name, got, err, s.Decoded)
		}
	}
	for _, d := range v.Datagrams {
		checkDatagram(t, d)
	}
	for _, m := range v.Malformed {
		if _, err := Open(unhex(t, m.Bytes)); err == nil {
			t.Errorf("%s: Open succeeds, want an error", m.Name)
		}
	}
}

// lines is the file: JSON with one vector a line, so that a change can be read.
func (v vectors) lines(t *testing.T) []byte {
	var b bytes.Buffer
	list := func(name string, n int, at func(i int) any) {
		fmt.Fprintf(&b, ",\n%q: [\n", name)
		for i := range n {
			line, err := json.Marshal(at(i))
			if err != nil {
				t.Fatal(err)
			}
			if b.Write(line); i < n-1 {
				b.WriteByte(',')
			}
			b.WriteByte('\n')
		}
		b.WriteByte(']')
	}
	fmt.Fprintf(&b, "{\"comment\": %q", v.Comment)
	list("snapshots", len(v.Snapshots), func(i int) any { return v.Snapshots[i] })
	list("datagrams", len(v.Datagrams), func(i int) any { return v.Datagrams[i] })
	list("malformed", len(v.Malformed), func(i int) any { return v.Malformed[i] })
	b.WriteString("}\n")
	return b.Bytes()
}

func checkDatagram(t *testing.T, d datagramVector) {
	r, err := Open(unhex(t, d.Bytes))
	if err != nil {
		t.Errorf("%s: %v", d.Name, err)
		return
	}
	if r.Seq != d.Seq || r.Time != d.Time || r.Len != len(d.Blocks) {
		t.Errorf("%s: header %d %d %d, want %d %d %d", d.Name, r.Seq, r.Time, r.Len, d.Seq, d.Time, len(d.Blocks))
	}
	for i, want := range d.Blocks {
		b, ok := r.Next()
		got := vectorOf(b)
		if !ok || got.Decoded != nil && !samePose(got.Decoded, want.Decoded) {
			t.Errorf("%s: block %d decodes to %+v, want %+v", d.Name, i, got.Decoded, want.Decoded)
		}
		got.Decoded, want.Decoded = nil, nil
		if got != want {
			t.Errorf("%s: block %d = %+v, want %+v", d.Name, i, got, want)
		}
	}
}

func makeVectors() vectors {
	v := vectors{Comment: "Written by go test ./presence/pose -run TestVectors -update. Decoded values hold within 1e-6 (root: 1e-3, float32 at 16 km)."}
	for _, n := range namedPoses() {
		b := AppendSnapshot(nil, &n.pose)
		p, _ := DecodeSnapshot(b)
		v.Snapshots = append(v.Snapshots, snapshotVector{n.name, *toJSON(n.pose), hex.EncodeToString(b), *toJSON(p)})
	}
	v.Datagrams = makeDatagrams()
	v.Malformed = makeMalformed()
	return v
}

type namedPose struct {
	name string
	pose earshot.Pose
}

func namedPoses() []namedPose {
	standing := earshot.Standing(earshot.Vec3{X: 1.5, Y: 0.2, Z: -3.25}, math.Pi/2)
	hands := standing
	hands.LeftTracked, hands.RightTracked = true, true
	hands.LeftHand = earshot.Transform{Position: earshot.Vec3{X: -0.31, Y: 1.12, Z: -0.42}, Rotation: earshot.Quat{X: 0.5, Y: -0.5, Z: 0.5, W: 0.5}}
	hands.RightHand = earshot.Transform{Position: earshot.Vec3{X: 0.28, Y: 2.21, Z: 0.1}, Rotation: earshot.Quat{X: 0.1, Y: 0.2, Z: -0.9, W: -0.37}}
	right := hands
	right.LeftTracked, right.LeftHand = false, earshot.Transform{Rotation: earshot.Identity}
	far := earshot.Standing(earshot.Vec3{X: 1e6, Y: -1e6, Z: -1e6}, -100)
	far.Head.Position = earshot.Vec3{X: -50, Y: 50, Z: 50}
	list := []namedPose{
		{"origin", earshot.Pose{Head: earshot.Transform{Rotation: earshot.Identity}}},
		{"standing", standing}, {"two hands", hands}, {"right hand only", right},
		{"everything out of range", far},
		{"rotation of no length", earshot.Pose{Root: earshot.Vec3{X: -0.001}, Yaw: -0.003}},
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 24 {
		list = append(list, namedPose{fmt.Sprintf("random %d", i), randomPose(rng)})
	}
	return list
}

func makeDatagrams() []datagramVector {
	var list []datagramVector
	poses := namedPoses()
	var up Uplink
	up.seq = 65535
	first := bytes.Clone(up.Next(&poses[1].pose, 4294967290))
	list = append(list, describe("uplink, first pose", first))
	list = append(list, describe("uplink, second pose, sequence and time wrap", up.Next(&poses[2].pose, 27)))

	var p Packer
	p.Begin(7, 123456)
	p.Add(Block{Index: 4095, Kind: KindDelta, Ref: 0x12, Age: 3, Payload: []byte{1, 2, 3}})
	p.Add(Block{Index: 12, Kind: KindSnapshot, Age: 16, Payload: AppendSnapshot(nil, &poses[3].pose)})
	p.Add(Block{Index: 13, Kind: KindSnapshot, Profile: 3, Age: 255})
	p.Add(Block{Index: 14, Kind: KindRoot, Payload: make([]byte, 200)})
	list = append(list, describe("unknown kinds and profiles are skipped", p.End()))
	p.Begin(8, 0)
	list = append(list, describe("no blocks", p.End()))
	p.Begin(9, 1)
	for i := range 31 {
		p.Add(Block{Index: uint16(i), Kind: KindSnapshot, Payload: AppendSnapshot(nil, &poses[2].pose)})
	}
	return append(list, describe("full: 31 poses", p.End()))
}

func makeMalformed() []errorVector {
	pose := namedPoses()[2].pose
	var up Uplink
	good := bytes.Clone(up.Next(&pose, 5))
	with := func(change func(b []byte) []byte) string {
		return hex.EncodeToString(change(bytes.Clone(good)))
	}
	return []errorVector{
		{"empty", "", true},
		{"header cut", with(func(b []byte) []byte { return b[:7] }), true},
		{"version 2", with(func(b []byte) []byte { b[0] = 0x20; return b }), true},
		{"block header cut", with(func(b []byte) []byte { return b[:HeaderBytes+4] }), true},
		{"payload cut", with(func(b []byte) []byte { return b[:len(b)-1] }), true},
		{"more blocks than bytes", with(func(b []byte) []byte { b[7] = 2; return b }), true},
		{"bytes after the last block", with(func(b []byte) []byte { return append(b, 0) }), true},
		{"hand missing", with(func(b []byte) []byte { b[HeaderBytes+2] = 25; return b[:len(b)-8] }), true},
		{"payload too short for the flags", with(func(b []byte) []byte { b[HeaderBytes+2] = 9; return b[:HeaderBytes+BlockBytes+9] }), true},
		{"padding not zero", with(func(b []byte) []byte { b[len(b)-1] |= 1; return b }), true},
		{"longer than 1200 bytes", with(func(b []byte) []byte {
			b = b[:HeaderBytes]
			for range 5 {
				b = append(append(b, 0, 0, 255, 0, 0), make([]byte, 255)...)
			}
			b[7] = 5
			return b
		}), true},
	}
}

func describe(name string, datagram []byte) datagramVector {
	r, err := Open(datagram)
	if err != nil {
		panic(err)
	}
	d := datagramVector{Name: name, Seq: binary.BigEndian.Uint16(datagram[1:]), Time: r.Time, Blocks: []blockVector{}, Bytes: hex.EncodeToString(datagram)}
	for b, ok := r.Next(); ok; b, ok = r.Next() {
		d.Blocks = append(d.Blocks, vectorOf(b))
	}
	return d
}

func vectorOf(b Block) blockVector {
	v := blockVector{Index: b.Index, Kind: uint8(b.Kind), Profile: uint8(b.Profile), Ref: b.Ref, Age: b.Age, Payload: hex.EncodeToString(b.Payload)}
	if p, ok := b.Pose(); ok {
		v.Decoded = toJSON(p)
	}
	return v
}

func toJSON(p earshot.Pose) *jsonPose {
	j := &jsonPose{Root: vec(p.Root), Yaw: float64(p.Yaw), Head: *transformJSON(p.Head)}
	if p.LeftTracked {
		j.LeftHand = transformJSON(p.LeftHand)
	}
	if p.RightTracked {
		j.RightHand = transformJSON(p.RightHand)
	}
	return j
}

func transformJSON(t earshot.Transform) *jsonTransform {
	r := t.Rotation
	return &jsonTransform{vec(t.Position), [4]float64{float64(r.X), float64(r.Y), float64(r.Z), float64(r.W)}}
}

func vec(v earshot.Vec3) [3]float64 { return [3]float64{float64(v.X), float64(v.Y), float64(v.Z)} }

func (j *jsonPose) pose() earshot.Pose {
	p := earshot.Pose{Root: vec3(j.Root), Yaw: float32(j.Yaw), Head: j.Head.transform(),
		LeftTracked: j.LeftHand != nil, RightTracked: j.RightHand != nil}
	p.LeftHand.Rotation, p.RightHand.Rotation = earshot.Identity, earshot.Identity
	if p.LeftTracked {
		p.LeftHand = j.LeftHand.transform()
	}
	if p.RightTracked {
		p.RightHand = j.RightHand.transform()
	}
	return p
}

func (j *jsonTransform) transform() earshot.Transform {
	r := j.Rotation
	return earshot.Transform{Position: vec3(j.Position), Rotation: earshot.Quat{X: float32(r[0]), Y: float32(r[1]), Z: float32(r[2]), W: float32(r[3])}}
}

func vec3(v [3]float64) earshot.Vec3 {
	return earshot.Vec3{X: float32(v[0]), Y: float32(v[1]), Z: float32(v[2])}
}

func samePose(a, b *jsonPose) bool {
	return a != nil && b != nil && a.pose() == b.pose()
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
