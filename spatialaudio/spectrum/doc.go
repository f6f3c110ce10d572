// Package spectrum is the float64 signal arithmetic of what is computed
// beforehand or checked afterwards: a discrete Fourier transform, responses at
// chosen frequencies, minimum phase.
//
// It owns nothing that runs while people talk: that is spatialaudio/kernel, in
// float32. cmd/hrtf makes tables with it, spatialaudio/quality measures with
// it. Everything here is pure and safe for concurrent use; slices are the
// caller's.
package spectrum
