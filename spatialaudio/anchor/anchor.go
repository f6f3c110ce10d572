package anchor

import "math"

// The sizes of the original: 10 ms at 24 kHz.
const (
	Block    = 240
	Taps     = 64
	MaxDelay = 24
)

// filters are four responses tap by tap: left and right as they were, left and
// right as they are.
type filters [Taps][4]float32

// Pair is one source as one listener hears it.
type Pair struct {
	history [Taps - 1]float32
	past    [4][MaxDelay]float32 // of the filtered signals
	fir     filters
	delay   [4]int
}

// Move makes where the source is where it was, and sets where it is: taps and
// delay, in samples, of each ear.
func (p *Pair) Move(left, right *[Taps]float32, leftDelay, rightDelay int) {
	for i := range p.fir {
		f := &p.fir[i]
		f[0], f[1], f[2], f[3] = f[2], f[3], left[i], right[i]
	}
	p.delay = [4]int{p.delay[2], p.delay[3], min(leftDelay, MaxDelay), min(rightDelay, MaxDelay)}
	p.past[0], p.past[1] = p.past[2], p.past[3]
}

// Render adds gain times a block of in to out, left and right in turns.
func (p *Pair) Render(out *[2 * Block]float32, in *[Block]float32, gain float32) {
	var x [Taps - 1 + Block]float32
	copy(x[:], p.history[:])
	for i, v := range in {
		x[Taps-1+i] = gain * v
	}
	copy(p.history[:], x[Block:])
	var y [4][MaxDelay + Block]float32
	for c := range y {
		copy(y[c][:], p.past[c][:])
	}
	convolve(&y, &x, &p.fir)
	for c := range y {
		copy(p.past[c][:], y[c][Block:])
	}
	p.mix(out, &y)
}

// mix delays and fades.
func (p *Pair) mix(out *[2 * Block]float32, y *[4][MaxDelay + Block]float32) {
	a, b := y[0][MaxDelay-p.delay[0]:][:Block], y[1][MaxDelay-p.delay[1]:][:Block]
	c, d := y[2][MaxDelay-p.delay[2]:][:Block], y[3][MaxDelay-p.delay[3]:][:Block]
	for i, f := range fade {
		out[2*i] += c[i] + f*(a[i]-c[i])
		out[2*i+1] += d[i] + f*(b[i]-d[i])
	}
}

// fade is made once, before main, and never written again.
var fade = newFade()

func newFade() *[Block]float32 {
	f := new([Block]float32)
	for i := range f {
		c := math.Cos(math.Pi / 2 * (float64(i) + 0.5) / Block)
		f[i] = float32(c * c)
	}
	return f
}

// convolveGo is convolve in Go.
func convolveGo(y *[4][MaxDelay + Block]float32, x *[Taps - 1 + Block]float32, h *filters) {
	for c := range y {
		for i := range Block {
			var sum float32
			for k := range h {
				sum += h[k][c] * x[Taps-1+i-k]
			}
			y[c][MaxDelay+i] = sum
		}
	}
}
