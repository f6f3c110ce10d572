package loadtest

import (
	"slices"
	"sync"
	"testing"
	"time"
)

// inFlight is how long a packet that the node has sent may still be on its way in
// the simulated network: 5 ms, and what the router's clock rounds.
const inFlight = 6 * time.Millisecond

// ban is what forbids packets of talker to listener for a time: from when it
// was acknowledged until somebody asked to lift it, or it ended by itself.
type ban struct {
	kind     string // mute, isolate, block or kick
	who      uint32 // who is muted, isolated or kicked; of a block one of the two
	other    uint32 // of a block
	order    string // of a moderator
	from, to time.Time
	lifted   bool // on request
	planted  bool // the server does not know of it: see TestAuditCatchesAServerThatForgets
}

// forbids reports whether b is about packets of talker to listener.
func (b *ban) forbids(talker, listener uint32) bool {
	switch b.kind {
	case "mute", "kick":
		return talker == b.who
	case "isolate":
		return talker == b.who || listener == b.who
	}
	return talker == b.who && listener == b.other || talker == b.other && listener == b.who
}

// holds reports whether b was in force at a time, with allowance for what was
// on its way.
func (b *ban) holds(at time.Time, allowance time.Duration) bool {
	return at.After(b.from.Add(allowance)) && (b.to.IsZero() || at.Before(b.to))
}

// ledger is all that was forbidden in a simulation.
type ledger struct {
	mu   sync.Mutex
	bans []*ban
}

func (l *ledger) add(b *ban) *ban {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bans = append(l.bans, b)
	return b
}

// end notes that b is about to be lifted.
func (l *ledger) end(b *ban, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b.to.IsZero() || at.Before(b.to) {
		b.to, b.lifted = at, true
	}
}

// ears of one session, as the audit takes them.
type testimony struct {
	listener uint32
	log      []Received
}

// verdict is what the audit of all packets says.
type verdict struct {
	packets, silence, orders, effective int
	leaks                               map[string][]leak // by kind of ban
	last                                time.Duration     // the latest packet after the acknowledgment, allowed as on its way
}

// leak is a packet that should not have arrived.
type leak struct {
	listener, talker uint32
	after            time.Duration // the acknowledgment
	sent             time.Duration // after it, by the talker; negative: before
	ban              *ban
}

// judgeBans looks at every packet that anybody received.
func judgeBans(heard []testimony, bans []*ban) verdict {
	v := verdict{leaks: map[string][]leak{}, orders: len(bans)}
	about := map[uint32][]*ban{} // by person
	for _, b := range bans {
		about[b.who] = append(about[b.who], b)
		if b.kind == "block" {
			about[b.other] = append(about[b.other], b)
		}
	}
	stopped := map[*ban]bool{} // bans that stopped what was heard
	for _, e := range heard {
		for i := range e.log {
			v.packet(&e.log[i], e.listener, about, stopped)
		}
	}
	v.effective = len(stopped)
	return v
}

func (v *verdict) packet(r *Received, listener uint32, about map[uint32][]*ban, stopped map[*ban]bool) {
	if !r.Voiced {
		v.silence++ // the server's own: bots of an audit send no comfort noise
		return
	}
	v.packets++
	talker := r.Frame.Bot
	check := func(b *ban) {
		if !b.forbids(talker, listener) {
			return
		}
		after := r.At.Sub(b.from)
		switch {
		case b.holds(r.At, inFlight):
			v.leaks[b.kind] = append(v.leaks[b.kind], leak{listener, talker, after, r.Frame.At.Sub(b.from), b})
		case after > 0 && after <= inFlight:
			v.last = max(v.last, after)
		}
		if after <= inFlight && after > -time.Second {
			stopped[b] = true
		}
	}
	for _, b := range about[talker] {
		check(b)
	}
	for _, b := range about[listener] {
		if b.kind == "isolate" && b.who != talker { // a block is in the other list as well
			check(b)
		}
	}
}

