package loudness

import (
	"math"
	"testing"
	"time"
)

// microphone turns sound into levels as a browser and a server do: RFC 6464 for
// each frame, smoothed with 20 ms up and 400 ms down, looked at every 50 ms.
type microphone struct {
	now      time.Time
	smoothed float64 // amplitude
	spoke    time.Time
	frames   int
}

func (m *microphone) play(pcm []float32, to *Estimate) {
	for at := 0; at+FrameSamples <= len(pcm); at += FrameSamples {
		m.now = m.now.Add(20 * time.Millisecond)
		level := max(math.Round(10*math.Log10(power(pcm[at:at+FrameSamples])/FrameSamples)), -127)
		tau := 0.4
		if math.Pow(10, level/20) > m.smoothed {
			tau = 0.02
		}
		m.smoothed += (math.Pow(10, level/20) - m.smoothed) * (1 - math.Exp(-0.02/tau))
		if level > -50 {
			m.spoke = m.now
		}
		if m.frames++; m.frames%5 != 1 && m.frames%5 != 3 { // every 40 and 60 ms
			continue
		}
		to.Observe(m.now, 20*math.Log10(m.smoothed), m.now.Sub(m.spoke) < 250*time.Millisecond)
	}
}

// TestEstimateOfSpeech: levels alone say within 1.5 dB what a leveller makes of
// the same speech, and all talkers come to the same.
func TestEstimateOfSpeech(t *testing.T) {
	for _, loudness := range []float64{-34, -30, -24, -18, -12, -6} {
		e, l, m := NewEstimate(DefaultConfig()), NewLeveller(DefaultConfig()), microphone{now: time.Unix(1000, 0)}
		pcm := speech(t, loudness)
		for range 20 {
			m.play(pcm, e)
			copied := append([]float32(nil), pcm...)
			for at := 0; at < len(copied); at += FrameSamples {
				l.Process(copied[at:])
			}
		}
		t.Logf("%v LUFS: estimated %.2f dB, levelled %.2f dB", loudness, e.GainDB(), l.GainDB())
		if math.Abs(e.GainDB()-l.GainDB()) > 1.5 {
			t.Errorf("%v LUFS: estimated %.2f dB, levelled %.2f dB", loudness, e.GainDB(), l.GainDB())
		}
	}
}

// TestEstimateIsFair: who is 20 dB hotter than another is no more audible after a
// second of speech, one who begins to shout not for long, and one who only says
// so in every packet no more than anybody.
func TestEstimateIsFair(t *testing.T) {
	quiet, hot, m := NewEstimate(DefaultConfig()), NewEstimate(DefaultConfig()), microphone{now: time.Unix(1000, 0)}
	again := m
	m.play(append(speech(t, -31), speech(t, -31)...), quiet)
	again.play(append(speech(t, -11), speech(t, -11)...), hot)
	if ahead := 20 + hot.GainDB() - quiet.GainDB(); math.Abs(ahead) > 0.5 {
		t.Errorf("20 dB hotter is %.2f dB ahead after two seconds", ahead)
	}
	for range 15 {
		m.play(speech(t, -31), quiet)
	}
	before := quiet.GainDB()
	for range 2 {
		m.play(speech(t, -11), quiet)
	}
	if ahead := 20 + quiet.GainDB() - before; ahead > shouting+1 {
		t.Errorf("shouting 20 dB louder is %.2f dB ahead in the third second", ahead)
	}
	liar, now := NewEstimate(DefaultConfig()), time.Unix(1000, 0)
	for range 40 {
		now = now.Add(50 * time.Millisecond)
		liar.Observe(now, 0, true)
	}
	if level := 0 + liar.GainDB(); level > -19 {
		t.Errorf("one who always says 0 dBov counts as %.2f dB", level)
	}
}

// TestEstimateOfNoSpeech: noise, silence, and levels that are none move nothing.
func TestEstimateOfNoSpeech(t *testing.T) {
	e, now := NewEstimate(DefaultConfig()), time.Unix(1000, 0)
	for i := range 3000 {
		now = now.Add(50 * time.Millisecond)
		e.Observe(now, [...]float64{-127, -60, -55, math.NaN(), math.Inf(-1)}[i%5], true)
		e.Observe(now, -10, false)
	}
	if e.GainDB() != 0 {
		t.Errorf("noise made %.2f dB", e.GainDB())
	}
	if n := testing.AllocsPerRun(100, func() { now = now.Add(400 * time.Millisecond); e.Observe(now, -20, true) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
