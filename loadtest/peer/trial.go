package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"earshot/loadtest/child"
	"earshot/loadtest/report"
	"earshot/loadtest/truth"
)

const (
	joinFor    = 30 * time.Second // one participant
	joinAtOnce = 4
	hearFor    = 20 * time.Second // until everybody hears everybody
	settle     = 2 * time.Second  // from then on until it counts
	drain      = 1500 * time.Millisecond
	// busyShare of its cores and lateMost are what makes the generator the
	// limit: beyond them its own delay is in the figures.
	busyShare = 0.9
	lateMost  = 20.0 // ms, 99th percentile of how late it sent
)

// trial is one server under one cell, once.
type trial struct {
	bench  *Bench
	server Server
	cell   Cell
	res    *report.Result

	room    Room
	senders []*Sender
	ears    []*Ear
	mu      sync.Mutex
	clients closers
}

// run starts the server, fills the room, measures, and ends everything.
func (t *trial) run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "earshot-peers-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	start, err := t.server.prepare(dir)
	if err != nil {
		return err
	}
	t.res.Target.URL = start.url
	core := -1
	if len(t.bench.server) > 0 {
		core = t.bench.server[0]
	}
	p, err := startProcess(start.argv, start.env, dir, core)
	if err != nil {
		return err
	}
	if t.bench.cfg.Prefer && os.Geteuid() == 0 {
		if err := prefer(p.PID(), true); err != nil {
			t.res.Notes = append(t.res.Notes, "the server could not be put before other work: "+err.Error())
		}
	}
	err = t.with(ctx, start, p)
	select {
	case <-p.Ended():
		err = errors.Join(err, p.Err())
	default:
	}
	_ = p.Terminate(stopFor) // one that is slow is killed
	return err
}

func (t *trial) with(ctx context.Context, start *launch, p *child.Process) error {
	if err := p.Ready(ctx, start.check); err != nil {
		return err
	}
	idle, err := usageOf(p.PID())
	if err != nil {
		return err
	}
	opening, cancel := context.WithTimeout(ctx, joinFor)
	defer cancel()
	if t.room, err = start.driver.Open(opening, "bench", t.cell.Media); err != nil {
		return err
	}
	defer t.room.Close()
	defer t.leave()
	if err := t.publish(ctx); err != nil {
		return err
	}
	playing, stop := context.WithCancel(ctx)
	music := newOrchestra(t.senders, t.cell.video(t.bench.cfg.Video), time.Now())
	var band sync.WaitGroup
	band.Go(func() { music.play(playing) })
	defer band.Wait()
	defer stop()
	if err := t.listen(ctx); err != nil {
		return err
	}
	if err := t.measure(ctx, p, idle, music); err != nil {
		return err
	}
	stop()
	band.Wait()
	t.judge(music)
	return nil
}

func (t *trial) publish(ctx context.Context) error {
	t.senders = make([]*Sender, t.cell.Talkers)
	return t.everybody(t.cell.Talkers, func(n int) (err error) {
		ctx, cancel := context.WithTimeout(ctx, joinFor)
		defer cancel()
		t.senders[n], err = t.room.Publish(ctx, n+1)
		if err != nil {
			return fmt.Errorf("talker %d: %w", n+1, err)
		}
		t.keep(t.senders[n])
		return nil
	})
}

