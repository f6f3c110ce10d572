package netsim

import (
	"time"

	"earshot"
)

// Limits of a Profile.
const (
	MaxDelay     = 10 * time.Second
	MaxQueue     = 10 * time.Second
	MinRate      = 8_000          // bit/s
	MaxRate      = 10_000_000_000 // bit/s
	MaxBurst     = 10_000         // packets
	MaxBlackouts = 1000
	MaxSteps     = 1000
)

// DefaultQueue is how much the bottleneck queues where a profile has a Rate
// and no Queue.
const DefaultQueue = 200 * time.Millisecond

// Path is a network as one client sees it. The zero Path is no network at all.
type Path struct {
	Up   Profile `yaml:"up"`   // from the client
	Down Profile `yaml:"down"` // to it
}

// Profile is one direction of a path. A packet meets, in this order, the
// blackouts, the queue of the bottleneck, loss, and the delay.
type Profile struct {
	// Delay is the mean time on the way, Jitter its standard deviation, at most
	// half of Delay. The delay is log-normal: never negative, with a tail
	// towards late, as queues in other people's networks make it. It changes
	// smoothly, over some four times Jitter, so that packets keep their order
	// without being held for it, and so that Jitter is what one gets at any
	// packet rate; packets that follow each other closely differ less.
	Delay  time.Duration `yaml:"delay,omitempty"`
	Jitter time.Duration `yaml:"jitter,omitempty"`

	Loss Loss `yaml:"loss,omitempty"`

	// Reorder is the share of packets, 0 to 1, that skip Delay and Jitter and
	// so overtake those that do not. Duplicate is the share that comes twice.
	Reorder   float64 `yaml:"reorder,omitempty"`
	Duplicate float64 `yaml:"duplicate,omitempty"`

	// Rate is that of the bottleneck in bit/s, headers of IP and UDP included;
	// 0 is none. Queue is how long a packet may wait there; one that would
	// wait longer is dropped. 0 is DefaultQueue.
	Rate  int64         `yaml:"rate,omitempty"`
	Queue time.Duration `yaml:"queue,omitempty"`

	// Steps are moments from which on the bottleneck has another rate, in order.
	Steps []Step `yaml:"steps,omitempty"`

	// Blackouts are times in which nothing passes, in order, not overlapping.
	Blackouts []Span `yaml:"blackouts,omitempty"`
}

// Loss is Gilbert's model (E. N. Gilbert, "Capacity of a burst-noise channel",
// 1960; that of Elliott with nothing lost in the good state and everything in
// the bad): runs of losses between runs of none, both geometric.
type Loss struct {
	Rate  float64 `yaml:"rate"`            // share of packets lost, 0 to 1
	Burst float64 `yaml:"burst,omitempty"` // mean losses in a row; up to 1 each packet is lost on its own
}

// Step is a change of a Profile's Rate.
type Step struct {
	At   time.Duration `yaml:"at"`   // since the network began
	Rate int64         `yaml:"rate"` // bit/s from then on
}

// Span is a time since the network began.
type Span struct {
	From time.Duration `yaml:"from"`
	For  time.Duration `yaml:"for"`
}

// Zero reports whether packets pass as if p were not there.
func (p *Profile) Zero() bool {
	return p.Delay == 0 && p.Loss.Rate == 0 && p.Duplicate == 0 && p.Rate == 0 && len(p.Blackouts) == 0
}

// instant reports whether packets that p lets through do so at once and once.
func (p *Profile) instant() bool { return p.Delay == 0 && p.Duplicate == 0 && p.Rate == 0 }

// Zero reports whether packets pass both ways as if p were not there.
func (p *Path) Zero() bool { return p.Up.Zero() && p.Down.Zero() }

// Validate returns an *earshot.Error with code invalid_argument that names the
// first member out of range and says what to write, or nil.
func (p *Path) Validate() error {
	if err := p.Up.check(); err != nil {
		return in("up", err)
	}
	if err := p.Down.check(); err != nil {
		return in("down", err)
	}
	return nil
}

func in(direction string, err *earshot.Error) error {
	return earshot.Errorf(err.Code, "%s.%s", direction, err.Message)
}

