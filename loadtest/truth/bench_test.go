package truth

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"earshot"
	"earshot/spatialaudio"
)

// crowd is so many people within a radius, two in five of whom speak.
func crowd(people int, radius float32) (*World, []Person) {
	rng := rand.New(rand.NewPCG(1, 1))
	list := make([]Person, people)
	for i := range list {
		at := earshot.Vec3{X: (2*rng.Float32() - 1) * radius, Y: 1.6, Z: (2*rng.Float32() - 1) * radius}
		list[i] = Person{
			ID: uint32(i), Head: earshot.Transform{Position: at, Rotation: earshot.YawQuat(6 * rng.Float32())},
			Level: -68, Speaking: i%5 < 2,
		}
		if list[i].Speaking {
			list[i].Level = -26 + 3*rng.NormFloat64()
		}
	}
	return New(Config{Curve: spatialaudio.DefaultCurve()}), list
}

func BenchmarkJudge(b *testing.B) {
	for _, c := range []struct {
		people, listeners int
		radius            float32
	}{{300, 300, 30}, {300, 300, 4}, {1000, 300, 60}, {1000, 300, 10}} {
		b.Run(fmt.Sprintf("people=%d,listeners=%d,radius=%v", c.people, c.listeners, c.radius), func(b *testing.B) {
			w, people := crowd(c.people, c.radius)
			now := time.Unix(1000, 0)
			var ledgers []*Ledger
			for i := range c.listeners {
				ledgers = append(ledgers, NewLedger(uint32(i), 8))
			}
			step := func() {
				now = now.Add(100 * time.Millisecond)
				w.Step(now, people)
				for _, l := range ledgers {
					l.Judge(w)
				}
			}
			for range 30 {
				step()
			}
			b.ReportAllocs()
			for b.Loop() {
				step()
			}
		})
	}
}

func BenchmarkHeard(b *testing.B) {
	l := NewLedger(1, 8)
	p := Packet{Voiced: true, Talker: 2}
	now := time.Unix(1000, 0)
	b.ReportAllocs()
	for i := range b.N {
		at := now.Add(time.Duration(i) * frame)
		p.Slot, p.Seq, p.Tick, p.Sent, p.Into = i%8, uint16(i/8), uint32(i/8), uint32(i/8), uint16(i/8%1000)+1
		p.Talker, p.At, p.SentAt, p.Timestamp = uint32(i%8), at.Add(12*time.Millisecond), at, uint32(i/8)*960
		l.Heard(&p)
	}
}

func BenchmarkHistogramAdd(b *testing.B) {
	var h Histogram
	b.ReportAllocs()
	for i := range b.N {
		h.Add(float64(i & 0xfff))
	}
}
