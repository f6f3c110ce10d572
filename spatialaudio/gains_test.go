package spatialaudio_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"math"
	"os"
	"testing"

	"earshot"
	"earshot/spatialaudio"
)

var update = flag.Bool("update", false, "write testdata/gains.json anew")

const gainsFile = "testdata/gains.json"

// gains is the golden table that gateway/web/test reads too: what a listener
// hears of a talker, per curve and placement.
type gains struct {
	About  string                        `json:"about"`
	Curves map[string]spatialaudio.Curve `json:"curves"`
	Cases  []gainCase                    `json:"cases"`
}

type gainCase struct {
	Curve        string     `json:"curve"`
	Ears         [3]float64 `json:"ears"`
	EarsTurn     [4]float64 `json:"ears_rotation"`
	Mouth        [3]float64 `json:"mouth"`
	MouthTurn    [4]float64 `json:"mouth_rotation"`
	Distance     float64    `json:"distance"`
	DistanceGain float64    `json:"distance_gain"`
	ConeGain     float64    `json:"cone_gain"`
	Gain         float64    `json:"gain"`
}

func goldenCurves() map[string]spatialaudio.Curve {
	plaza := spatialaudio.DefaultCurve()
	steep := plaza
	steep.Rolloff, steep.Ref = 2.5, 1
	return map[string]spatialaudio.Curve{
		"default": plaza,
		"steep":   steep,
		"linear": {Model: spatialaudio.ModelLinear, Ref: 1, Max: 25, Rolloff: 0.9, Range: 30, Fade: 4,
			Cone: spatialaudio.Cone{Inner: 360, Outer: 360, OuterGain: 0}},
		"exponential": {Model: spatialaudio.ModelExponential, Ref: 2, Max: 10000, Rolloff: 1.5, Range: 40, Fade: 0,
			Cone: spatialaudio.Cone{Inner: 40, Outer: 300, OuterGain: 0.1}},
	}
}

func goldenCases() []gainCase {
	// All values are exact in float32, which poses are.
	half := float64(float32(math.Sqrt2 / 2))
	turns := [][4]float64{
		{0, 0, 0, 1},              // towards -z
		{0, half, 0, half},        // towards -x
		{0, 1, 0, 0},              // towards +z
		{half, 0, 0, half},        // up
		{0.25, -0.75, 0.125, 0.5}, // skew, not of unit length
		{0, 0.3826834261417389, 0, 0.9238795042037964}, // 45 degrees to the left
	}
	ears := [][3]float64{{0, 1.625, 0}, {-12.5, 1.75, 7.25}}
	offsets := [][3]float64{
		{0, 0, 0}, {0, 0, -1}, {1.5, 0, 0}, {0, 0.5, 3}, {-4, 0, 3}, {6, -0.25, -8},
		{0, 12, 0}, {-18.5, 0, 0}, {0, 0, 19.875}, {12, 0, -16}, {15, 1, 20}, {0, 0, -39.5}, {300, 0, 400},
	}
	var cases []gainCase
	for _, name := range []string{"default", "steep", "linear", "exponential"} {
		for i, e := range ears {
			for j, o := range offsets {
				for k := range 2 {
					turn := turns[(i*7+j*2+k*3)%len(turns)]
					cases = append(cases, gainCase{
						Curve: name, Ears: e, EarsTurn: turns[(j+k)%len(turns)],
						Mouth: [3]float64{e[0] + o[0], e[1] + o[1], e[2] + o[2]}, MouthTurn: turn,
					})
				}
			}
		}
	}
	return cases
}

func TestGoldenGains(t *testing.T) {
	if *update {
		writeGolden(t)
	}
	raw, err := os.ReadFile(gainsFile)
	if err != nil {
		t.Fatal(err)
	}
	var table gains
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&table); err != nil {
		t.Fatalf("%s: %v", gainsFile, err)
	}
	if want := len(goldenCases()); len(table.Cases) != want {
		t.Fatalf("%s has %d cases, want %d: run go test ./spatialaudio -update", gainsFile, len(table.Cases), want)
	}
	for i, c := range table.Cases {
		curve := table.Curves[c.Curve]
		if got := curve.Gain(vec(c.Ears), transform(c)); math.Abs(got-c.Gain) > 1e-12 {
			t.Errorf("case %d: Gain = %v, want %v", i, got, c.Gain)
		}
		distance, distanceGain, coneGain := byTheBook(curve, c)
		if math.Abs(distance-c.Distance) > 1e-9 || math.Abs(distanceGain-c.DistanceGain) > 1e-9 ||
			math.Abs(coneGain-c.ConeGain) > 1e-6 || math.Abs(distanceGain*coneGain-c.Gain) > 1e-6 {
			t.Errorf("case %d (%+v): independent formulae give distance %v, gains %v and %v", i, c, distance, distanceGain, coneGain)
		}
	}
}

