package spatialaudio

// Model names a Web Audio distance model.
type Model string

// The distance models of the Web Audio API (PannerNode.distanceModel).
const (
	ModelLinear      Model = "linear"
	ModelInverse     Model = "inverse"
	ModelExponential Model = "exponential"
)

// Cone is how a talker's voice weakens behind them (PannerNode's coneInnerAngle,
// coneOuterAngle and coneOuterGain; angles in degrees, gain linear).
type Cone struct {
	Inner     float64 `json:"inner" yaml:"inner"`
	Outer     float64 `json:"outer" yaml:"outer"`
	OuterGain float64 `json:"outer_gain" yaml:"outer_gain"`
}

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
