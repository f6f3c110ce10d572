package desk

import (
	"context"
	"math"
	"testing"
	"time"

	"earshot/spatialaudio/opus"
	"earshot/spatialaudio/reverb"
)

// TestRoomsAndWalls: who listens in a hall hears a voice go on for a while when
// it has ended, who listens where it is dry does not; who listens through a
// wall hears less of it, above all of what is high.
func TestRoomsAndWalls(t *testing.T) {
	inRoom(t, DefaultConfig(), func(r *room) {
		ctx, stop := context.WithCancel(context.Background())
		low, high := r.sing(ctx, "pa_low", 500), r.sing(ctx, "pa_high", 4000)
		tapes := map[string]*tape{}
		var listeners []*Listener
		for _, c := range []struct {
			name   string
			kind   reverb.Kind
			wallDB float32
		}{{"dry", reverb.Dry, 0}, {"hall", reverb.Hall, 0}, {"wall", reverb.Dry, 18}} {
			l, err := r.desk.Listen()
			check(t, err)
			l.SetRoom(c.kind)
			voices := []Voice{low.at(0, 0, -2), high.at(0, 0, -2)}
			for i := range voices {
				voices[i].WallDB = c.wallDB // whoever says so has taken it off the gain as well
			}
			l.Set(ahead, voices)
			listeners, tapes[c.name] = append(listeners, l), r.tape(l)
		}
		time.Sleep(2 * time.Second)
		levels := map[string][2]float64{}
		for name, tp := range tapes {
			pcm := tp.cut()
			pcm = pcm[len(pcm)/2:]
			levels[name] = [2]float64{tone(pcm, 0, 500), tone(pcm, 0, 4000)}
		}
		dry, wall := levels["dry"], levels["wall"]
		if math.Abs(wall[0]-dry[0]) > 1.5 || wall[1] > dry[1]-6 {
			t.Errorf("dry %.1f and %.1f dBFS, through the wall %.1f and %.1f: want the low one as it is and the high one muffled", dry[0], dry[1], wall[0], wall[1])
		}
		stop()
		<-low.done
		<-high.done
		time.Sleep(300 * time.Millisecond) // of jitter buffer, and of the sound of a gate
		for _, tp := range tapes {
			tp.cut()
		}
		time.Sleep(200 * time.Millisecond)
		rings, still := power(tapes["hall"].cut()), power(tapes["dry"].cut())
		if rings < -60 || still > -80 {
			t.Errorf("after the voices ended the hall is at %.1f dBFS, the dry place at %.1f", rings, still)
		}
		time.Sleep(3 * time.Second)
		tapes["hall"].cut()
		time.Sleep(time.Second)
		if n := len(tapes["hall"].cut()); n > 0 {
			t.Errorf("the hall still sends %d samples after four seconds", n)
		}
		for i, l := range listeners {
			tapes[[]string{"dry", "hall", "wall"}[i]].close()
			l.Close()
		}
	})
}

// power is in dBFS; that of nothing is -200.
func power(pcm []float32) float64 {
	sum := 1e-20
	for _, v := range pcm {
		sum += float64(v) * float64(v) / opus.Rate
	}
	return 10 * math.Log10(sum)
}
