package run

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"earshot"
	"earshot/loadtest"
	"earshot/loadtest/report"
	"earshot/spatialaudio/loudness"
)

// The phases of a run, as the live view names them.
const (
	phaseJoining   = "joining"
	phaseWarming   = "warming up"
	phaseMeasuring = "measuring"
	phaseCooling   = "cooling"
	phaseLeaving   = "leaving"
)

// maxErrors bounds what a report says of things that went wrong.
const maxErrors = 50

// Runner is one run.
type Runner struct {
	cfg    Config
	own    report.SLO     // the scenario's
	start  time.Time      // of all movements and talks
	gate   chan struct{}  // joins under way
	host   *loadtest.Host // what the bots share
	sounds sounds
	health *health
	server *watch
	idle   reading // of the server before anybody came
	rest   uint64  // bytes of heap before anybody came
	lines  *lines
	judge  *judge

	joins                    joined
	reconnects, chats, words samples
	failed, droppedOut       atomic.Int64
	joinedNow                atomic.Int64
	ahead                    atomic.Int64   // people who should be in
	life                     sync.WaitGroup // what people do while they are in
	closing                  sync.WaitGroup // of bots that were lost

	// mu guards what follows.
	mu     sync.Mutex
	people []*person
	phase  string
	until  time.Time // end of the phases, as planned
	errors []string
	more   int // errors that are not in errors
	notes  []string
	series *series
}

