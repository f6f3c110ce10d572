// Package kernel is the arithmetic of the binaural mix that runs for every
// listener and every source fifty times a second: a Fourier transform of 1152
// points, multiplication by the spectra of filters, the packing of two ears
// into one transform, the crossfade.
//
// It owns layouts of memory and their loops, and no meaning: what is a source
// or a listener is spatialaudio/binaural's, its only caller. Functions take
// pointers to arrays of fixed size, write nothing else, keep nothing, allocate
// nothing, and are safe for concurrent use on different arrays.
//
// # Two of each
//
// On amd64 with AVX2 and FMA the functions are assembly, elsewhere Go; Vectors
// says which. The loops in Go go over vectors of eight in the order of the
// assembly, so that a port to NEON is two registers for one. Results differ by
// rounding alone: by at most Tolerance of the largest value, which the tests
// hold them to. GODEBUG=cpu.avx2=off takes Go everywhere.
//
// # The transform
//
// One transform is cut into eight of 144 points, each a lane of a vector: input
// n = 8 n2 + n1 lies in lane n1 as it comes, so the passes over n2 (radix 4, 4,
// 3, 3; Stockham, so that nothing is put in order afterwards) load and store
// whole vectors and never mix lanes. At the end blocks of 8 by 8 are
// transposed, and eight points across the former lanes finish it. Everything
// fits into the first-level cache (18 KB). Doing eight listeners at a time
// instead, each a lane, would save the transposition and cost that: 147 KB.
package kernel
