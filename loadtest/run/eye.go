package run

import (
	"time"

	"earshot/loadtest"
	"earshot/loadtest/report"
)

// eye is how a person sees others move. Its ear's mutex guards it.
type eye struct{}

func (e *eye) rejoin()                                 {}
func (e *eye) reset()                                  {}
func (e *eye) look(now time.Time, p *person, j *judge) {}
func (e *eye) account(all *sight, m report.Metrics)    {}
func (e *ear) pose(a loadtest.PoseArrival)             {}

type sight struct{}

func (s *sight) report(m *measured) {}
