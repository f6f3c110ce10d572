package kernel

import (
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"
)

func noise(rng *rand.Rand, x []float32) {
	for i := range x {
		x[i] = rng.Float32()*2 - 1
	}
}

func randomComplex(rng *rand.Rand) *Complex {
	z := new(Complex)
	noise(rng, z.Re[:N])
	noise(rng, z.Im[:N])
	return z
}

func randomPair(rng *rand.Rand) *Pair {
	p := new(Pair)
	for k := range Bins {
		for part := range p[k/Lanes] {
			p[k/Lanes][part][k%Lanes] = rng.Float32()*2 - 1
		}
	}
	for part := range 2 { // of real signals
		p[0][1+2*part][0], p[Blocks-1][1+2*part][0] = 0, 0
	}
	return p
}

// The transform is the one it says, to the precision of float32.
func TestTransformAgainstTheDefinition(t *testing.T) {
	in := randomComplex(rand.New(rand.NewPCG(1, 1)))
	var want [N]complex128
	for k := range want {
		for n := range N {
			want[k] += complex(float64(in.Re[n]), float64(in.Im[n])) * cmplx.Rect(1, -2*math.Pi*float64(k*n%N)/N)
		}
	}
	for name, f := range map[string]func(dst, src *Complex){"Go": transformGo, "chosen": Transform} {
		src, dst := *in, new(Complex)
		f(dst, &src)
		var signal, noise float64
		for k, w := range want {
			d := complex(float64(dst.Re[k]), float64(dst.Im[k])) - w
			signal += real(w)*real(w) + imag(w)*imag(w)
			noise += real(d)*real(d) + imag(d)*imag(d)
		}
		if snr := 10 * math.Log10(signal/noise); !(snr > 130) {
			t.Errorf("%s: %.1f dB from the definition, want 130 at least", name, snr)
		}
	}
}

// What Pack packs, Transform and Interleave turn into the sounds of two ears.
func TestEarsComeOutApart(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	in := randomComplex(rng) // left + j right
	src, spectrum := *in, new(Complex)
	Transform(spectrum, &src)
	pair, none := new(Pair), new(Pair)
	pair.Set(spectrum, 1./N)
	z, out := new(Complex), new(Complex)
	Pack(z, pair, none)
	Transform(out, z)
	stereo := new(Stereo)
	Interleave(stereo, out)
	for i := range Block {
		l, r := in.Re[History+i], in.Im[History+i]
		if math.Abs(float64(stereo[2*i]-l)) > 1e-5 || math.Abs(float64(stereo[2*i+1]-r)) > 1e-5 {
			t.Fatalf("sample %d: %g, %g, want %g, %g", i, stereo[2*i], stereo[2*i+1], l, r)
		}
	}
}

// Crossfade begins with what was, ends with what is, and leaves alone what is
// the same.
func TestCrossfade(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	was, is := randomComplex(rng), randomComplex(rng)
	out, plain := new(Stereo), new(Stereo)
	Crossfade(out, was, is)
	first, last := was.Im[History], is.Re[N-1]
	if math.Abs(float64(out[0]-first)) > 1e-5 || math.Abs(float64(out[2*Block-1]-last)) > 1e-5 {
		t.Errorf("from %g to %g, want %g and %g", out[0], out[2*Block-1], first, last)
	}
	Crossfade(out, is, is)
	Interleave(plain, is)
	if *out != *plain {
		t.Error("a crossfade of a sound to itself changes it")
	}
}

