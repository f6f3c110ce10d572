package kernel

// Transform sets dst to the discrete Fourier transform of src (exponent -j2pi
// nk/N, not scaled) and uses src up. An inverse is a transform with real and
// imaginary parts exchanged before and after: Pack and Interleave do it.
func Transform(dst, src *Complex) { transform(dst, src) }

// MultiplyAdd adds source x, times gain, as filter h lets either ear hear it, to
// acc. With mirrored the ears of h are exchanged.
func MultiplyAdd(acc *Pair, x *Spectrum, h *Pair, gain float32, mirrored bool) {
	multiplyAdd(acc, x, h, gain, mirrored)
}

// Filter sets dst to x as a filter w lets it through, before any ear hears it.
func Filter(dst, x, w *Spectrum) { filter(dst, x, w) }

// Add adds x, which is a sound at both ears already, times gain to acc.
func Add(acc, x *Pair, gain float32) { add(acc, x, gain) }

// Pack sets z to what Transform makes the sound of both ears of: to the
// spectrum of left + j right of a + b, real and imaginary parts exchanged.
func Pack(z *Complex, a, b *Pair) { pack(z, a, b) }

// Interleave sets out to the new samples of what Transform made of what Pack
// packed.
func Interleave(out *Stereo, z *Complex) { interleave(out, z) }

// Crossfade is Interleave of a mix that changes within the block from was to
// is.
func Crossfade(out *Stereo, was, is *Complex) { crossfade(out, was, is) }
