package spatialaudio

import "math"

// FloorDB is the lowest level Decibels returns: no gain at all.
const FloorDB = -120

// Decibels returns 20 log10 of a linear gain, and FloorDB for everything at or
// below it, 0 and NaN included.
func Decibels(gain float64) float64 {
	if !(gain > 1e-6) {
		return FloorDB
	}
	return 20 * math.Log10(gain)
}

// Audibility returns how loud, in dB relative to a full-scale voice at the
// ear, a talker is: levelDB is their smoothed level (dBov, RFC 6464: 0 is full
// scale, -127 silence), gain what Curve.Gain says and personalDB what the
// listener has set for them. Whoever has more of it is heard before others.
func Audibility(levelDB, gain, personalDB float64) float64 {
	return levelDB + Decibels(gain) + personalDB
}
