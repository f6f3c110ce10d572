package run

import (
	"sync"
	"sync/atomic"
	"time"

	"earshot/gateway/protocol"
	"earshot/loadtest"
)

// ear is what a person hears and sees.
type ear struct {
	r *Runner
	p *person

	ponged, asked, questions atomic.Int64

	mu sync.Mutex
}

func newEar(r *Runner, p *person) *ear { return &ear{r: r, p: p} }

func (e *ear) hear(slot int, at time.Time, rec *loadtest.Received) {
	if rec.Voiced {
		e.r.judge.latency.addDuration(at.Sub(rec.Frame.At))
	}
}
func (e *ear) pose(a loadtest.PoseArrival)                         {}
func (e *ear) see(slot int, at time.Time, v *loadtest.VideoPacket) {}
func (e *ear) slots(at time.Time, m *protocol.Slots)               {}
