package run

import (
	"context"
	"math"
	"sync"
	"time"

	"earshot"
	"earshot/loadtest/report"
	"earshot/loadtest/truth"
	"earshot/spatialaudio/zone"
)

const (
	// truthEvery is how often truth is brought up to date.
	truthEvery = 100 * time.Millisecond
	// judgedAtOnce is how many listeners are compared with it each time. In a
	// larger crowd each has its turn less often: the comparison costs what
	// grows with the square of the crowd.
	judgedAtOnce = 120
	// opinionEvery is how many seconds lie between two looks at quality: it is
	// judged over ten.
	opinionEvery = 10
)

// judge compares what people hear with what they should.
type judge struct {
	worlds map[earshot.InstanceID]*truth.World // of compare's goroutine
	people map[earshot.InstanceID][]truth.Person
	motion motion
	turn   int

	servers uint32 // people are on them in turn, by number

	lately lately
	clock  serverClock

	// mu guards what follows.
	mu        sync.Mutex
	ears      []*ear
	index     map[earshot.ParticipantID]uint16 // in pose datagrams
	seconds   int
	mos, loss float64
	banned    int64 // packets that should not have come, in this window
}

func newJudge() *judge {
	return &judge{
		worlds: map[earshot.InstanceID]*truth.World{}, people: map[earshot.InstanceID][]truth.Person{},
		motion: motion{}, index: map[earshot.ParticipantID]uint16{}, mos: math.NaN(), loss: math.NaN(),
	}
}

// watch adds an ear to those that are judged.
func (j *judge) watch(e *ear) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.ears = append(j.ears, e)
}

// seat notes the index of a participant.
func (j *judge) seat(id earshot.ParticipantID, index uint16) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.index[id] = index
}

// indices are those of participants who are ours.
func (j *judge) indices(ids []earshot.ParticipantID) (list []uint16) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, id := range ids {
		if n, ok := j.index[id]; ok {
			list = append(list, n)
		}
	}
	return list
}

func (j *judge) all() []*ear {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.ears
}

// compare compares until ctx ends.
func (r *Runner) compare(ctx context.Context) {
	ticker := time.NewTicker(truthEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			r.judge.step(time.Now())
		}
	}
}

// step brings truth up to date and compares some of the listeners with it.
func (j *judge) step(now time.Time) {
	ears := j.all()
	for id := range j.people {
		j.people[id] = j.people[id][:0]
	}
	for _, e := range ears {
		in, world, index := e.p.where()
		at, moved := e.p.body.at(now)
		if world == nil || !moved {
			continue
		}
		if j.worlds[in] == nil {
			zones, err := zone.New(world.Zones)
			if err != nil {
				zones = nil // of a newer server: it is judged as if there were none
			}
			j.worlds[in] = truth.New(truth.Config{Curve: world.Voice, Zones: zones})
		}
		j.people[in] = append(j.people[in], e.p.truth(now, &at.pose))
		j.motion.add(in, index, now, at)
	}
	for in, w := range j.worlds {
		w.Step(now, j.people[in])
	}
	turns := max(1, (len(ears)+judgedAtOnce-1)/judgedAtOnce)
	j.turn = (j.turn + 1) % turns
	for i := j.turn; i < len(ears); i += turns {
		e := ears[i]
		in, world, _ := e.p.where()
		if world == nil {
			in = e.p.instance() // away: the account notes the pause
		}
		if w := j.worlds[in]; w != nil {
			e.mu.Lock()
			e.ledger.Judge(w)
			if world != nil {
				e.eye.look(now, j.motion[in])
			}
			e.mu.Unlock()
		}
	}
}

// truth is what is true of p, who is at pose.
func (p *person) truth(now time.Time, pose *earshot.Pose) truth.Person {
	who := truth.Person{ID: p.number, Head: pose.HeadWorld(), Lag: p.lag, Level: silent}
	if p.mouth != nil {
		who.Level, who.Speaking, who.Since = p.mouth.at(now)
		if !who.Speaking {
			who.Since = time.Time{}
		}
	}
	return who
}

// silent is the level of RFC 6464 for no sound, in dBov.
const silent = -127

// second ends a second and returns its figures for the timeline.
func (j *judge) second() map[string]float64 {
	var due, audible float64
	var forbidden int64
	for _, e := range j.all() {
		w := e.second()
		due, audible, forbidden = due+w.Due, audible+w.Audible, forbidden+w.Forbidden
	}
	p50, p95, p99 := j.lately.take()
	values := map[string]float64{
		report.SeriesAudibleShare: over(audible, due),
		report.SeriesLatency:      p50, seriesLatencyP95: p95, report.SeriesLatencyP99: p99,
	}
	j.opinion(forbidden)
	j.mu.Lock()
	defer j.mu.Unlock()
	values[seriesMOS], values[seriesLoss] = j.mos, j.loss
	return values
}

