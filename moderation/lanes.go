package moderation

import (
	"context"
	"sync"

	"earshot"
)

// subject is a person in a world: records are kept per world.
type subject struct {
	world string
	who   earshot.ParticipantID
}

// job is work about one person.
type job func(ctx context.Context)

// lanes run jobs: those about one person one after the other, in the order
// they came, those about different people beside each other. A lane has a
// goroutine only while it has jobs, so goroutines are as bounded as jobs.
type lanes struct {
	most, mostEach int

	mu      sync.Mutex
	ctx     context.Context // nil until run
	jobs    map[subject][]job
	waiting int
	closed  bool
	work    sync.WaitGroup
}

func newLanes(most, mostEach int) *lanes {
	return &lanes{most: most, mostEach: mostEach, jobs: map[subject][]job{}}
}

// start lets jobs run; those that wait already, too.
func (l *lanes) start(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ctx = ctx
	for s := range l.jobs {
		l.work.Go(func() { l.drive(s) })
	}
}

// add puts a job at the end of its lane. It reports false where there is no
// room, or after close.
func (l *lanes) add(s subject, j job) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	queue, running := l.jobs[s]
	if l.closed || l.waiting >= l.most || len(queue) >= l.mostEach {
		return false
	}
	l.waiting++
	l.jobs[s] = append(queue, j)
	if l.ctx != nil && !running {
		l.work.Go(func() { l.drive(s) })
	}
	return true
}

// room reports whether add would take a job.
func (l *lanes) room(s subject) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.closed && l.waiting < l.most && len(l.jobs[s]) < l.mostEach
}

// pending is how many jobs about a person are waiting or under way.
func (l *lanes) pending(s subject) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.jobs[s])
}

func (l *lanes) depth() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waiting
}

// drive runs the jobs of a lane until there are none.
func (l *lanes) drive(s subject) {
	for {
		l.mu.Lock()
		j, ctx := l.jobs[s][0], l.ctx
		l.mu.Unlock()
		j(ctx)
		l.mu.Lock()
		l.waiting--
		rest := l.jobs[s][1:]
		if len(rest) == 0 {
			delete(l.jobs, s)
			l.mu.Unlock()
			return
		}
		l.jobs[s] = rest
		l.mu.Unlock()
	}
}

// close takes no more jobs and waits for those that it has.
func (l *lanes) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.work.Wait()
}
