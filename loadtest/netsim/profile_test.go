package netsim

import (
	"math"
	"strings"
	"testing"
	"time"

	"earshot"
)

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		path   Path
		member string // the message begins with it; "" is valid
	}{
		{Path{}, ""},
		{Path{Up: Profile{Delay: MaxDelay, Jitter: MaxDelay / 2}}, ""},
		{Path{Up: Profile{Delay: -1}}, "up.delay is"},
		{Path{Down: Profile{Delay: MaxDelay + 1}}, "down.delay is"},
		{Path{Down: Profile{Delay: 10 * ms, Jitter: 6 * ms}}, "down.jitter is 6ms: use 0s to half of delay, 5ms"},
		{Path{Down: Profile{Jitter: 6 * ms}}, "down.jitter is"},
		{Path{Up: Profile{Loss: Loss{Rate: 1.1}}}, "up.loss.rate is"},
		{Path{Up: Profile{Loss: Loss{Rate: math.NaN()}}}, "up.loss.rate is"},
		{Path{Up: Profile{Loss: Loss{Rate: 0.1, Burst: math.NaN()}}}, "up.loss.burst is"},
		{Path{Up: Profile{Loss: Loss{Rate: 0.1, Burst: -1}}}, "up.loss.burst is"},
		{Path{Up: Profile{Loss: Loss{Rate: 0.9, Burst: 3}}}, "up.loss.burst is 3: with a rate of 0.9 losses come in longer runs, use at least 9"},
		{Path{Up: Profile{Loss: Loss{Rate: 0.9}}}, ""},
		{Path{Up: Profile{Reorder: 0.1}}, "up.reorder is"},
		{Path{Up: Profile{Delay: ms, Reorder: 2}}, "up.reorder is"},
		{Path{Up: Profile{Duplicate: -1}}, "up.duplicate is"},
		{Path{Up: Profile{Rate: 100}}, "up.rate is"},
		{Path{Up: Profile{Rate: -1}}, "up.rate is"},
		{Path{Up: Profile{Queue: ms}}, "up.queue is"},
		{Path{Up: Profile{Rate: mbit, Queue: MaxQueue + 1}}, "up.queue is"},
		{Path{Up: Profile{Blackouts: []Span{{0, ms}, {ms, ms}}}}, ""},
		{Path{Up: Profile{Blackouts: []Span{{0, 2 * ms}, {ms, ms}}}}, "up.blackouts[1].from is"},
		{Path{Up: Profile{Blackouts: []Span{{-1, 2 * ms}}}}, "up.blackouts[0].from is"},
		{Path{Up: Profile{Blackouts: []Span{{0, 0}}}}, "up.blackouts[0].for is"},
		{Path{Up: Profile{Blackouts: []Span{{math.MaxInt64, math.MaxInt64}}}}, "up.blackouts[0].for is"},
		{Path{Up: Profile{Blackouts: make([]Span, MaxBlackouts+1)}}, "up.blackouts are"},
	} {
		err := c.path.Validate()
		switch {
		case c.member == "" && err != nil:
			t.Errorf("Validate(%+v) = %v, want nil", c.path, err)
		case c.member == "":
		case earshot.CodeOf(err) != earshot.CodeInvalidArgument || !strings.HasPrefix(err.(*earshot.Error).Message, c.member):
			t.Errorf("Validate(%+v) = %v, want invalid_argument: %s…", c.path, err, c.member)
		}
	}
}

func TestPresets(t *testing.T) {
	names := Names()
	if want := "clean wifi 4g 3g satellite bad"; strings.Join(names, " ") != want {
		t.Errorf("Names() = %v, want %s", names, want)
	}
	for _, name := range names {
		p, ok := Named(name)
		if !ok || p.Validate() != nil || About(name) == "" || p.Zero() != (name == "clean") {
			t.Errorf("Named(%q) = %+v, %v; Validate = %v, About %q", name, p, ok, p.Validate(), About(name))
		}
	}
	if _, ok := Named("5g"); ok || About("5g") != "" {
		t.Error("there is a preset 5g")
	}
}

// Whatever Validate accepts, a link deals with: it never takes a packet to the
// past, keeps order but for reordered ones, and counts every packet once.
func FuzzPath(f *testing.F) {
	f.Add(int64(40*ms), int64(20*ms), 0.1, 3.0, 0.1, 0.1, int64(mbit), int64(100*ms), int64(ms), int64(ms), uint64(1))
	f.Add(int64(0), int64(0), 0.0, 0.0, 0.0, 0.0, int64(0), int64(0), int64(0), int64(1), uint64(2))
	f.Add(int64(MaxDelay), int64(MaxDelay/2), 1.0, 1e4, 1.0, 1.0, int64(MinRate), int64(MaxQueue), int64(time.Hour), int64(time.Hour), uint64(3))
	f.Fuzz(func(t *testing.T, delay, jitter int64, rate, burst, reorder, duplicate float64, bits, queue, from, length int64, seed uint64) {
		p := Path{Down: Profile{
			Delay: time.Duration(delay), Jitter: time.Duration(jitter), Loss: Loss{rate, burst}, Reorder: reorder, Duplicate: duplicate,
			Rate: bits, Queue: time.Duration(queue), Blackouts: []Span{{time.Duration(from), time.Duration(length)}},
		}}
		if p.Validate() != nil {
			return
		}
		l := NewLink(p.Down, seed)
		var buf []time.Duration
		var last time.Duration
		for i := range 300 {
			now := time.Duration(i*i) * 100 * time.Microsecond
			buf = l.Send(now, i*7%1500, buf[:0])
			for _, at := range buf {
				if at < now || at > now+MaxQueue+20*MaxDelay+2*time.Second || reorder == 0 && at < last {
					t.Fatalf("%+v: a packet of %v arrives at %v, one before at %v", p.Down, now, at, last)
				}
				last = max(last, at)
			}
		}
		if s := l.Stats(); s.Packets != 300 || s.Arrived+s.Lost+s.Dropped+s.Dark != 300 {
			t.Fatalf("%+v: %+v do not add up", p.Down, s)
		}
	})
}
