package spatialaudio

import (
	"math"

	"earshot"
)

// Model names a Web Audio distance model.
type Model string

// The distance models of the Web Audio API (PannerNode.distanceModel).
const (
	ModelLinear      Model = "linear"
	ModelInverse     Model = "inverse"
	ModelExponential Model = "exponential"
)

// Curve is how loud a voice is at a distance, in metres. Model, Ref, Max and
// Rolloff are those of PannerNode; on top the gain falls linearly to 0 over
// the last Fade metres before Range, beyond which nothing is heard.
type Curve struct {
	Model   Model   `json:"model" yaml:"model"`
	Ref     float64 `json:"ref" yaml:"ref"`
	Max     float64 `json:"max" yaml:"max"`
	Rolloff float64 `json:"rolloff" yaml:"rolloff"`
	Range   float64 `json:"range" yaml:"range"`
	Fade    float64 `json:"fade" yaml:"fade"`
	Cone    Cone    `json:"cone" yaml:"cone"`
}

// MaxRange is the largest Range a world may set, in metres.
const MaxRange = 10_000

// DefaultCurve is a talk on a square: full voice within 1.5 m, half of it at
// 3 m, gone at 20 m, and 6 dB weaker behind the talker.
func DefaultCurve() Curve {
	return Curve{
		Model: ModelInverse, Ref: 1.5, Max: MaxRange, Rolloff: 1,
		Range: 20, Fade: 3,
		Cone: Cone{Inner: 120, Outer: 240, OuterGain: 0.5},
	}
}

// Validate refuses, with CodeInvalidArgument and the name of the member, a
// curve that PannerNode would refuse or that would make a world silent.
func (c *Curve) Validate() error {
	switch c.Model {
	case ModelLinear, ModelInverse, ModelExponential:
	default:
		return earshot.Errorf(earshot.CodeInvalidArgument,
			"model is %q: use linear, inverse or exponential", c.Model)
	}
	// The comparisons are written so that NaN fails them.
	switch {
	case !(c.Ref >= 0 && c.Ref <= MaxRange):
		return outside("ref", c.Ref, 0, MaxRange)
	case c.Ref == 0 && c.Model != ModelLinear:
		return earshot.Errorf(earshot.CodeInvalidArgument,
			"ref is 0: the %s model would be silent everywhere, use more than 0", c.Model)
	case !(c.Max > 0 && c.Max <= MaxRange):
		return earshot.Errorf(earshot.CodeInvalidArgument,
			"max is %v: use more than 0 and at most %v", c.Max, float64(MaxRange))
	case c.Model == ModelLinear && c.Max <= c.Ref:
		return earshot.Errorf(earshot.CodeInvalidArgument,
			"max is %v: the linear model needs more than ref (%v)", c.Max, c.Ref)
	case !(c.Rolloff >= 0 && c.Rolloff <= 100):
		return outside("rolloff", c.Rolloff, 0, 100)
	case c.Model == ModelLinear && c.Rolloff > 1:
		return outside("rolloff", c.Rolloff, 0, 1)
	case !(c.Range > 0 && c.Range <= MaxRange):
		return earshot.Errorf(earshot.CodeInvalidArgument,
			"range is %v: use more than 0 and at most %v", c.Range, float64(MaxRange))
	case !(c.Fade >= 0 && c.Fade <= c.Range):
		return outside("fade", c.Fade, 0, c.Range)
	}
	return c.Cone.validate()
}

// DistanceGain returns the linear gain, in [0, 1], at d metres: PannerNode's
// distance model (Web Audio API, section "Spatialization/Panning", "Distance
// Effects") times the fade before Range. A negative d counts as 0 and NaN as
// out of range.
func (c *Curve) DistanceGain(d float64) float64 {
	fade := c.FadeGain(d)
	if fade == 0 {
		return 0
	}
	return fade * c.ModelGain(d)
}

// ModelGain returns only the part of DistanceGain that PannerNode applies.
func (c *Curve) ModelGain(d float64) float64 {
	switch c.Model {
	case ModelLinear:
		near, far := min(c.Ref, c.Max), max(c.Ref, c.Max)
		f := min(max(c.Rolloff, 0), 1)
		if near == far {
			return 1 - f
		}
		return 1 - f*(min(max(d, near), far)-near)/(far-near)
	case ModelExponential:
		if c.Ref == 0 {
			return 0
		}
		return math.Pow(max(d, c.Ref)/c.Ref, -c.Rolloff)
	default:
		if c.Ref == 0 {
			return 0
		}
		return c.Ref / (c.Ref + c.Rolloff*(max(d, c.Ref)-c.Ref))
	}
}

// FadeGain returns the other part, which the client applies before its panner:
// 1, falling to 0 over the last Fade metres before Range, and 0 from there on.
func (c *Curve) FadeGain(d float64) float64 {
	switch {
	case !(d < c.Range):
		return 0
	case d <= c.Range-c.Fade:
		return 1
	default:
		return (c.Range - d) / c.Fade
	}
}

// Gain returns the linear gain, in [0, 1], at which ears hear mouth: distance
// times cone. Mouth speaks towards its -z. Where both are in one place the
// cone is taken at 90 degrees, as the Web Audio specification's algorithm
// does, since no direction is defined.
func (c *Curve) Gain(ears earshot.Vec3, mouth earshot.Transform) float64 {
	d, angle := path(ears, mouth)
	g := c.DistanceGain(d)
	if g == 0 {
		return 0
	}
	return g * c.Cone.Gain(angle)
}

func outside(member string, v, low, high float64) error {
	return earshot.Errorf(earshot.CodeInvalidArgument,
		"%s is %v: use %v to %v", member, v, low, high)
}
