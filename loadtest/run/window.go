package run

import (
	"context"
	"math"
	"slices"
	"time"

	"earshot/loadtest"
	"earshot/loadtest/report"
)

// window is a stretch of time that is measured.
type window struct {
	begin   time.Time
	people  []*person
	traffic []loadtest.Traffic // of people, at the begin
}

// measured is what a window found.
type measured struct {
	begin         time.Time
	seconds       float64
	people        int
	metrics       report.Metrics
	distributions map[string]report.Distribution
	listeners     []report.Listener
	offenders     []report.Offender
	generator     report.Generator
	server        *report.Server
	notes         []string
}

// open begins a window of about that length.
func (r *Runner) open(ctx context.Context, length time.Duration) *window {
	w := &window{begin: time.Now(), people: r.everybody()}
	for _, p := range w.people {
		w.traffic = append(w.traffic, p.traffic())
	}
	for _, s := range []*samples{&r.reconnects, &r.chats, &r.words} {
		s.reset()
	}
	r.health.reset(w.begin)
	r.server.reset()
	r.server.sample(ctx)
	r.judge.open(w.begin, length)
	return w
}

// close ends a window and returns what was found.
func (r *Runner) close(w *window) *measured {
	r.server.sample(context.Background())
	now := time.Now()
	m := &measured{
		begin: w.begin, seconds: now.Sub(w.begin).Seconds(), people: present(w.people),
		metrics: report.Metrics{}, distributions: map[string]report.Distribution{},
	}
	own := r.health.window(now)
	r.measureTraffic(w, m)
	r.measureServer(w, m)
	r.judge.close(m, now)
	r.measureMixes(m)
	r.measureJoins(m)
	r.measureGenerator(m, own)
	m.metrics["session.dropped"] = float64(r.droppedOut.Load())
	return m
}

// put adds a distribution and its percentiles.
func (m *measured) put(name string, d report.Distribution) {
	if d.Count == 0 {
		return
	}
	m.distributions[name] = d
	m.metrics.AddDistribution(name, d)
}

func (r *Runner) measureJoins(m *measured) {
	for name, s := range map[string]*samples{
		"join.total_ms": &r.joins.total, "join.http_ms": &r.joins.http, "join.ice_ms": &r.joins.ice, "join.dtls_ms": &r.joins.dtls,
		"join.channels_ms": &r.joins.channels, "join.welcome_ms": &r.joins.welcome, "reconnect.total_ms": &r.reconnects,
		"join.waited_ms":  &r.joins.waited,
		"chat.latency_ms": &r.chats, "npc.first_word_ms": &r.words,
	} {
		m.put(name, s.distribution("ms"))
	}
	m.metrics["join.failed"] = float64(r.failed.Load())
}

// measureTraffic makes kbit/s of what everybody's sockets carried.
func (r *Runner) measureTraffic(w *window, m *measured) {
	kinds := []string{"voice", "video", "pose", "control", "total"}
	values := map[string][]float64{}
	for i, p := range w.people {
		t := p.traffic()
		if t == (loadtest.Traffic{}) {
			continue // never came
		}
		for _, d := range []struct {
			name     string
			now, was loadtest.Flows
		}{{"down", t.Down, w.traffic[i].Down}, {"up", t.Up, w.traffic[i].Up}} {
			now, was := bytesOf(d.now), bytesOf(d.was)
			for k, kind := range kinds {
				name := "net." + d.name + "_kbps." + kind
				values[name] = append(values[name], (now[k]-was[k])*8/1000/m.seconds)
			}
		}
	}
	for name, list := range values {
		slices.Sort(list)
		var all float64
		for _, v := range list {
			all += v
		}
		m.metrics[name] = all / float64(len(list))
		m.metrics[name+".p50"], m.metrics[name+".p95"] = quantile(list, .5), quantile(list, .95)
		m.metrics[name+".max"] = list[len(list)-1]
	}
}

// bytesOf are those of voice, video, poses, control and everything.
func bytesOf(f loadtest.Flows) [5]float64 {
	return [5]float64{float64(f.Voice.Bytes), float64(f.Video.Bytes), float64(f.Pose.Bytes), float64(f.Control.Bytes), float64(f.Total().Bytes)}
}

func (r *Runner) measureGenerator(m *measured, v vitals) {
	people := math.Max(1, float64(m.people))
	g := report.Generator{
		CPUShare: v.share, CoresUsed: v.used, SchedP50ms: v.p50, SchedP99ms: v.p99, Limited: v.limited, Why: v.why,
		BytesPerBot:      math.Max(0, float64(heapInUse())-float64(r.rest)) / people,
		CPUPerBotPercent: 100 * v.used / people,
	}
	m.generator = g
	if v.note != "" {
		m.notes = append(m.notes, v.note)
	}
	m.metrics["generator.cpu_share"] = g.CPUShare
	m.metrics["generator.kb_per_bot"] = g.BytesPerBot / 1000
	m.metrics["generator.cpu_percent_per_bot"] = g.CPUPerBotPercent
	m.put("generator.sched_ms", distributionOf(r.health.lateness(), "ms"))
}

// measureServer takes the server's figures, as far as they are to be seen.
// Packets are those that the server counts, or else those that the bots got.
func (r *Runner) measureServer(w *window, m *measured) {
	var got, sent float64
	for i, p := range w.people {
		t, was := p.traffic(), w.traffic[i]
		got += float64(packetsOf(t.Down) - packetsOf(was.Down))
		sent += float64(packetsOf(t.Up) - packetsOf(was.Up))
	}
	first, last, ok := r.server.window()
	if ok && first.metrics != nil && last.metrics != nil {
		d := last.at.Sub(first.at).Seconds()
		m.metrics["server.packets_out_per_s"] = (last.out() - first.out()) / d
		m.metrics["server.packets_in_per_s"] = (last.in() - first.in()) / d
	} else {
		m.metrics["server.packets_out_per_s"] = got / m.seconds
		m.metrics["server.packets_in_per_s"] = sent / m.seconds
	}
	if !ok {
		r.note("the server's process is not on this machine and its metrics were not given (-admin): nothing is known of its CPU and memory")
		return
	}
	took := last.at.Sub(first.at).Seconds()
	s := &report.Server{
		CPUSeconds: last.cpu - first.cpu, RSSBytes: last.rss, Threads: last.threads, Source: r.server.source(),
		PacketsOut: m.metrics["server.packets_out_per_s"] * took, PacketsIn: m.metrics["server.packets_in_per_s"] * took,
	}
	s.CPUShare = s.CPUSeconds / took
	if last.metrics != nil && first.metrics != nil {
		s.BytesOut = last.metrics[metricBytesOut] - first.metrics[metricBytesOut]
	}
	if s.CPUSeconds > 0 {
		s.PacketsPerCPUSecond = s.PacketsOut / s.CPUSeconds
		m.metrics["server.packets_per_cpu_second"] = s.PacketsPerCPUSecond
	}
	if r.idle.ok && m.people > 0 {
		s.RSSPerParticipant = math.Max(0, last.rss-r.idle.rss) / float64(m.people)
		m.metrics["server.rss_kb_per_participant"] = s.RSSPerParticipant / 1000
	}
	m.metrics["server.cpu_share"], m.metrics["server.rss_mb"] = s.CPUShare, s.RSSBytes/1e6
	m.server = s
}

// packetsOf are those of media: voice, video and poses.
func packetsOf(f loadtest.Flows) uint64 { return f.Voice.Packets + f.Video.Packets + f.Pose.Packets }
