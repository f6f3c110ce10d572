package spatialaudio_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"earshot"
	"earshot/spatialaudio"

	"pgregory.net/rapid"
)

func TestDistanceGain(t *testing.T) {
	inverse := spatialaudio.Curve{Model: spatialaudio.ModelInverse, Ref: 2, Max: 10000, Rolloff: 1, Range: 50, Fade: 10}
	linear := spatialaudio.Curve{Model: spatialaudio.ModelLinear, Ref: 1, Max: 21, Rolloff: 1, Range: 100}
	half := spatialaudio.Curve{Model: spatialaudio.ModelLinear, Ref: 1, Max: 21, Rolloff: 0.5, Range: 100}
	exponential := spatialaudio.Curve{Model: spatialaudio.ModelExponential, Ref: 1, Max: 10000, Rolloff: 2, Range: 100}
	for _, c := range []struct {
		name  string
		curve spatialaudio.Curve
		d     float64
		want  float64
	}{
		{"inverse, within ref", inverse, 1, 1},
		{"inverse, twice ref", inverse, 4, 0.5},
		{"inverse, where the fade begins", inverse, 40, 0.05},
		{"inverse, half into the fade", inverse, 45, 0.5 * 2 / 45},
		{"inverse, at range", inverse, 50, 0},
		{"inverse, beyond range", inverse, 1e9, 0},
		{"inverse, negative distance", inverse, -3, 1},
		{"inverse, NaN", inverse, math.NaN(), 0},
		{"inverse, infinity", inverse, math.Inf(1), 0},
		{"linear, at ref", linear, 1, 1},
		{"linear, half way", linear, 11, 0.5},
		{"linear, at max", linear, 21, 0},
		{"linear, beyond max", linear, 60, 0},
		{"linear, rolloff a half, beyond max", half, 60, 0.5},
		{"exponential, twice ref", exponential, 2, 0.25},
		{"exponential, ten times ref", exponential, 10, 0.01},
		{"no fade, just inside range", linear, math.Nextafter(1, 2), 1},
	} {
		if got := c.curve.DistanceGain(c.d); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%s: DistanceGain(%v) = %v, want %v", c.name, c.d, got, c.want)
		}
	}
}

func TestConeGain(t *testing.T) {
	cone := spatialaudio.Cone{Inner: 120, Outer: 240, OuterGain: 0.5}
	none := spatialaudio.Cone{Inner: 360, Outer: 360}
	step := spatialaudio.Cone{Inner: 180, Outer: 180, OuterGain: 0.2}
	for _, c := range []struct {
		cone        spatialaudio.Cone
		angle, want float64
	}{
		{cone, 0, 1}, {cone, 60, 1}, {cone, -60, 1}, {cone, 90, 0.75},
		{cone, -90, 0.75}, {cone, 120, 0.5}, {cone, 180, 0.5},
		{none, 180, 1}, {step, 90, 1}, {step, 90.001, 0.2},
	} {
		if got := c.cone.Gain(c.angle); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%+v.Gain(%v) = %v, want %v", c.cone, c.angle, got, c.want)
		}
	}
}

func TestValidate(t *testing.T) {
	if c := spatialaudio.DefaultCurve(); c.Validate() != nil {
		t.Errorf("DefaultCurve().Validate() = %v, want nil", c.Validate())
	}
	nan := math.NaN()
	for _, c := range []struct {
		member string
		spoil  func(*spatialaudio.Curve)
	}{
		{"model", func(c *spatialaudio.Curve) { c.Model = "cubic" }},
		{"ref", func(c *spatialaudio.Curve) { c.Ref = -1 }},
		{"ref", func(c *spatialaudio.Curve) { c.Ref = 0 }},
		{"ref", func(c *spatialaudio.Curve) { c.Ref = nan }},
		{"max", func(c *spatialaudio.Curve) { c.Max = 0 }},
		{"max", func(c *spatialaudio.Curve) { c.Max = math.Inf(1) }},
		{"max", func(c *spatialaudio.Curve) { c.Model, c.Max = spatialaudio.ModelLinear, c.Ref }},
		{"rolloff", func(c *spatialaudio.Curve) { c.Rolloff = -0.1 }},
		{"rolloff", func(c *spatialaudio.Curve) { c.Rolloff = nan }},
		{"rolloff", func(c *spatialaudio.Curve) { c.Model, c.Rolloff = spatialaudio.ModelLinear, 1.1 }},
		{"range", func(c *spatialaudio.Curve) { c.Range = 0 }},
		{"range", func(c *spatialaudio.Curve) { c.Range = 1e6 }},
		{"fade", func(c *spatialaudio.Curve) { c.Fade = 21 }},
		{"fade", func(c *spatialaudio.Curve) { c.Fade = nan }},
		{"cone.inner", func(c *spatialaudio.Curve) { c.Cone.Inner = 361 }},
		{"cone.outer", func(c *spatialaudio.Curve) { c.Cone.Outer = 90 }},
		{"cone.outer_gain", func(c *spatialaudio.Curve) { c.Cone.OuterGain = 2 }},
	} {
		curve := spatialaudio.DefaultCurve()
		c.spoil(&curve)
		err := curve.Validate()
		var e *earshot.Error
		if !errors.As(err, &e) || e.Code != earshot.CodeInvalidArgument || !strings.HasPrefix(e.Message, c.member+" is ") {
			t.Errorf("Validate(%+v) = %v, want invalid_argument that begins with %q", curve, err, c.member)
		}
	}
}

