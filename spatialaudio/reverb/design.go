package reverb

import "math"

// lines is how many delays a room has.
const lines = 8

const (
	darker = 0.25 // is how much of its brightness a room keeps to the end
	longer = 1.05 // by which low frequencies outlast the whole
)

// design is a kind of room as numbers of its network.
type design struct {
	delay [lines]int     // samples
	now   [lines]float32 // of a delay's output, what is passed on,
	past  [lines]float32 // and of the sample before it: high frequencies die sooner
	first int            // samples until the first echo leaves
	low   float32        // of the one-pole low-pass at the beginning
	level [2]float32
	tail  int // blocks after the last sound until nothing is left
}

// Rooms is all kinds of rooms, ready to be used.
type Rooms [Kinds]design

// NewRooms works them out, in some hundredths of a second.
func NewRooms() *Rooms {
	r := new(Rooms)
	for k := Booth; k < Kinds; k++ {
		r[k] = newDesign(k.Preset())
	}
	return r
}

// spacing is what the delays are to the shortest: irrational, so that echoes do
// not meet.
var spacing = [lines]float64{1, 1.1447, 1.2867, 1.4422, 1.6180, 1.8171, 2.0801, 2.3811}

func newDesign(p Preset) design {
	d := design{level: [2]float32{1, 1}, low: float32(1 - math.Exp(-2*math.Pi*p.Bright/Rate)), tail: int(math.Ceil((1.2*p.Seconds + p.Delay) * Rate / Block))}
	shortest := (0.004 + 0.012*math.Sqrt(p.Seconds)) * Rate // larger rooms last longer
	for i := range d.delay {
		d.delay[i] = prime(int(shortest * spacing[i]))
		passes := p.Seconds * Rate / float64(d.delay[i])
		keeps := math.Pow(10, -3/(longer*passes))
		// At 8 kHz the square of the response of (now, past) is 1 - now*past of
		// a sum of 1: as dark at the end as where it began at a quarter.
		product := 1 - math.Pow(darker, 2/passes)
		past := (1 - math.Sqrt(1-4*min(product, 0.25))) / 2
		d.now[i], d.past[i] = float32(keeps*(1-past)), float32(keeps*past)
	}
	d.first = max(0, int(p.Delay*Rate)-d.delay[0])
	left, right := d.energy(p)
	d.level = [2]float32{float32(p.Wet / math.Sqrt(left)), float32(p.Wet / math.Sqrt(right))}
	return d
}

// energy is that of the impulse response at either ear.
func (d *design) energy(p Preset) (l, r float64) {
	var left, right, in [Block]float32
	voice := newReverb(d)
	in[0] = 1
	for range int((1.2*p.Seconds+p.Delay)*Rate)/Block + 1 {
		voice.Process(&in, &left, &right)
		in[0] = 0
		for i := range left {
			l += float64(left[i]) * float64(left[i])
			r += float64(right[i]) * float64(right[i])
		}
	}
	return l, r
}

// prime returns the next prime number.
func prime(n int) int {
	for ; ; n++ {
		for i := 2; n%i != 0; i++ {
			if i*i > n {
				return n
			}
		}
	}
}
