package gateway

import (
	"runtime"
	"time"

	"earshot/presence/cluster"
)

const (
	// loadLimit is the share of the cores up to which a node takes people on.
	loadLimit = 0.7
	// idleHeadroom is how many a node counts on that has not enough people to
	// say what one costs.
	idleHeadroom = 200
	fewPeople    = 10
)

// loadMeter measures what the node does, for those who decide where people go.
// It is asked once a second, by one goroutine.
type loadMeter struct {
	g    *Gateway
	at   time.Time
	cpu  time.Duration
	last cluster.Load
}

func newLoadMeter(g *Gateway) *loadMeter {
	return &loadMeter{g: g, at: time.Now(), cpu: cpuTime()}
}

func (l *loadMeter) measure() cluster.Load {
	now, cpu := time.Now(), cpuTime()
	if passed := now.Sub(l.at); passed >= 500*time.Millisecond {
		share := float64(cpu-l.cpu) / float64(passed) / float64(min(runtime.NumCPU(), runtime.GOMAXPROCS(0)))
		l.last.CPU = min(max(0.7*l.last.CPU+0.3*share, 0), 1) // over some seconds
		l.at, l.cpu = now, cpu
	}
	l.last.People = 0
	for _, in := range l.g.running() {
		l.last.People += in.live.Load().clients
	}
	l.last.Headroom = headroom(l.last.CPU, l.last.People)
	l.last.Queued = l.g.queues.names()
	return l.last
}

// headroom is how many more people fit, by what those who are here cost.
func headroom(cpu float64, people int) int {
	switch {
	case cpu >= loadLimit:
		return 0
	case people < fewPeople:
		return int(idleHeadroom * (1 - cpu/loadLimit))
	}
	each := max(cpu/float64(people), 1e-4)
	return int((loadLimit - cpu) / each)
}