// Go and assembly agree within Tolerance of the largest value.
func TestGoAgreesWithVectors(t *testing.T) {
	if !Vectors() {
		t.Skip("no AVX2 here: there is only Go")
	}
	rng := rand.New(rand.NewPCG(4, 4))
	for range 20 {
		in := randomComplex(rng)
		a, b := new(Complex), new(Complex)
		src, other := *in, *in
		transform(a, &src)
		transformGo(b, &other)
		near(t, "Transform, real", a.Re[:N], b.Re[:N])
		near(t, "Transform, imaginary", a.Im[:N], b.Im[:N])

		x := new(Spectrum)
		x.Set(in)
		h := randomPair(rng)
		for _, mirrored := range []bool{false, true} {
			acc := randomPair(rng)
			same := *acc
			multiplyAdd(acc, x, h, 0.7, mirrored)
			multiplyAddGo(&same, x, h, 0.7, mirrored)
			near(t, "MultiplyAdd", flat(acc), flat(&same))
		}
		w, filtered, alike := new(Spectrum), new(Spectrum), new(Spectrum)
		w.Set(randomComplex(rng))
		filter(filtered, x, w)
		filterGo(alike, x, w)
		for b := range filtered {
			near(t, "Filter, real", filtered[b][0][:], alike[b][0][:])
			near(t, "Filter, imaginary", filtered[b][1][:], alike[b][1][:])
		}
		acc := randomPair(rng)
		same := *acc
		add(acc, h, 0.7)
		addGo(&same, h, 0.7)
		near(t, "Add", flat(acc), flat(&same))
		other2 := randomPair(rng)
		pack(a, h, other2)
		packGo(b, h, other2)
		near(t, "Pack, real", a.Re[:N], b.Re[:N])
		near(t, "Pack, imaginary", a.Im[:N], b.Im[:N])

		was := randomComplex(rng)
		one, two := new(Stereo), new(Stereo)
		interleave(one, in)
		interleaveGo(two, in)
		near(t, "Interleave", one[:], two[:])
		crossfade(one, was, in)
		crossfadeGo(two, was, in)
		near(t, "Crossfade", one[:], two[:])
	}
}

func flat(p *Pair) (out []float32) {
	for b := range p {
		for part := range p[b] {
			out = append(out, p[b][part][:]...)
		}
	}
	return out
}

func near(t *testing.T, what string, got, want []float32) {
	t.Helper()
	var largest, worst float64
	for i := range want {
		largest = max(largest, math.Abs(float64(want[i])))
		worst = max(worst, math.Abs(float64(got[i]-want[i])))
	}
	if !(worst <= Tolerance*largest) {
		t.Fatalf("%s: Go and assembly differ by %.2g of the largest value, want %.2g at most", what, worst/largest, Tolerance)
	}
}

func BenchmarkTransform(b *testing.B) {
	src, dst := randomComplex(rand.New(rand.NewPCG(5, 5))), new(Complex)
	keep := *src
	for name, f := range map[string]func(dst, src *Complex){"Go": transformGo, "chosen": Transform} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				*src = keep // or it grows beyond all measure
				f(dst, src)
			}
		})
	}
}

func BenchmarkMultiplyAdd(b *testing.B) {
	rng := rand.New(rand.NewPCG(6, 6))
	acc, x := new(Pair), new(Spectrum)
	x.Set(randomComplex(rng))
	filters := make([]*Pair, 710) // all of KEMAR: more than the second-level cache
	for i := range filters {
		filters[i] = randomPair(rng)
	}
	for name, f := range map[string]func(*Pair, *Spectrum, *Pair, float32, bool){"Go": multiplyAddGo, "chosen": MultiplyAdd} {
		b.Run(name, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				f(acc, x, filters[i*37%len(filters)], 1e-3, false)
			}
		})
	}
}

func BenchmarkMixdown(b *testing.B) {
	rng := rand.New(rand.NewPCG(7, 7))
	z, other, p, out := randomComplex(rng), randomComplex(rng), randomPair(rng), new(Stereo)
	b.Run("Pack", func(b *testing.B) {
		for b.Loop() {
			Pack(z, p, p)
		}
	})
	b.Run("Crossfade", func(b *testing.B) {
		for b.Loop() {
			Crossfade(out, z, other)
		}
	})
}