// resumed counts the lifted mutes, isolations and blocks after which there was
// nothing else in the way for a while, and those of them after which a packet
// arrived that they had forbidden.
func resumed(heard []testimony, bans []*ban, undisturbed func(who uint32, from, to time.Time) bool, within time.Duration) (lifted, again map[string]int) {
	lifted, again = map[string]int{}, map[string]int{}
	for _, b := range bans {
		if !b.lifted || b.kind == "kick" || !undisturbed(b.who, b.from, b.to.Add(within)) ||
			b.kind == "block" && !undisturbed(b.other, b.from, b.to.Add(within)) {
			continue
		}
		if slices.ContainsFunc(bans, func(o *ban) bool { return o != b && o.hinders(b, b.to, b.to.Add(within)) }) {
			continue
		}
		lifted[b.kind]++
		if slices.ContainsFunc(heard, func(e testimony) bool {
			i, _ := slices.BinarySearchFunc(e.log, b.to, func(r Received, at time.Time) int { return r.At.Compare(at) })
			for ; i < len(e.log) && e.log[i].At.Before(b.to.Add(within)); i++ {
				if e.log[i].Voiced && b.forbids(e.log[i].Frame.Bot, e.listener) {
					return true
				}
			}
			return false
		}) {
			again[b.kind]++
		}
	}
	return lifted, again
}

// hinders reports whether o is in the way of what b forbade, some time between
// from and to.
func (o *ban) hinders(b *ban, from, to time.Time) bool {
	if !o.from.Before(to) || !o.to.IsZero() && !o.to.After(from) {
		return false
	}
	if o.kind == "block" { // of the same two
		return b.kind == "block" && (o.who == b.who && o.other == b.other || o.who == b.other && o.other == b.who)
	}
	return o.who == b.who || b.kind == "block" && o.who == b.other
}

// The judge of the audit finds what it is for.
func TestAuditJudges(t *testing.T) {
	start := time.Unix(1000, 0)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	packet := func(talker uint32, ms int) Received {
		return Received{At: at(ms), Voiced: true, Frame: Frame{Bot: talker, At: at(ms - 10)}}
	}
	bans := []*ban{
		{kind: "mute", who: 1, from: at(100), to: at(200), lifted: true},
		{kind: "isolate", who: 2, from: at(100), to: at(200), lifted: true},
		{kind: "block", who: 3, other: 4, from: at(100), to: at(200), lifted: true},
		{kind: "mute", who: 5, from: at(100)},
	}
	for _, c := range []struct {
		talker, listener uint32
		ms               int
		leak             string
	}{
		{1, 9, 99, ""}, {1, 9, 105, ""}, {1, 9, 107, "mute"}, {1, 9, 199, "mute"}, {1, 9, 200, ""},
		{9, 1, 150, ""}, {2, 9, 150, "isolate"}, {9, 2, 150, "isolate"}, {9, 2, 250, ""},
		{3, 4, 150, "block"}, {4, 3, 150, "block"}, {3, 9, 150, ""}, {9, 4, 150, ""}, {4, 3, 250, ""},
		{5, 9, 100000, "mute"},
	} {
		v := judgeBans([]testimony{{c.listener, []Received{packet(c.talker, c.ms)}}}, bans)
		found := ""
		for kind, list := range v.leaks {
			found += kind
			if len(list) != 1 {
				t.Errorf("%+v: %d leaks", c, len(list))
			}
		}
		if found != c.leak {
			t.Errorf("a packet of %d to %d at %d ms: leak %q, want %q", c.talker, c.listener, c.ms, found, c.leak)
		}
	}
	heard := []testimony{{9, []Received{packet(1, 90), packet(1, 103), packet(1, 250)}}}
	if v := judgeBans(heard, bans); v.effective != 1 || v.last != 3*time.Millisecond || v.packets != 3 {
		t.Errorf("verdict %+v, want one ban that stopped a voice, 3 ms late", v)
	}
	always := func(uint32, time.Time, time.Time) bool { return true }
	lifted, again := resumed(heard, bans, always, time.Second)
	if lifted["mute"] != 1 || again["mute"] != 1 || lifted["block"] != 1 || again["block"] != 0 {
		t.Errorf("lifted %v, heard again %v", lifted, again)
	}
}