// Validate is Path.Validate of one direction.
func (p *Profile) Validate() error {
	if err := p.check(); err != nil {
		return err
	}
	return nil
}

func (p *Profile) check() *earshot.Error {
	switch {
	case p.Delay < 0 || p.Delay > MaxDelay:
		return invalid("delay is %v: use 0s to %v", p.Delay, MaxDelay)
	case p.Jitter < 0 || p.Jitter > p.Delay/2:
		return invalid("jitter is %v: use 0s to half of delay, %v here", p.Jitter, p.Delay/2)
	case !share(p.Reorder):
		return invalid("reorder is %v: it is a share of the packets, use 0 to 1", p.Reorder)
	case p.Reorder > 0 && p.Delay == 0:
		return invalid("reorder is %v without a delay: those let past others need somebody who waits, set delay", p.Reorder)
	case !share(p.Duplicate):
		return invalid("duplicate is %v: it is a share of the packets, use 0 to 1", p.Duplicate)
	case p.Rate != 0 && (p.Rate < MinRate || p.Rate > MaxRate):
		return invalid("rate is %d bit/s: use %d to %d, or leave it out for no limit", p.Rate, MinRate, int64(MaxRate))
	case p.Queue < 0 || p.Queue > MaxQueue:
		return invalid("queue is %v: use 0s to %v", p.Queue, MaxQueue)
	case p.Queue > 0 && p.Rate == 0:
		return invalid("queue is %v without a rate: nothing waits where there is no bottleneck, set rate", p.Queue)
	}
	if err := p.Loss.check(); err != nil {
		return err
	}
	if err := p.checkSteps(); err != nil {
		return err
	}
	return checkBlackouts(p.Blackouts)
}

func (p *Profile) checkSteps() *earshot.Error {
	if len(p.Steps) > MaxSteps {
		return invalid("steps are %d: use at most %d", len(p.Steps), MaxSteps)
	}
	var last time.Duration
	for i, s := range p.Steps {
		switch {
		case p.Rate == 0:
			return invalid("steps change a rate that there is none of: set rate")
		case s.At < last:
			return invalid("steps[%d].at is %v: that is before the one before (%v), list them in order", i, s.At, last)
		case s.Rate < MinRate || s.Rate > MaxRate:
			return invalid("steps[%d].rate is %d bit/s: use %d to %d", i, s.Rate, MinRate, int64(MaxRate))
		}
		last = s.At
	}
	return nil
}

func (l *Loss) check() *earshot.Error {
	switch {
	case !share(l.Rate):
		return invalid("loss.rate is %v: it is a share of the packets, use 0 to 1", l.Rate)
	case !(l.Burst >= 0 && l.Burst <= MaxBurst):
		return invalid("loss.burst is %v: it counts losses in a row, use 1 to %d", l.Burst, MaxBurst)
	case l.Burst > 1 && l.Rate < 1 && l.Rate/(1-l.Rate) > l.Burst:
		return invalid("loss.burst is %v: with a rate of %v losses come in longer runs, use at least %.3g", l.Burst, l.Rate, l.Rate/(1-l.Rate))
	}
	return nil
}

func checkBlackouts(list []Span) *earshot.Error {
	if len(list) > MaxBlackouts {
		return invalid("blackouts are %d: use at most %d", len(list), MaxBlackouts)
	}
	var end time.Duration
	for i, s := range list {
		switch {
		case s.From < end:
			return invalid("blackouts[%d].from is %v: that is before the one before has ended (%v), list them in order", i, s.From, end)
		case s.For <= 0 || s.For > 24*time.Hour:
			return invalid("blackouts[%d].for is %v: use more than 0s and at most 24h", i, s.For)
		case s.From > 365*24*time.Hour:
			return invalid("blackouts[%d].from is %v: use at most a year", i, s.From)
		}
		end = s.From + s.For
	}
	return nil
}

// share is written so that NaN is none.
func share(v float64) bool { return v >= 0 && v <= 1 }

func invalid(format string, args ...any) *earshot.Error {
	return earshot.Errorf(earshot.CodeInvalidArgument, format, args...)
}
