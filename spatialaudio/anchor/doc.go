// Package anchor is what the binaural mix is measured against: the way High
// Fidelity's and Vircadia's servers render a voice for a listener, in the time
// domain, rebuilt in our own words from the description of the algorithm.
//
// For each pair of source and listener and each 10 ms it filters 240 samples at
// 24 kHz with 64 taps for each ear, by the responses of where the source was and
// of where it is, delays the ears by whole samples, and fades from one to the
// other. Of the original it has not: the two biquads for each of these four
// signals that model the distance, and so is cheaper than it.
//
// It owns the loops only and holds no head: what is measured does not depend on
// the values. The benchmarks of spatialaudio/binaural are its only caller; no
// server uses it. A Pair belongs to one goroutine at a time.
package anchor
