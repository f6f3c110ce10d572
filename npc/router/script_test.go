package router

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
)

// script is a router and what runs on it: requests are called as the script
// likes, attempts by their request and backend, such as "q1@a".
type script struct {
	r        *Router
	now      time.Time
	tickets  map[string]Ticket
	names    map[Ticket]string
	attempts map[string]Attempt
	called   map[Attempt]string
}

func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		var s *script
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			if d.Cmd == "router" {
				s = newScript(t, d)
				return ""
			}
			s.now = s.now.Add(duration(t, d, "after"))
			switch d.Cmd {
			case "backend":
				return s.backend(t, d)
			case "known":
				return s.known(t, d)
			case "submit":
				return s.submit(t, d)
			case "next":
				return s.next()
			case "hedge":
				return s.hedge()
			case "first":
				return s.first(t, d)
			case "done":
				return s.done(t, d)
			case "cancel":
				return s.cancel(t, d)
			case "loaded":
				s.r.SetLoaded(BackendID(text(t, d, "on")), "large", true)
				return ""
			case "probe":
				s.r.SetReachable(BackendID(text(t, d, "id")), !d.HasArg("dead"), s.now)
				return ""
			case "view":
				return s.view()
			}
			d.Fatalf(t, "unknown command %q", d.Cmd)
			return ""
		})
	})
}

func newScript(t *testing.T, d *datadriven.TestData) *script {
	cfg := DefaultConfig()
	cfg.Explore = 0
	s := &script{
		r: newRouter(t, cfg), now: epoch, tickets: map[string]Ticket{}, names: map[Ticket]string{},
		attempts: map[string]Attempt{}, called: map[Attempt]string{},
	}
	s.r.hedges.credit = float64(number(t, d, "hedges", 0))
	s.r.retries.credit = float64(number(t, d, "retries", 10))
	return s
}

func (s *script) backend(t *testing.T, d *datadriven.TestData) string {
	b := Backend{ID: BackendID(text(t, d, "id")), Region: text(t, d, "region"), Slots: number(t, d, "slots", 1)}
	if d.HasArg("labels") {
		b.Labels = strings.Fields(strings.ReplaceAll(text(t, d, "labels"), "+", " "))
	}
	for _, name := range strings.Split(text(t, d, "models"), "+") {
		b.Models = append(b.Models, Model{Name: name, Context: 8192, Capabilities: Chat, Loaded: !d.HasArg("cold")})
	}
	if err := s.r.SetBackend(b); err != nil {
		return err.Error() + "\n"
	}
	s.r.SetRTT(b.ID, duration(t, d, "rtt"))
	return ""
}

// known teaches the router a backend's speed.
func (s *script) known(t *testing.T, d *datadriven.TestData) string {
	m := s.r.byID[BackendID(text(t, d, "id"))]
	for _, k := range m.models {
		for range warmSamples {
			k.firstToken(100*duration(t, d, "token").Seconds(), 0, 100, true, s.now)
			k.answer(101, 100*duration(t, d, "out"), 1)
		}
		if load := duration(t, d, "load"); load > 0 {
			k.load, k.loads = load.Seconds(), 1
		}
	}
	return ""
}

func (s *script) submit(t *testing.T, d *datadriven.TestData) string {
	q := Request{World: "w", Models: []string{"large"}, Capability: Chat, PromptTokens: number(t, d, "prompt", 84)}
	if d.HasArg("models") {
		q.Models = strings.Split(text(t, d, "models"), "+")
	}
	if d.HasArg("labels") {
		q.Labels = strings.Split(text(t, d, "labels"), "+")
	}
	if text(t, d, "class") == "moderation" {
		q.Class = Moderation
	}
	q.Region = text(t, d, "region")
	for i := range number(t, d, "blocks", 0) {
		q.Prefix = append(q.Prefix, mix(hashName(text(t, d, "talk"))+uint64(i)))
	}
	if within := duration(t, d, "within"); within > 0 {
		q.Deadline = s.now.Add(within)
	}
	ticket, err := s.r.Submit(q, s.now)
	if err != nil {
		return refused(err)
	}
	s.tickets[text(t, d, "id")], s.names[ticket] = ticket, text(t, d, "id")
	return s.next()
}

