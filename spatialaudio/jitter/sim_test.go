package jitter

import (
	"container/heap"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// tone is a decoder of packets that hold the number of their frame: a sine of
// 200 Hz, whose phase goes on from frame to frame.
type tone struct {
	at      int64 // sample after the last one
	decodes int
	fec     int
	plc     int
	resets  int
	refuse  bool
}

const (
	period = 240  // samples of the sine, a fourth of a frame
	loud   = 0.25 // its amplitude
)

func sine(at int64) float32 { return sines[(at%period+period)%period] }

// sines is long enough to copy any packet from.
var sines = func() (s [maxDuration + period]float32) {
	for i := range s {
		s[i] = float32(loud * math.Sin(2*math.Pi*float64(i%period)/period))
	}
	return s
}()

func (d *tone) Decode(packet []byte, pcm []float32) (int, error) {
	d.decodes++
	if d.refuse {
		return 0, errRefused
	}
	n := int(duration(packet))
	if len(packet) >= 6 {
		d.at = int64(binary.BigEndian.Uint32(packet[2:])) * FrameSamples
	}
	return d.make(pcm[:n])
}

func (d *tone) Recover(following []byte, pcm []float32) (int, error) {
	d.fec++
	d.at = int64(binary.BigEndian.Uint32(following[2:]))*FrameSamples - int64(len(pcm))
	return d.make(pcm)
}

func (d *tone) Conceal(pcm []float32) (int, error) {
	d.plc++
	return d.make(pcm)
}

func (d *tone) Reset() { d.resets++ }

func (d *tone) make(pcm []float32) (int, error) {
	copy(pcm, sines[(d.at%period+period)%period:])
	d.at += int64(len(pcm))
	return len(pcm), nil
}

type refused struct{}

func (refused) Error() string { return "refused" }

var errRefused = refused{}

// tonePacket is the packet of frame number i: wideband SILK of 20 ms, so that it
// may have FEC.
func tonePacket(i int64, fec bool) []byte {
	b := []byte{9 << 3, 0, 0, 0, 0, 0}
	if fec {
		b[1] = 0x40
	}
	binary.BigEndian.PutUint32(b[2:], uint32(i))
	return b
}

// network is what a simulated talker's packets go through.
type network struct {
	seed     uint64
	ppm      float64                                     // by how much the talker's clock is fast
	delay    func(r *rand.Rand, i int64) time.Duration   // of packet i; nil is 30 ms
	lost     func(r *rand.Rand, i int64) bool            // nil loses none
	twice    func(r *rand.Rand, i int64) bool            // nil doubles none
	packet   func(i int64, seq uint16, ts uint32) Packet // nil is a plain one
	sends    func(i int64) bool                          // nil sends all; others are pauses
	seq0     uint16
	ts0      uint32
	sent     int64
	waiting  arrivals
	rand     *rand.Rand
	skipped  uint16
	listener func(b *Buffer, tick int) // before each tick
}

type arrival struct {
	at time.Time
	p  Packet
}

type arrivals []arrival

func (a arrivals) Len() int           { return len(a) }
func (a arrivals) Less(i, j int) bool { return a[i].at.Before(a[j].at) }
func (a arrivals) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *arrivals) Push(x any)        { *a = append(*a, x.(arrival)) }
func (a *arrivals) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}

// epoch is when simulations begin.
var epoch = time.Unix(1000, 0)

// run plays the network's packets into b for so many ticks and hands each tick's
// sound to heard. The first packet is sent one frame after the first tick.
func (n *network) run(b *Buffer, ticks int, heard func(tick int, pcm []float32, sound bool)) {
	if n.rand == nil {
		n.rand = rand.New(rand.NewPCG(n.seed, 1))
	}
	var out [FrameSamples]float32
	for tick := range ticks {
		now := epoch.Add(time.Duration(tick) * 20 * time.Millisecond)
		for n.sentAt(n.sent).Before(now) {
			n.send()
		}
		for len(n.waiting) > 0 && !n.waiting[0].at.After(now) {
			a := heap.Pop(&n.waiting).(arrival)
			b.Push(a.at, a.p)
		}
		if n.listener != nil {
			n.listener(b, tick)
		}
		sound := b.Tick(now, out[:])
		if heard != nil {
			heard(tick, out[:], sound)
		}
	}
}

func (n *network) sentAt(i int64) time.Time {
	return epoch.Add(time.Duration(float64(i+1) * 20e6 / (1 + n.ppm/1e6)))
}

func (n *network) send() {
	i := n.sent
	n.sent++
	if n.sends != nil && !n.sends(i) {
		n.skipped++
		return
	}
	if n.lost != nil && n.lost(n.rand, i) {
		return
	}
	seq, ts := n.seq0+uint16(i)-n.skipped, n.ts0+uint32(i)*FrameSamples
	p := Packet{SSRC: 7, Sequence: seq, Timestamp: ts, Payload: tonePacket(i, false)}
	if n.packet != nil {
		p = n.packet(i, seq, ts)
	}
	delay := 30 * time.Millisecond
	if n.delay != nil {
		delay = n.delay(n.rand, i)
	}
	heap.Push(&n.waiting, arrival{n.sentAt(i).Add(delay), p})
	if n.twice != nil && n.twice(n.rand, i) {
		heap.Push(&n.waiting, arrival{n.sentAt(i).Add(delay + 5*time.Millisecond), p})
	}
}

// clicks counts what no smooth change of a sine of 200 Hz explains: a bend of
// the wave that is more than twice the sharpest of its own, and more than a
// fade over 2.5 ms makes.
type clicks struct {
	a, b     float32
	n        int
	count    int
	sharpest float32
}

const sharp = loud*(2*math.Pi/period)*(2*math.Pi/period)*2 + loud/fadeLen

func (c *clicks) hear(pcm []float32) {
	for _, x := range pcm {
		bend := x - 2*c.b + c.a
		if bend < 0 {
			bend = -bend
		}
		c.sharpest = max(c.sharpest, bend)
		if bend > sharp {
			c.count++
		}
		c.a, c.b = c.b, x
	}
}

func listening(t testing.TB) (*Buffer, *tone) {
	t.Helper()
	b, d := New(epoch), new(tone)
	b.Attach(d)
	return b, d
}

func exponential(mean time.Duration) func(*rand.Rand, int64) time.Duration {
	return func(r *rand.Rand, _ int64) time.Duration {
		return 30*time.Millisecond + time.Duration(r.ExpFloat64()*float64(mean))
	}
}
