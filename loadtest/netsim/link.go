package netsim

import (
	"math"
	"math/rand/v2"
	"time"
)

// HeaderBytes is what the bottleneck counts for each packet on top of its
// payload: IPv4 and UDP.
const HeaderBytes = 28

// Link is one direction of a network: it says of each packet whether and when
// it arrives. It is pure; the same profile and seed decide the same of the
// same packets. Not safe for concurrent use.
type Link struct {
	p       Profile
	rng     *rand.Rand
	jitter  jitter
	toBad   float64 // per packet, from the good state
	toGood  float64 // and back
	bad     bool
	now     time.Duration
	free    time.Duration // when the bottleneck has sent all it has
	last    time.Duration // arrival of the last packet that kept its place
	blacked int           // blackouts that are over
	stepped int           // steps that were taken

	stats Stats
}

// NewLink returns a link for a valid profile.
func NewLink(p Profile, seed uint64) *Link {
	if p.Rate > 0 && p.Queue == 0 {
		p.Queue = DefaultQueue
	}
	l := &Link{p: p, rng: rand.New(rand.NewPCG(seed, 0x6c696e6b))}
	l.jitter = newJitter(p.Delay, p.Jitter, seed)
	if burst := p.Loss.Burst; burst > 1 && p.Loss.Rate < 1 {
		l.toGood = 1 / burst
		l.toBad = l.toGood * p.Loss.Rate / (1 - p.Loss.Rate)
	} else {
		l.toBad, l.toGood = p.Loss.Rate, 1-p.Loss.Rate
	}
	l.bad = l.rng.Float64() < p.Loss.Rate
	return l
}

// Send takes a packet with a payload of so many bytes that is sent at now,
// which does not go back (if it does, it counts as the last). It appends to at
// when the packet arrives: not at all, once, or twice. Only a reordered packet
// arrives before one sent earlier.
func (l *Link) Send(now time.Duration, bytes int, at []time.Duration) []time.Duration {
	l.now = max(l.now, now)
	now = l.now
	l.stats.Packets++
	l.stats.Bytes += int64(bytes)
	if l.dark(now) {
		l.stats.Dark++
		return at
	}
	out, ok := l.bottleneck(now, bytes)
	if !ok {
		l.stats.Dropped++
		return at
	}
	if l.lost() {
		l.stats.Lost++
		return at
	}
	arrival := l.arrival(out)
	l.stats.observe(arrival - now)
	at = append(at, arrival)
	if l.p.Duplicate > 0 && l.rng.Float64() < l.p.Duplicate {
		l.stats.Duplicated++
		at = append(at, arrival)
	}
	return at
}

// Stats returns what the link has decided so far.
func (l *Link) Stats() Stats { return l.stats }

func (l *Link) dark(now time.Duration) bool {
	list := l.p.Blackouts
	for l.blacked < len(list) && now >= list[l.blacked].From+list[l.blacked].For {
		l.blacked++
	}
	return l.blacked < len(list) && now >= list[l.blacked].From
}

// bottleneck returns when the last bit of the packet has left it.
func (l *Link) bottleneck(now time.Duration, bytes int) (time.Duration, bool) {
	if l.p.Rate == 0 {
		return now, true
	}
	for ; l.stepped < len(l.p.Steps) && now >= l.p.Steps[l.stepped].At; l.stepped++ {
		l.p.Rate = l.p.Steps[l.stepped].Rate
	}
	begin := max(now, l.free)
	if begin-now > l.p.Queue {
		return 0, false
	}
	bits := float64(bytes+HeaderBytes) * 8
	l.free = begin + time.Duration(bits/float64(l.p.Rate)*float64(time.Second))
	return l.free, true
}

func (l *Link) lost() bool {
	if l.p.Loss.Rate == 0 {
		return false
	}
	was := l.bad
	if r := l.rng.Float64(); was {
		l.bad = r >= l.toGood
	} else {
		l.bad = r < l.toBad
	}
	return was
}

func (l *Link) arrival(out time.Duration) time.Duration {
	if l.p.Reorder > 0 && l.rng.Float64() < l.p.Reorder {
		l.stats.Reordered++
		return out
	}
	l.last = max(l.last, out+l.jitter.at(out))
	return l.last
}

// jitter is a delay that wanders: log-normal at each moment, smooth over time.
type jitter struct {
	fixed     time.Duration // where there is no jitter
	mu, sigma float64       // of the logarithm of the delay in ns
	every     time.Duration // between two knots; 0 without jitter
	seed      uint64
	knot      int64 // the one before now
	from, to  float64
	pcg       rand.PCG
	normal    *rand.Rand // reads pcg
}

// knotsPer is the time between knots in jitters. With fewer the delay would
// often have to fall faster than time passes.
const knotsPer = 4

// cut is how many deviations the logarithm goes at most. At four, mean and
// deviation keep within 1 % of what was asked for.
const cut = 4

func newJitter(mean, deviation time.Duration, seed uint64) jitter {
	j := jitter{fixed: mean, seed: seed, knot: math.MinInt64}
	if deviation <= 0 {
		return j
	}
	ratio := float64(deviation) / float64(mean)
	s2 := math.Log1p(ratio * ratio)
	j.mu, j.sigma = math.Log(float64(mean))-s2/2, math.Sqrt(s2)
	j.every = max(knotsPer*deviation, time.Microsecond)
	return j
}

// at returns the delay at a time, which does not go back. Between two normal
// knots a and b it is a cos x + b sin x, which is as normal as they are for
// every x, where a straight line would waver less half way.
func (j *jitter) at(now time.Duration) time.Duration {
	if j.every == 0 {
		return j.fixed
	}
	if k := int64(now / j.every); k != j.knot {
		if k == j.knot+1 {
			j.from = j.to
		} else {
			j.from = j.draw(k)
		}
		j.knot, j.to = k, j.draw(k+1)
	}
	sin, cos := math.Sincos(math.Pi / 2 * float64(now%j.every) / float64(j.every))
	z := max(-cut, min(cut, j.from*cos+j.to*sin))
	return time.Duration(math.Exp(j.mu + j.sigma*z))
}

// draw returns the value of a knot, which depends on seed and knot only: the
// weather is the same for every traffic.
func (j *jitter) draw(k int64) float64 {
	if j.normal == nil {
		j.normal = rand.New(&j.pcg)
	}
	j.pcg.Seed(j.seed, 0x6a697474^uint64(k))
	return j.normal.NormFloat64()
}