// Run runs the scenario of cfg and returns what was measured, with the files in
// cfg.Out written. When ctx ends early the run is cut short and reported as
// far as it came. An error is that of a run that could not begin.
func Run(ctx context.Context, cfg Config) (*report.Result, error) {
	r, err := newRunner(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer r.host.Close()
	res := r.run(ctx)
	return res, r.write(res)
}

// newRunner checks the server and the way to tokens, and casts the people. The
// caller closes Runner.host in the end.
func newRunner(ctx context.Context, cfg Config) (*Runner, error) {
	if err := cfg.fill(); err != nil {
		return nil, err
	}
	r := &Runner{
		cfg: cfg, gate: make(chan struct{}, joinsAtOnce), health: newHealth(), lines: newLines(),
		judge: newJudge(), sounds: newSounds(), series: newSeries(time.Now()),
	}
	own, err := report.ParseRules("slo of "+cfg.Scenario.Name, cfg.Scenario.SLO)
	if err != nil {
		return nil, err
	}
	r.own = own
	if err := checkServer(ctx, &r.cfg, cfg.Scenario.People()); err != nil {
		return nil, err
	}
	r.server = newWatch(ctx, r.cfg.URL, r.cfg.Admin, r.cfg.ServerPID, &http.Client{})
	r.idle, r.rest = r.server.read(ctx), heapInUse()
	r.cast(fmt.Sprintf("loadtest-%x", time.Now().UnixNano()))
	if err := r.introduce(ctx); err != nil {
		return nil, err
	}
	r.host, err = loadtest.NewHost(0)
	return r, err
}

// cast makes the people of the scenario. run tells this run's apart from
// those of others on the same server.
func (r *Runner) cast(run string) {
	s := r.cfg.Scenario
	r.start = time.Now()
	r.judge.servers = uint32(1 + len(r.cfg.Also))
	every := max(1, s.People()/viewers)
	for g := range s.Groups {
		for i := range s.Groups[g].Count {
			p := r.add(run, g, i)
			if p.number%uint32(every) == 0 && len(r.cfg.Also) == 0 { // each server has its own indices and clock
				p.ear.eye.open()
			}
		}
	}
}

// add makes member i of group g.
func (r *Runner) add(run string, g, i int) *person {
	s := r.cfg.Scenario
	group := &s.Groups[g]
	p := &person{
		number: uint32(len(r.people) + 1), group: group, seed: s.SeedOf(g, i),
		name: fmt.Sprintf("%s %d", group.Name, i+1), after: s.JoinAfter(g, i),
		body: &body{mover: s.Mover(g, i, r.start)},
	}
	if len(p.name) > maxName {
		p.name = p.name[len(p.name)-maxName:]
	}
	p.subject = run + ":" + p.name
	if talk := s.Talking(g, i); talk != nil {
		p.mouth = &mouth{talk: talk, start: r.start, estimate: loudness.NewEstimate(loudness.DefaultConfig())}
	}
	path := group.Network.Resolve()
	p.lag = max(path.Up.Delay+2*path.Up.Jitter, path.Down.Delay+2*path.Down.Jitter)
	p.ear = newEar(r.judge, p, r.server.admin != "" && len(r.cfg.Also) == 0)
	r.judge.watch(p.ear)
	r.people = append(r.people, p)
	return p
}

// maxName is how long a display name may be.
const maxName = 32

// introduce gets the first token, which shows that there is a way to tokens
// and whom they will name.
func (r *Runner) introduce(ctx context.Context) error {
	first := r.people[0]
	token, err := first.pass(ctx, r.cfg.Tokens, r.cfg.Scenario.World, time.Now())
	if err != nil {
		return err
	}
	issuer := issuerOf(token)
	for _, p := range r.people {
		p.id = earshot.ParticipantFor(issuer, p.subject)
	}
	r.ban()
	return nil
}

// run is the whole course of a scenario.
func (r *Runner) run(ctx context.Context) *report.Result {
	s := r.cfg.Scenario
	background, stop := r.background(ctx)
	defer stop()
	r.enter(phaseJoining, s.JoinedAfter()+s.Warmup+s.Duration+s.Cooldown)
	r.bring(ctx, background, r.people)
	r.enter(phaseWarming, s.Warmup+s.Duration+s.Cooldown)
	pause(ctx, s.Warmup)
	r.enter(phaseMeasuring, s.Duration+s.Cooldown)
	w := r.open(ctx, s.Duration)
	pause(ctx, s.Duration)
	m := r.close(w)
	if ctx.Err() != nil {
		r.note("cut short: stopped after %.0f s of %v", m.seconds, s.Duration)
	}
	r.enter(phaseCooling, s.Cooldown)
	pause(ctx, s.Cooldown)
	r.enter(phaseLeaving, 0)
	stop()
	r.leave()
	return r.result(m)
}

// background starts what goes on during a whole run. stop ends it, and the
// lives of people, and returns when it has ended.
func (r *Runner) background(ctx context.Context) (context.Context, func()) {
	inner, cancel := context.WithCancel(ctx)
	// Sampling and drawing go on while people leave after a Ctrl-C; they are
	// few and end with stop.
	outer, end := context.WithCancel(context.WithoutCancel(ctx))
	var work sync.WaitGroup
	work.Go(func() { r.health.run(outer) })
	work.Go(func() { r.compare(outer) })
	work.Go(func() { r.sample(outer) })
	work.Go(func() { r.askMixed(outer) })
	var once sync.Once
	return inner, func() {
		once.Do(func() {
			cancel()
			r.life.Wait()
			end()
			work.Wait()
			r.closing.Wait()
		})
	}
}

// bring has people come as their groups do, and returns when all are in or
// have failed, or ctx ended. Their lives go on until lives ends.
func (r *Runner) bring(ctx, lives context.Context, people []*person) {
	r.ahead.Add(int64(len(people)))
	begin := time.Now()
	var arriving sync.WaitGroup
	for _, p := range people {
		arriving.Go(func() {
			if !pause(ctx, time.Until(begin.Add(p.after))) {
				return
			}
			if err := r.arrive(ctx, p); err != nil {
				if ctx.Err() == nil {
					r.failed.Add(1)
					r.fail("%v", err)
				}
				return
			}
			r.life.Go(func() { r.live(lives, p) })
		})
	}
	arriving.Wait()
}

// leave takes everybody out, a few at once.
func (r *Runner) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	gate := make(chan struct{}, 32)
	var leaving sync.WaitGroup
	for _, p := range r.people {
		bot := r.release(p)
		if bot == nil {
			continue
		}
		gate <- struct{}{}
		leaving.Go(func() {
			defer func() { <-gate }()
			_ = bot.Leave(ctx) // the server may be gone, which the report says anyway
		})
	}
	leaving.Wait()
}

// enter begins a phase; left is how long the rest is planned to take.
func (r *Runner) enter(phase string, left time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.phase, r.until = phase, time.Now().Add(left)
}

// fail notes what went wrong for the report.
func (r *Runner) fail(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.errors) < maxErrors {
		r.errors = append(r.errors, fmt.Sprintf(format, args...))
	} else {
		r.more++
	}
}

func (r *Runner) note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

// pause waits for d and reports whether ctx lasted as long.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
