package kernel

import "golang.org/x/sys/cpu"

// avx2 is whether the processor and its system have what the assembly uses.
var avx2 = cpu.X86.HasAVX2 && cpu.X86.HasFMA

// Vectors reports whether assembly is used.
func Vectors() bool { return avx2 }

func transform(dst, src *Complex) {
	if avx2 {
		transformAVX2(dst, src)
	} else {
		transformGo(dst, src)
	}
}

func transformAVX2(dst, src *Complex) {
	radix4AVX2(dst, src, &tables.first[0], columns/4, 1)
	radix4AVX2(src, dst, &tables.second[0], columns/16, 4)
	radix3AVX2(dst, src, &tables.third[0], columns/48, 16)
	radix3AVX2(src, dst, nil, 1, 48)
	finishAVX2(dst, src, &tables.last)
}

func multiplyAdd(acc *Pair, x *Spectrum, h *Pair, gain float32, mirrored bool) {
	if !avx2 {
		multiplyAddGo(acc, x, h, gain, mirrored)
		return
	}
	left := uintptr(0)
	if mirrored {
		left = 2 * Lanes * 4
	}
	multiplyAddAVX2(acc, x, h, gain, left)
}

func filter(dst, x, w *Spectrum) {
	if avx2 {
		filterAVX2(dst, x, w)
	} else {
		filterGo(dst, x, w)
	}
}

func add(acc, x *Pair, gain float32) {
	if avx2 {
		addAVX2(acc, x, gain)
	} else {
		addGo(acc, x, gain)
	}
}

func pack(z *Complex, a, b *Pair) {
	if avx2 {
		packAVX2(z, a, b)
	} else {
		packGo(z, a, b)
	}
}

func interleave(out *Stereo, z *Complex) {
	if avx2 {
		interleaveAVX2(out, z)
	} else {
		interleaveGo(out, z)
	}
}

func crossfade(out *Stereo, was, is *Complex) {
	if avx2 {
		crossfadeAVX2(out, was, is, fade)
	} else {
		crossfadeGo(out, was, is)
	}
}

// radix4AVX2 is radix4Go.
//
//go:noescape
func radix4AVX2(dst, src *Complex, tw *[6]float32, m, s int)

// radix3AVX2 is radix3Go; without tw the points are not multiplied.
//
//go:noescape
func radix3AVX2(dst, src *Complex, tw *[4]float32, m, s int)

// finishAVX2 is finishGo.
//
//go:noescape
func finishAVX2(dst, src *Complex, last *[columns][2][Lanes]float32)

// multiplyAddAVX2 is multiplyAddGo; left is where in a vector of h the left ear
// begins, in bytes: 0 or 64.
//
//go:noescape
func multiplyAddAVX2(acc *Pair, x *Spectrum, h *Pair, gain float32, left uintptr)

// filterAVX2 is filterGo.
//
//go:noescape
func filterAVX2(dst, x, w *Spectrum)

// addAVX2 is addGo.
//
//go:noescape
func addAVX2(acc, x *Pair, gain float32)

// packAVX2 is packGo.
//
//go:noescape
func packAVX2(z *Complex, a, b *Pair)

// interleaveAVX2 is interleaveGo.
//
//go:noescape
func interleaveAVX2(out *Stereo, z *Complex)

// crossfadeAVX2 is crossfadeGo.
//
//go:noescape
func crossfadeAVX2(out *Stereo, was, is *Complex, fade *[Block]float32)
