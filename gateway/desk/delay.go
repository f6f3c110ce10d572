package desk

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// delay says how old the sound in a packet is when it leaves: the time from when
// the talker's packet could have been at the desk at the earliest (jitter.Buffer's
// Delay, which goes by the fastest packet of the last ten seconds) until the
// packet that holds its sound was given to the SFU. So it has the jitter buffer,
// the wait for the beat, decoding, mixing, encoding, and how late the beat was.
// It has neither the 20 ms and the look-ahead of the talker's encoder nor what
// the limiter (5 ms) and the desk's own encoder (2.5 ms) hold back, nor the network
// and the way through the SFU on either side, nor the listener's jitter buffer.
//
// A packet holds the sound of many, whose jitter buffers wait differently: it
// counts once as the youngest and once as the oldest of them.
type delay struct{ youngest, oldest prometheus.Observer }

// ages are those of the sounds in one packet, at the time its beat was due. The
// zero value has no sound in it.
type ages struct {
	some             bool
	youngest, oldest time.Duration
}

// add takes sounds of so many ages.
func (a *ages) add(youngest, oldest time.Duration) {
	if !a.some {
		*a = ages{true, youngest, oldest}
		return
	}
	a.youngest, a.oldest = min(a.youngest, youngest), max(a.oldest, oldest)
}

// merge takes what another packet's sound is made of.
func (a *ages) merge(o *ages) {
	if o.some {
		a.add(o.youngest, o.oldest)
	}
}

// left notes that a packet which was due at a time has left at now. What fades out
// without anybody in it has no age.
func (d *delay) left(a *ages, due, now time.Time) {
	if !a.some {
		return
	}
	late := now.Sub(due)
	d.youngest.Observe((a.youngest + late).Seconds())
	d.oldest.Observe((a.oldest + late).Seconds())
}

func newDelays(r prometheus.Registerer) (mixes, beds delay) {
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "earshot_mix_delay_seconds",
		Help: "From when a talker's packet could first have been here until the packet of the mix or bed with its sound was sent, of the youngest and the oldest sound in it.",
		Buckets: []float64{
			.01, .015, .02, .025, .03, .035, .04, .045, .05, .055, .06, .065, .07, .075, .08, .09, .1, .11, .12, .13, .14, .15, .175, .2, .25, .3, .4, .6, 1,
		},
	}, []string{"in", "of"})
	r.MustRegister(v)
	of := func(what string) delay {
		return delay{v.WithLabelValues(what, "youngest"), v.WithLabelValues(what, "oldest")}
	}
	return of("mix"), of("bed")
}
