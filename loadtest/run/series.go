package run

import (
	"context"
	"errors"
	"math"
	"os"
	"time"

	"earshot/loadtest"
	"earshot/loadtest/report"
)

// step is that of the timeline and of the live view's figures.
const step = time.Second

// maxSteps bounds the timeline: three hours. A longer run is not drawn to its
// end, but measured.
const maxSteps = 3 * 3600

// series are the figures of a run second by second. mu of the Runner guards
// them.
type series struct {
	start  time.Time
	values map[string]report.Series
	n      int
	first  int // the step in which measuring began
}

func newSeries(start time.Time) *series {
	return &series{start: start, values: map[string]report.Series{}}
}

// add appends one step. Names that are new begin with nothing.
func (s *series) add(values map[string]float64) {
	if s.n >= maxSteps {
		return
	}
	for name, v := range values {
		list := s.values[name]
		for len(list) < s.n {
			list = append(list, math.NaN())
		}
		s.values[name] = append(list, v)
	}
	s.n++
	for name, list := range s.values {
		for len(list) < s.n {
			list = append(list, math.NaN())
		}
		s.values[name] = list
	}
}

// last returns the newest value of a series, NaN where there is none.
func (s *series) last(name string) float64 {
	list := s.values[name]
	if len(list) == 0 {
		return math.NaN()
	}
	return list[len(list)-1]
}

// recent is the mean of the last n values that are known.
func (s *series) recent(name string, n int) float64 {
	list := s.values[name]
	var all float64
	var known int
	for _, v := range list[max(0, len(list)-n):] {
		if !math.IsNaN(v) {
			all += v
			known++
		}
	}
	if known == 0 {
		return math.NaN()
	}
	return all / float64(known)
}

// Series besides those that the report draws.
const (
	seriesLatencyP95 = "latency_p95_ms"
	seriesHeard      = "voice_packets_per_s"
	seriesKbps       = "down_kbps_each"
	seriesLoss       = "loss_share"
	seriesMOS        = "mos"
)

// sample takes the figures of each second until ctx ends, and shows them.
func (r *Runner) sample(ctx context.Context) {
	ticker := time.NewTicker(step)
	defer ticker.Stop()
	view := r.newView()
	var before sampled
	before.take(r, time.Now())
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			view.end()
			return
		case now := <-ticker.C:
			r.second(ctx, &before, now)
			view.show(r.state(now), n)
		}
	}
}

// sampled are counters at a moment.
type sampled struct {
	at                  time.Time
	voice, bytes, media uint64
	own                 usage
}

func (s *sampled) take(r *Runner, now time.Time) {
	*s = sampled{at: now}
	for _, p := range r.everybody() {
		t := p.traffic()
		s.voice += t.Down.Voice.Packets
		s.media += t.Down.Voice.Packets + t.Down.Video.Packets + t.Down.Pose.Packets
		s.bytes += t.Down.Total().Bytes
	}
	s.own, _ = readUsage(os.Getpid(), now)
}

// second adds one step to the timeline.
func (r *Runner) second(ctx context.Context, before *sampled, now time.Time) {
	r.server.sample(ctx)
	r.notice()
	var s sampled
	s.take(r, now)
	took := s.at.Sub(before.at).Seconds()
	people := max(1, float64(r.joinedNow.Load()))
	values := r.judge.second()
	values[report.SeriesParticipants] = float64(r.joinedNow.Load())
	values[seriesHeard] = float64(s.voice-before.voice) / took
	values[seriesKbps] = float64(s.bytes-before.bytes) * 8 / 1000 / took / people
	values[report.SeriesPacketsOut] = float64(s.media-before.media) / took
	values[report.SeriesGeneratorCPU] = (s.own.cpu - before.own.cpu).Seconds() / took / float64(r.health.cores)
	if cores, packets, known := r.server.now(); known {
		values[report.SeriesServerCPU] = cores
		if packets > 0 {
			values[report.SeriesPacketsOut] = packets
		}
	}
	*before = s
	r.mu.Lock()
	defer r.mu.Unlock()
	r.series.add(values)
}

// notice finds sessions that ended without anybody wanting it.
func (r *Runner) notice() {
	for _, p := range r.everybody() {
		bot := p.present()
		if bot == nil {
			continue
		}
		if bye := bot.Bye(); bye != nil {
			r.lost(p, "the server ended the session: %s", bye.Code)
		} else if ended(bot) {
			r.lost(p, "the connection ended")
		}
	}
}

// state is the run at a moment, for the live view.
func (r *Runner) state(now time.Time) *State {
	late := r.health.window(now)
	offenders, forbidden := r.judge.worst(5), r.judge.forbidden()
	cores, _, known := r.server.now()
	if !known {
		cores = math.NaN()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	title := r.cfg.Scenario.Name
	if r.cfg.Scenario.Title != "" {
		title += ": " + r.cfg.Scenario.Title
	}
	s := &State{
		Scenario: title, Phase: r.phase, Elapsed: now.Sub(r.start), Total: r.until.Sub(r.start),
		Joined: int(r.joinedNow.Load()), Target: int(r.ahead.Load()),
		Failed: int(r.failed.Load()), Dropped: int(r.droppedOut.Load()),
		Heard: r.series.recent(report.SeriesAudibleShare, 5), LatencyP50: r.series.recent(report.SeriesLatency, 5),
		LatencyP95: r.series.recent(seriesLatencyP95, 5), Loss: r.series.recent(seriesLoss, 5), MOS: r.series.recent(seriesMOS, 5),
		Forbidden: forbidden, PacketsPerSec: r.series.last(seriesHeard), KbpsPerPerson: r.series.last(seriesKbps),
		ServerCores: cores, ServerRSS: r.server.rss(), GeneratorShare: r.series.last(report.SeriesGeneratorCPU), GeneratorLate: late.p99,
		Offenders: offenders,
	}
	heard := r.series.values[report.SeriesAudibleShare]
	s.Trend = append(s.Trend, heard[max(0, len(heard)-12):]...)
	if len(r.errors) > 0 {
		s.Message = r.errors[len(r.errors)-1]
	}
	return s
}

// ended reports whether a bot's connection is over.
func ended(bot *loadtest.Bot) bool {
	over, cancel := context.WithCancel(context.Background())
	cancel()
	err := bot.Await(over, func() bool { return false })
	return !errors.Is(err, context.Canceled)
}