func writeGolden(t *testing.T) {
	table := gains{
		About:  "Written by: go test ./spatialaudio -update. Metres, quaternions x y z w, linear gains.",
		Curves: goldenCurves(), Cases: goldenCases(),
	}
	for i := range table.Cases {
		c := &table.Cases[i]
		curve := table.Curves[c.Curve]
		d := vec(c.Ears).Sub(vec(c.Mouth))
		c.Distance = math.Sqrt(float64(d.X)*float64(d.X) + float64(d.Y)*float64(d.Y) + float64(d.Z)*float64(d.Z))
		c.DistanceGain = curve.DistanceGain(c.Distance)
		c.ConeGain = curve.Cone.Gain(spatialaudio.AngleForTest(vec(c.Ears), transform(*c)))
		c.Gain = curve.Gain(vec(c.Ears), transform(*c))
	}
	var b bytes.Buffer
	b.WriteString("{\n\"about\": " + compact(t, table.About) + ",\n\"curves\": " + compact(t, table.Curves) + ",\n\"cases\": [\n")
	for i, c := range table.Cases {
		if i > 0 {
			b.WriteString(",\n")
		}
		b.WriteString(compact(t, c))
	}
	b.WriteString("\n]}\n")
	if err := os.WriteFile(gainsFile, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// byTheBook computes a case the way the Web Audio specification and the web
// platform's panner-formulas.js write it, with a rotation matrix and an arc
// cosine: nothing is shared with the package under test.
func byTheBook(c spatialaudio.Curve, p gainCase) (distance, distanceGain, coneGain float64) {
	var to [3]float64
	for i := range to {
		to[i] = p.Ears[i] - p.Mouth[i]
		distance += to[i] * to[i]
	}
	distance = math.Sqrt(distance)

	f := c.Rolloff
	switch c.Model {
	case spatialaudio.ModelLinear:
		d := math.Max(math.Min(distance, c.Max), c.Ref)
		distanceGain = 1 - f*(d-c.Ref)/(c.Max-c.Ref)
	case spatialaudio.ModelInverse:
		d := math.Max(distance, c.Ref)
		distanceGain = c.Ref / (c.Ref + f*(d-c.Ref))
	case spatialaudio.ModelExponential:
		d := math.Max(distance, c.Ref)
		distanceGain = math.Exp(-f * math.Log(d/c.Ref))
	}
	if c.Fade > 0 {
		distanceGain *= math.Max(0, math.Min(1, (c.Range-distance)/c.Fade))
	} else if distance >= c.Range {
		distanceGain = 0
	}

	if c.Cone.Inner == 360 && c.Cone.Outer == 360 {
		return distance, distanceGain, 1
	}
	angle := math.Acos(cosine(to, p.MouthTurn)) * 180 / math.Pi
	switch {
	case angle <= c.Cone.Inner/2:
		coneGain = 1
	case angle >= c.Cone.Outer/2:
		coneGain = c.Cone.OuterGain
	default:
		x := (angle - c.Cone.Inner/2) / (c.Cone.Outer/2 - c.Cone.Inner/2)
		coneGain = (1 - x) + c.Cone.OuterGain*x
	}
	return distance, distanceGain, coneGain
}

// cosine returns the cosine of the angle between to and the third column,
// negated, of q's rotation matrix; 0 where to has no direction.
func cosine(to [3]float64, q [4]float64) float64 {
	n := math.Sqrt(q[0]*q[0] + q[1]*q[1] + q[2]*q[2] + q[3]*q[3])
	x, y, z, w := q[0]/n, q[1]/n, q[2]/n, q[3]/n
	forward := [3]float64{-(2*x*z + 2*w*y), -(2*y*z - 2*w*x), -(1 - 2*x*x - 2*y*y)}
	var dot, length float64
	for i := range to {
		dot += to[i] * forward[i]
		length += to[i] * to[i]
	}
	if length == 0 {
		return 0
	}
	return math.Max(-1, math.Min(1, dot/math.Sqrt(length)))
}

func vec(a [3]float64) earshot.Vec3 {
	return earshot.Vec3{X: float32(a[0]), Y: float32(a[1]), Z: float32(a[2])}
}

func transform(c gainCase) earshot.Transform {
	q := c.MouthTurn
	return earshot.Transform{Position: vec(c.Mouth), Rotation: earshot.Quat{
		X: float32(q[0]), Y: float32(q[1]), Z: float32(q[2]), W: float32(q[3])}}
}

func compact(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