func refused(err error) string {
	var r *Refusal
	if !errors.As(err, &r) {
		return err.Error() + "\n"
	}
	return fmt.Sprintf("%s: by %v, %v\n", r.Degraded(), r.Filter, r.Err.Code)
}

func (s *script) next() (out string) {
	for a, ok := s.r.Next(s.now); ok; a, ok = s.r.Next(s.now) {
		out += s.sent(a)
	}
	return out
}

func (s *script) hedge() (out string) {
	for a, ok := s.r.Hedge(s.now); ok; a, ok = s.r.Hedge(s.now) {
		out += s.sent(a)
	}
	return out
}

func (s *script) sent(a Assignment) string {
	if a.Err != nil {
		return s.names[a.Ticket] + ": " + refused(a.Err)
	}
	name := s.names[a.Ticket] + "@" + string(a.Backend)
	s.attempts[name], s.called[a.Attempt] = a.Attempt, name
	out := fmt.Sprintf("%s: %s", name, a.Model)
	if a.TTFT > 0 {
		out += fmt.Sprintf(", first token in %v", a.TTFT.Round(time.Millisecond))
	}
	if a.Cached > 0 {
		out += fmt.Sprintf(", %d tokens cached", a.Cached)
	}
	if a.Degraded != NotDegraded {
		out += ", degraded: " + a.Degraded.String()
	}
	if a.Hedge {
		out += ", hedge"
	}
	if a.Probe {
		out += ", probe"
	}
	return out + "\n"
}

func (s *script) first(t *testing.T, d *datadriven.TestData) string {
	loser, won := s.r.FirstToken(s.attempts[text(t, d, "of")], s.now)
	out := map[bool]string{true: "won", false: "lost"}[won]
	if loser != 0 {
		out += ", close " + s.called[loser]
	}
	return out + "\n" + s.next()
}

func (s *script) done(t *testing.T, d *datadriven.TestData) string {
	result := map[string]Result{"": Finished, "failed": Failed, "late": Late, "busy": Busy, "unreachable": Unreachable, "cancelled": Cancelled}[text(t, d, "as")]
	after := s.r.Done(s.attempts[text(t, d, "of")], Outcome{Result: result, OutTokens: 101}, s.now)
	return [...]string{"ended", "queued", "running"}[after] + "\n" + s.next()
}

func (s *script) cancel(t *testing.T, d *datadriven.TestData) string {
	out := "close"
	for _, a := range s.r.Cancel(s.tickets[text(t, d, "id")], s.now) {
		if a != 0 {
			out += " " + s.called[a]
		}
	}
	return out + "\n"
}

func (s *script) view() (out string) {
	for _, e := range s.r.Estimates(nil, s.now) {
		out += fmt.Sprintf("%s %s: %v, %d of %d in flight, %d held, first token in %v\n",
			e.Backend, e.Model, e.State, e.InFlight, e.Concurrency, e.Held, e.TTFT.Round(time.Millisecond))
	}
	return out
}

func text(t *testing.T, d *datadriven.TestData, key string) (s string) {
	if d.HasArg(key) {
		d.ScanArgs(t, key, &s)
	}
	return s
}

func number(t *testing.T, d *datadriven.TestData, key string, otherwise int) int {
	if d.HasArg(key) {
		d.ScanArgs(t, key, &otherwise)
	}
	return otherwise
}

func duration(t *testing.T, d *datadriven.TestData, key string) time.Duration {
	if !d.HasArg(key) {
		return 0
	}
	v, err := time.ParseDuration(text(t, d, key))
	if err != nil {
		d.Fatalf(t, "%s: %v", key, err)
	}
	return v
}
