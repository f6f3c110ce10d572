package kernel

// The sizes of a mix at 48 kHz.
const (
	N       = 1152      // points of a transform
	Block   = 960       // new samples: 20 ms
	History = N - Block // samples from before, which filters reach back into
	Lanes   = 8
	Bins    = N/2 + 1
	Blocks  = (Bins + Lanes - 1) / Lanes // vectors of bins
	columns = N / Lanes                  // points of the transform in each lane
)

// Tolerance is by how much, as a share of the largest value, results of
// assembly and of Go may differ.
const Tolerance = 2e-6

// Complex is N complex numbers. The transform reads and writes the first N of
// each; the rest is room for whole vectors.
type Complex struct{ Re, Im [N + Lanes]float32 }

// Spectrum is bins 0 to N/2 of a real signal: for each eight of them the real
// parts, then the imaginary parts. What is beyond the last bin is zero.
type Spectrum [Blocks][2][Lanes]float32

// Pair is two spectra, of the left and of the right ear, in turns: left real,
// left imaginary, right real, right imaginary. What is beyond the last bin is
// zero.
type Pair [Blocks][4][Lanes]float32

// Stereo is a block of samples, left and right in turns.
type Stereo [2 * Block]float32

// Set copies bins 0 to N/2 of z to s.
func (s *Spectrum) Set(z *Complex) {
	for b := range s {
		s[b][0] = [Lanes]float32(z.Re[b*Lanes:])
		s[b][1] = [Lanes]float32(z.Im[b*Lanes:])
	}
	for i := Bins; i < Blocks*Lanes; i++ {
		s[i/Lanes][0][i%Lanes], s[i/Lanes][1][i%Lanes] = 0, 0
	}
}

// Set makes p the spectra of two real signals whose transform as left + j right
// is z, times scale.
func (p *Pair) Set(z *Complex, scale float32) {
	*p = Pair{}
	for k := range Bins {
		m := (N - k) % N
		a, b, c, d := z.Re[k], z.Im[k], z.Re[m], z.Im[m]
		v := &p[k/Lanes]
		v[0][k%Lanes], v[1][k%Lanes] = scale*(a+c)/2, scale*(b-d)/2
		v[2][k%Lanes], v[3][k%Lanes] = scale*(b+d)/2, scale*(c-a)/2
	}
}