// listen brings the listeners in and waits until each receives every stream.
func (t *trial) listen(ctx context.Context) error {
	t.ears = make([]*Ear, t.cell.Listeners)
	if err := t.everybody(t.cell.Listeners, func(n int) error {
		ctx, cancel := context.WithTimeout(ctx, joinFor)
		defer cancel()
		t.ears[n] = NewEar(t.cell.Media)
		c, err := t.room.Subscribe(ctx, n+1, t.cell.streams(), t.ears[n])
		if err != nil {
			return fmt.Errorf("listener %d: %w", n+1, err)
		}
		t.keep(c)
		return nil
	}); err != nil {
		return err
	}
	deadline := time.Now().Add(hearFor)
	for {
		missing := 0
		for _, e := range t.ears {
			missing += max(0, t.cell.streams()-e.Streams())
		}
		if missing == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d of %d streams have not begun after %v", missing, t.cell.streams()*t.cell.Listeners, hearFor)
		}
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// everybody calls f for each of n participants, a few at a time.
func (t *trial) everybody(n int, f func(n int) error) error {
	errs := make([]error, n)
	next := make(chan int)
	var work sync.WaitGroup
	for range joinAtOnce {
		work.Go(func() {
			for i := range next {
				errs[i] = f(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	work.Wait()
	return gather(errs)
}

func (t *trial) keep(c io.Closer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clients = append(t.clients, c)
}

func (t *trial) leave() {
	_ = t.everybody(len(t.clients), func(n int) error { return t.clients[n].Close() }) // the server ends next
}

// measure takes the window: what arrives, and what the processes use meanwhile.
func (t *trial) measure(ctx context.Context, p *child.Process, idle usage, music *orchestra) error {
	if err := sleep(ctx, settle); err != nil {
		return err
	}
	// Round drops the monotonic clock: what comes over the wire has none.
	w := Window{From: time.Now().Round(0).Add(100 * time.Millisecond)}
	w.To = w.From.Add(t.bench.cfg.Measure)
	for _, e := range t.ears {
		e.Measure(w)
	}
	music.window.Store(&w)
	if err := sleep(ctx, time.Until(w.From)); err != nil {
		return err
	}
	self, err := usageOf(os.Getpid())
	if err != nil {
		return err
	}
	before, err := usageOf(p.PID())
	if err != nil {
		return err
	}
	begin := time.Now()
	if err := sleep(ctx, time.Until(w.To)); err != nil {
		return err
	}
	after, err := usageOf(p.PID())
	if err != nil {
		return err
	}
	selfAfter, err := usageOf(os.Getpid())
	if err != nil {
		return err
	}
	t.res.Seconds = time.Since(begin).Seconds()
	t.use(idle, before, after, selfAfter.cpu-self.cpu)
	return sleep(ctx, drain)
}

// use writes down what the processes used in the window.
func (t *trial) use(idle, before, after usage, own time.Duration) {
	cpu := (after.cpu - before.cpu).Seconds()
	t.res.Server = &report.Server{
		CPUShare: cpu / t.res.Seconds, CPUSeconds: cpu, RSSBytes: float64(after.rss), Threads: after.threads,
		RSSPerParticipant: float64(after.rss-idle.rss) / float64(t.res.Participants), Source: "proc",
	}
	cores := float64(t.res.Machine.Generator)
	t.res.Generator = report.Generator{
		CPUShare: own.Seconds() / t.res.Seconds / cores, CoresUsed: own.Seconds() / t.res.Seconds,
		CPUPerBotPercent: 100 * own.Seconds() / t.res.Seconds / float64(t.res.Participants),
	}
}

// judge makes the metrics of what arrived.
func (t *trial) judge(music *orchestra) {
	sum := &Counts{}
	for _, e := range t.ears {
		sum.Add(e.Counts())
	}
	res, sent := t.res, music.sent()
	due := float64(sent) * float64(t.cell.Listeners)
	seconds, cpu := res.Seconds, res.Server.CPUSeconds
	res.Server.PacketsOut, res.Server.PacketsIn, res.Server.BytesOut = float64(sum.Arrived), float64(sent), float64(sum.Bytes)
	res.Server.PacketsPerCPUSecond = float64(sum.Arrived) / max(cpu, 0.01)
	res.Generator.SchedP50ms, res.Generator.SchedP99ms = music.late.Quantile(0.5), music.late.Quantile(0.99)
	m, kind := res.Metrics, metricKind(res)
	m["server.cpu_share"] = res.Server.CPUShare
	m["server.packets_per_cpu_second"] = res.Server.PacketsPerCPUSecond
	m["server.packets_out_per_s"] = float64(sum.Arrived) / seconds
	m["server.packets_in_per_s"] = float64(sent) / seconds
	m["server.rss_mb"] = res.Server.RSSBytes / (1 << 20)
	m["server.rss_kb_per_participant"] = res.Server.RSSPerParticipant / 1024
	m["generator.cpu_share"] = res.Generator.CPUShare
	m["generator.sched_ms.p99"] = res.Generator.SchedP99ms
	m["generator.cpu_percent_per_bot"] = res.Generator.CPUPerBotPercent
	if t.cell.Media == Mixed {
		due = seconds * 50 * float64(t.cell.Listeners)
		m[kind+".loss_share"] = float64(sum.Lost) / max(1, float64(sum.Expected))
	} else {
		m[kind+".loss_share"] = max(0, 1-float64(sum.Delivered)/max(1, due))
		d := distribution(&sum.Latency)
		res.Distributions = map[string]report.Distribution{kind + ".latency_ms": d}
		m.AddDistribution(kind+".latency_ms", d)
	}
	if t.cell.Media == Video {
		m["video.kbps"] = float64(sum.Bytes) * 8 / 1000 / seconds / float64(t.cell.Listeners*t.cell.Talkers)
	}
	res.Settings["sent"] = fmt.Sprint(sent)
	res.Settings["delivered"] = fmt.Sprintf("%.0f of %.0f", float64(sum.Delivered), due)
	res.Settings["lost_by_sequence"] = fmt.Sprintf("%d of %d", sum.Lost, sum.Expected)
	t.limit()
}

// limit says whether the generator was in the way.
func (t *trial) limit() {
	g := &t.res.Generator
	switch {
	case g.CPUShare >= busyShare:
		g.Limited, g.Why = true, fmt.Sprintf("it used %.0f %% of its cores", 100*g.CPUShare)
	case g.SchedP99ms >= lateMost:
		g.Limited, g.Why = true, fmt.Sprintf("it sent one frame in a hundred %.0f ms late or more", g.SchedP99ms)
	}
}

// distribution is h in the shape of a report.
func distribution(h *truth.Histogram) report.Distribution {
	d := report.Distribution{Unit: "ms", Count: int64(h.Count())}
	if h.Count() == 0 {
		return d
	}
	d.Min, d.Max, d.Mean = h.Min(), h.Max(), h.Mean()
	for _, q := range []struct {
		to *float64
		at float64
	}{{&d.P05, 0.05}, {&d.P50, 0.5}, {&d.P90, 0.9}, {&d.P95, 0.95}, {&d.P99, 0.99}, {&d.P999, 0.999}} {
		*q.to = h.Quantile(q.at)
	}
	h.Each(func(le float64, n uint64) { d.Buckets = append(d.Buckets, report.Bucket{LE: le, N: int64(n)}) })
	return d
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