func TestAudibility(t *testing.T) {
	for _, c := range []struct{ level, gain, personal, want float64 }{
		{-20, 1, 0, -20},
		{-20, 0.1, 6, -34},
		{-20, 0, 12, -128},
		{-127, 1, 0, -127},
		{-20, math.NaN(), 0, -140},
	} {
		if got := spatialaudio.Audibility(c.level, c.gain, c.personal); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("Audibility(%v, %v, %v) = %v, want %v", c.level, c.gain, c.personal, got, c.want)
		}
	}
}

// Whatever valid curve a world sets, a voice never grows with distance or
// angle, never exceeds full gain and ends at range.
func TestGainIsMonotoneAndBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCurve(t)
		if err := c.Validate(); err != nil {
			t.Fatalf("Validate(%+v) = %v, want nil", c, err)
		}
		near := rapid.Float64Range(0, 2*c.Range).Draw(t, "near")
		far := near + rapid.Float64Range(0, c.Range).Draw(t, "further")
		gNear, gFar := c.DistanceGain(near), c.DistanceGain(far)
		if !(gNear >= 0 && gNear <= 1) || gFar > gNear+1e-12 {
			t.Fatalf("DistanceGain(%v) = %v, DistanceGain(%v) = %v: want both in [0, 1] and not growing", near, gNear, far, gFar)
		}
		if far >= c.Range && gFar != 0 {
			t.Fatalf("DistanceGain(%v) = %v beyond range %v, want 0", far, gFar, c.Range)
		}
		a := rapid.Float64Range(0, 180).Draw(t, "angle")
		b := rapid.Float64Range(a, 180).Draw(t, "wider angle")
		if ga, gb := c.Cone.Gain(a), c.Cone.Gain(b); !(ga <= 1+1e-12 && ga >= 0) || gb > ga+1e-12 {
			t.Fatalf("Cone.Gain(%v) = %v, Cone.Gain(%v) = %v: want both in [0, 1] and not growing", a, ga, b, gb)
		}
	})
}

func drawCurve(t *rapid.T) spatialaudio.Curve {
	c := spatialaudio.Curve{
		Model: rapid.SampledFrom([]spatialaudio.Model{
			spatialaudio.ModelLinear, spatialaudio.ModelInverse, spatialaudio.ModelExponential,
		}).Draw(t, "model"),
		Ref:     rapid.Float64Range(0.1, 20).Draw(t, "ref"),
		Max:     rapid.Float64Range(20.1, spatialaudio.MaxRange).Draw(t, "max"),
		Rolloff: rapid.Float64Range(0, 1).Draw(t, "rolloff"),
		Range:   rapid.Float64Range(0.5, 200).Draw(t, "range"),
	}
	if c.Model != spatialaudio.ModelLinear {
		c.Rolloff *= 10
	}
	c.Fade = c.Range * rapid.Float64Range(0, 1).Draw(t, "fade")
	c.Cone.Inner = rapid.Float64Range(0, 360).Draw(t, "inner")
	c.Cone.Outer = rapid.Float64Range(c.Cone.Inner, 360).Draw(t, "outer")
	c.Cone.OuterGain = rapid.Float64Range(0, 1).Draw(t, "outer gain")
	return c
}

func TestGainAllocatesNothing(t *testing.T) {
	c := spatialaudio.DefaultCurve()
	mouth := earshot.Transform{Position: earshot.Vec3{X: 3, Z: -4}, Rotation: earshot.YawQuat(1)}
	if n := testing.AllocsPerRun(100, func() { c.Gain(earshot.Vec3{}, mouth) }); n != 0 {
		t.Errorf("Gain allocates %v times a call, want 0", n)
	}
}
