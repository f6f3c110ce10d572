// Package quality measures what sound rendered for two ears is worth without
// ears: signal-to-noise ratio, differences between the ears in time and level,
// spectral distortion, and where a listener who knows the head would look.
//
// It owns measures and the measured reference in testdata, no rendering. cmd/hrtf
// reports with it; its tests hold spatialaudio/hrtf, spatialaudio/binaural and
// spatialaudio/opus to docs/audio.md. Everything here is pure, works in float64,
// and is safe for concurrent use.
//
// There is no perceptual model (PESQ, POLQA, ViSQOL, STOI) among the packages
// that Earshot builds from, and no measure here claims to be one.
package quality
