//go:build !amd64

package kernel

// Vectors reports whether assembly is used.
func Vectors() bool { return false }

func transform(dst, src *Complex) { transformGo(dst, src) }

func multiplyAdd(acc *Pair, x *Spectrum, h *Pair, gain float32, mirrored bool) {
	multiplyAddGo(acc, x, h, gain, mirrored)
}

func filter(dst, x, w *Spectrum) { filterGo(dst, x, w) }

func add(acc, x *Pair, gain float32) { addGo(acc, x, gain) }

func pack(z *Complex, a, b *Pair) { packGo(z, a, b) }

func interleave(out *Stereo, z *Complex) { interleaveGo(out, z) }

func crossfade(out *Stereo, was, is *Complex) { crossfadeGo(out, was, is) }
