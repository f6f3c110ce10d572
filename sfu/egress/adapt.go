package egress

import (
	"runtime"
	"time"
)

// Adapt sets how long packets are gathered by how busy the process is. It is
// called by one goroutine, ten times a second or more.
func (s *Sender) Adapt(now time.Time, p *Pace) {
	s.SetGather(p.Observe(now, processTime(), s.counters.packets.Load(), runtime.GOMAXPROCS(0)))
}
