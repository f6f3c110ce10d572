package reverb

// ring is the room for a delay, a power of two: 85 ms.
const (
	ring = 4096
	mask = ring - 1
)

// Reverb is one voice in one kind of room. It takes 150 KB.
type Reverb struct {
	design *design
	delays [lines][ring]float32
	before [lines]float32 // the last output of each delay
	input  [ring]float32
	dark   float32 // state of the low-pass
	at     int
	quiet  int // blocks since there was any sound
}

// New returns a voice that has said nothing in a room of a kind, which is not
// Dry.
func (r *Rooms) New(k Kind) *Reverb { return newReverb(&r[k]) }

func newReverb(d *design) *Reverb { return &Reverb{design: d, quiet: d.tail} }

// Reset forgets all that was said. Where nothing sounds it costs nothing.
func (r *Reverb) Reset() {
	if r.quiet < r.design.tail {
		*r = Reverb{design: r.design, quiet: r.design.tail}
	}
}

// Process sets left and right to the next 20 ms of what the room sends back of
// in, nil for silence, and reports whether there is anything: false leaves them
// as they are, and costs nothing.
func (r *Reverb) Process(in *[Block]float32, left, right *[Block]float32) bool {
	if in != nil {
		r.quiet = 0
	} else if r.quiet >= r.design.tail {
		return false
	} else if r.quiet == r.design.tail-1 {
		r.Reset() // what is left is below hearing, and would end as denormal numbers
		return false
	} else {
		r.quiet++
	}
	r.take(in)
	d, at := r.design, r.at
	b := r.before
	d0, d1, d2, d3, d4, d5, d6, d7 := d.delay[0], d.delay[1], d.delay[2], d.delay[3], d.delay[4], d.delay[5], d.delay[6], d.delay[7]
	l0, l1, l2, l3 := &r.delays[0], &r.delays[1], &r.delays[2], &r.delays[3]
	l4, l5, l6, l7 := &r.delays[4], &r.delays[5], &r.delays[6], &r.delays[7]
	const unitary = 0.35355339 // 1/sqrt 8
	for n := range left {
		t := at + n
		x := r.input[(t-d.first)&mask]
		x0, x1, x2, x3 := l0[(t-d0)&mask], l1[(t-d1)&mask], l2[(t-d2)&mask], l3[(t-d3)&mask]
		x4, x5, x6, x7 := l4[(t-d4)&mask], l5[(t-d5)&mask], l6[(t-d6)&mask], l7[(t-d7)&mask]
		y0, y1, y2, y3 := x0*d.now[0]+b[0]*d.past[0], x1*d.now[1]+b[1]*d.past[1], x2*d.now[2]+b[2]*d.past[2], x3*d.now[3]+b[3]*d.past[3]
		y4, y5, y6, y7 := x4*d.now[4]+b[4]*d.past[4], x5*d.now[5]+b[5]*d.past[5], x6*d.now[6]+b[6]*d.past[6], x7*d.now[7]+b[7]*d.past[7]
		b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7] = x0, x1, x2, x3, x4, x5, x6, x7
		// A Hadamard matrix, which keeps the energy and mixes every delay with
		// every other.
		a0, a1, a2, a3 := y0+y1, y0-y1, y2+y3, y2-y3
		a4, a5, a6, a7 := y4+y5, y4-y5, y6+y7, y6-y7
		c0, c1, c2, c3 := a0+a2, a1+a3, a0-a2, a1-a3
		c4, c5, c6, c7 := a4+a6, a5+a7, a4-a6, a5-a7
		h0, h1, h2, h3, h4, h5, h6, h7 := c0+c4, c1+c5, c2+c6, c3+c7, c0-c4, c1-c5, c2-c6, c3-c7
		t &= mask
		l0[t], l1[t], l2[t], l3[t] = x+unitary*h0, x-unitary*h1, x+unitary*h2, x-unitary*h3
		l4[t], l5[t], l6[t], l7[t] = x+unitary*h4, x-unitary*h5, x+unitary*h6, x-unitary*h7
		// Each ear hears all of them, with signs that have nothing in common.
		left[n] = d.level[0] * (y0 + y1 - y2 - y3 + y4 + y5 - y6 - y7)
		right[n] = d.level[1] * (y0 - y1 + y2 - y3 + y4 - y5 + y6 - y7)
	}
	r.before = b
	r.at = (at + Block) & mask
	return true
}

// take puts what is said, through the low-pass, where the room finds it.
func (r *Reverb) take(in *[Block]float32) {
	dark, low := r.dark, r.design.low
	for n := range Block {
		var x float32
		if in != nil {
			x = in[n]
		}
		dark += low * (x - dark)
		if dark < 1e-20 && dark > -1e-20 {
			dark = 0 // before it is a denormal number, which is slow
		}
		r.input[(r.at+n)&mask] = dark
	}
	r.dark = dark
}