// opinion looks at quality now and then.
func (j *judge) opinion(forbidden int64) {
	j.mu.Lock()
	j.banned += forbidden
	j.seconds++
	due := j.seconds%opinionEvery == 0
	j.mu.Unlock()
	if !due {
		return
	}
	var all truth.Figures
	for _, e := range j.all() {
		e.mu.Lock()
		f := e.ledger.Figures()
		all.MOS.Merge(&f.MOS)
		all.Expected += f.Expected
		all.Received += f.Received
		e.mu.Unlock()
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.mos = all.MOS.Quantile(.5)
	j.loss = over(float64(max(0, all.Expected-all.Received)), float64(all.Expected))
}

// open begins a window of about that length.
func (j *judge) open(now time.Time, length time.Duration) {
	for _, e := range j.all() {
		e.begin(now, length)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.banned, j.mos, j.loss = 0, math.NaN(), math.NaN()
}

// close ends a window and adds what was found to m.
func (j *judge) close(m *measured, now time.Time) {
	var all truth.Figures
	var seen truth.PoseFigures
	var ages truth.Histogram
	var shown watched
	var ways [2]truth.Histogram
	for _, e := range j.all() {
		l := report.Listener{ID: e.p.name, Group: e.p.group.Name, Timeline: map[string]report.Series{}}
		var shares, delays report.Series
		l.Metrics = e.account(&all, &shares, &delays)
		l.Timeline[report.SeriesAudibleShare], l.Timeline[report.SeriesLatency] = shares, delays
		e.mu.Lock()
		e.eye.account(&seen, &ages, l.Metrics)
		e.screen.account(now, &shown, l.Metrics)
		ways[0].Merge(&e.ways[0])
		ways[1].Merge(&e.ways[1])
		e.mu.Unlock()
		if len(l.Metrics) > 0 {
			m.listeners = append(m.listeners, l)
		}
	}
	all.Metrics(m.metrics)
	for name, h := range map[string]*truth.Histogram{
		"voice.onset_ms": &all.Onset, "voice.latency_ms": &all.Latency, "voice.jitter_ms": &all.Jitter, "voice.gap_ms": &all.Gap,
		"voice.mouth_to_ear_ms": &all.MouthToEar, "mix.hold_ms": &all.Hold,
	} {
		m.put(name, distribution(h, "ms"))
	}
	m.put("voice.latency_same_ms", distribution(&ways[0], "ms"))
	m.put("voice.latency_other_ms", distribution(&ways[1], "ms"))
	m.put("voice.mos", distribution(&all.MOS, "mos"))
	m.put("voice.heard_at_once", distribution(&all.AtOnce, "count"))
	if seen.PairSeconds > 0 {
		m.metrics["pose.hz"] = float64(seen.Received) / seen.PairSeconds
	}
	if ages.Count() == 0 && seen.Error.Count() > 0 {
		ages.Add(0) // all stood where they were seen
	}
	m.put("pose.staleness_ms", distribution(&ages, "ms"))
	m.put("pose.error_mm", distribution(&seen.Error, "mm"))
	shown.report(m)
	m.offenders = offenders(m.listeners)
}

func (j *judge) forbidden() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return int(j.banned)
}

// over is a/b, NaN where b is nothing.
func over(a, b float64) float64 {
	if b <= 0 {
		return math.NaN()
	}
	return a / b
}

// distribution is that of a histogram.
func distribution(h *truth.Histogram, unit string) report.Distribution {
	d := report.Distribution{Unit: unit, Count: int64(h.Count())}
	if d.Count == 0 {
		return d
	}
	d.Min, d.Max, d.Mean = h.Min(), h.Max(), h.Mean()
	d.P05, d.P50, d.P90 = h.Quantile(.05), h.Quantile(.5), h.Quantile(.9)
	d.P95, d.P99, d.P999 = h.Quantile(.95), h.Quantile(.99), h.Quantile(.999)
	h.Each(func(le float64, n uint64) {
		// A part of an octave is finer than a plot: join what is within a tenth.
		if k := len(d.Buckets) - 1; k > 0 && le < d.Buckets[k-1].LE*1.1 {
			d.Buckets[k] = report.Bucket{LE: le, N: d.Buckets[k].N + int64(n)}
			return
		}
		d.Buckets = append(d.Buckets, report.Bucket{LE: le, N: int64(n)})
	})
	return d
}

// lately counts the delays of this second, in shards so that receivers do not
// wait for one another.
type lately struct {
	shards [16]struct {
		mu sync.Mutex
		h  truth.Histogram
	}
}

func (l *lately) add(number uint32, ms float64) {
	s := &l.shards[number%uint32(len(l.shards))]
	s.mu.Lock()
	defer s.mu.Unlock()
	s.h.Add(ms)
}

// take returns the quantiles of this second and begins the next.
func (l *lately) take() (p50, p95, p99 float64) {
	var all truth.Histogram
	for i := range l.shards {
		s := &l.shards[i]
		s.mu.Lock()
		all.Merge(&s.h)
		s.h.Reset()
		s.mu.Unlock()
	}
	return all.Quantile(.5), all.Quantile(.95), all.Quantile(.99)
}

// ban has truth and the accounts know who may not hear whom: a block is of
// both.
func (r *Runner) ban() {
	for _, p := range r.people {
		for _, other := range r.people {
			if r.blocked(p, other) {
				p.ear.ledger.Ban(other.number, time.Time{})
				other.ear.ledger.Ban(p.number, time.Time{})
			}
		}
	}
}
