package loadtest

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"earshot"
	"earshot/gateway/protocol"
)

// wire is a slot as a faultless server would fill it, with the handles to
// put faults in.
type wire struct {
	start   time.Time
	slot    int
	seq     uint16
	delay   time.Duration
	packets []Received
}

func newWire(slot int) *wire {
	return &wire{start: time.Unix(1000, 0), slot: slot, seq: 65000, delay: 3 * time.Millisecond}
}

// talk adds n frames of a bot from its tick on. All bots began at start and
// send without pauses, so tick n is due n*20 ms later. shift moves the slot's
// time stamps away from the clock, in samples.
func (w *wire) talk(bot, tick uint32, n int, shift int) {
	for i := range uint32(n) {
		due := w.start.Add(frames(int64(tick + i)))
		w.packets = append(w.packets, Received{
			Slot: w.slot, At: due.Add(w.delay), Seq: w.seq,
			Timestamp: uint32(4294000000 + int64(tick+i)*SamplesPerFrame + int64(shift)),
			Voiced:    true,
			Frame:     Frame{Bot: bot, Tick: tick + i, Sent: tick + i, Into: uint16(i + 1), At: due},
		})
		w.seq++
	}
}

// silence adds n frames of the server's own.
func (w *wire) silence(n int) {
	last := w.packets[len(w.packets)-1]
	for i := range n {
		r := Received{Slot: w.slot, At: last.At, Seq: w.seq, Timestamp: last.Timestamp + uint32(i+1)*SamplesPerFrame}
		w.packets = append(w.packets, r)
		w.seq++
	}
}

func TestJudgePassesWhatIsContinuous(t *testing.T) {
	w := newWire(0)
	w.talk(1, 0, 400, 0)
	w.talk(2, 400, 300, 200) // rounding of 200 samples, 4 ms
	w.silence(3)
	w.talk(3, 720, 100, 0)
	r := Judge(w.packets)
	if r.Packets != 803 || r.Silence != 3 || r.Lost != 0 || r.Duplicates != 0 || r.Talkers != 3 {
		t.Errorf("Report = %+v", r)
	}
	if r.Changes != 2 || len(r.Holes) != 0 {
		t.Errorf("Changes, Holes = %d, %v, want 2 and none", r.Changes, r.Holes)
	}
	if r.Repeat > 5*time.Millisecond || r.Skip > 5*time.Millisecond {
		t.Errorf("Repeat, Skip = %v, %v, want the rounding at most: %v", r.Repeat, r.Skip, r.Faults)
	}
	if r.Slack != 6*time.Millisecond || r.MedianLag != 3*time.Millisecond || r.OnsetFrame != 1 {
		t.Errorf("Slack, MedianLag, OnsetFrame = %v, %v, %d", r.Slack, r.MedianLag, r.OnsetFrame)
	}
}

func TestJudgeFindsFaults(t *testing.T) {
	ms := time.Millisecond
	for _, c := range []struct {
		name         string
		make         func(w *wire)
		repeat, skip time.Duration
	}{
		{"stamps stand still at a change", func(w *wire) {
			w.talk(1, 0, 50, 0)
			w.talk(2, 55, 50, -5*SamplesPerFrame)
		}, 97 * ms, 0},
		{"stamps leap at a change", func(w *wire) {
			w.talk(1, 0, 50, 0)
			w.talk(2, 50, 50, 4*SamplesPerFrame)
		}, 0, 77 * ms},
		{"stamps go back at a change", func(w *wire) {
			w.talk(1, 0, 50, 0)
			w.talk(2, 50, 50, -3*SamplesPerFrame)
		}, 60 * ms, 0},
		{"source stamps are not rewritten", func(w *wire) {
			w.talk(1, 0, 50, 0)
			w.talk(2, 50, 50, 1<<30)
		}, 0, samples(1<<30) - 3*ms},
		{"silence runs into the next talker", func(w *wire) {
			w.talk(1, 0, 50, 0)
			w.silence(3)
			w.talk(2, 50, 50, 0)
		}, 60 * ms, 0},
		{"stamps leave the talker's in mid-stay", func(w *wire) {
			w.talk(1, 0, 50, 0)
			w.talk(1, 50, 50, 3*SamplesPerFrame)
		}, 0, 60 * ms},
		{"sequence numbers are left out", func(w *wire) {
			w.talk(1, 0, 50, 0)
			w.seq += 3
			w.talk(1, 50, 50, 0)
		}, 60 * ms, 0}, // lost for the receiver, and their time is not there
		{"a frame is sent again under a new number", func(w *wire) {
			w.talk(1, 0, 50, 0)
			w.talk(1, 47, 50, 0)
		}, 60 * ms, 0},
	} {
		w := newWire(0)
		c.make(w)
		r := Judge(w.packets)
		near := func(got, want time.Duration) bool { return (got - want).Abs() <= 3*ms }
		if !near(r.Repeat, c.repeat) || !near(r.Skip, c.skip) {
			t.Errorf("%s: Repeat, Skip = %v, %v, want %v, %v: %v", c.name, r.Repeat, r.Skip, c.repeat, c.skip, r.Faults)
		}
		if len(r.Faults) == 0 {
			t.Errorf("%s: no fault named", c.name)
		}
	}
}

func TestJudgeAcrossSlots(t *testing.T) {
	a, b := newWire(0), newWire(1)
	a.talk(1, 0, 50, 0)
	b.talk(1, 50, 50, 0)
	r := Judge(append(a.packets, b.packets...))
	if len(r.Holes) != 0 || r.Skip != 0 || r.Repeat != 0 {
		t.Errorf("seamless move: %+v", r)
	}

	a, b = newWire(0), newWire(1)
	a.talk(1, 0, 50, 0)
	b.talk(1, 53, 50, 0)
	if r = Judge(append(a.packets, b.packets...)); len(r.Holes) != 1 || r.Holes[0].Missing != 60*time.Millisecond {
		t.Errorf("move that loses 3 frames: %+v", r)
	}

	a, b = newWire(0), newWire(1)
	a.talk(1, 0, 50, 0)
	b.talk(1, 46, 50, 0)
	if r = Judge(append(a.packets, b.packets...)); r.Repeat != 80*time.Millisecond {
		t.Errorf("talker in two slots for 4 frames: %+v", r)
	}

	a, b = newWire(0), newWire(1)
	a.talk(1, 0, 50, 0)
	b.talk(1, 500, 50, 0)
	if r = Judge(append(a.packets, b.packets...)); len(r.Holes) != 0 || r.Skip != 0 {
		t.Errorf("coming back after 9 s is no move: %+v", r)
	}
}

func TestJudgeFindsHoles(t *testing.T) {
	w := newWire(3)
	w.talk(1, 0, 50, 0)
	w.talk(1, 54, 50, 0)
	r := Judge(w.packets)
	if len(r.Holes) != 1 {
		t.Fatalf("Holes = %v, want one", r.Holes)
	}
	want := Hole{1, 3, 3, w.packets[49].Frame.At, w.packets[50].At, 80 * time.Millisecond}
	if r.Holes[0] != want {
		t.Errorf("Hole = %+v, want %+v", r.Holes[0], want)
	}
}

func TestUnannouncedHoles(t *testing.T) {
	at := func(ms int) time.Time { return time.Unix(0, int64(ms)*1e6) }
	seats := func(ms int, ids ...earshot.ParticipantID) Message {
		m := &protocol.Slots{}
		for i, id := range ids {
			m.Voice = append(m.Voice, protocol.Slot{Slot: i, Participant: id})
		}
		return Message{at(ms), m}
	}
	id := func(bot uint32) earshot.ParticipantID { return [...]earshot.ParticipantID{"pa_0", "pa_1"}[bot] }
	hole := []Hole{{Bot: 1, Begin: at(1000), End: at(1200), Missing: 200 * time.Millisecond}}
	told := []Message{
		{at(0), &protocol.Pong{}}, seats(0, "pa_0", "pa_1"), seats(1010, "pa_0", ""), seats(1190, "pa_1", "pa_0"),
	}
	if got := Unannounced(hole, told, id, 250*time.Millisecond); len(got) != 0 {
		t.Errorf("announced: Unannounced = %v", got)
	}
	told[2] = seats(1010, "pa_1", "pa_0")
	if got := Unannounced(hole, told, id, 250*time.Millisecond); len(got) != 1 {
		t.Errorf("moved without a break: Unannounced = %v, want the hole", got)
	}
	told[2] = seats(3000, "pa_0", "")
	if got := Unannounced(hole, told, id, 250*time.Millisecond); len(got) != 1 {
		t.Errorf("announced at another time: Unannounced = %v, want the hole", got)
	}
}

func TestJudgeToleratesTheNetwork(t *testing.T) {
	w := newWire(0)
	w.talk(1, 0, 500, 0)
	w.talk(2, 500, 500, 0)
	rng := rand.New(rand.NewPCG(1, 1))
	log := w.packets[:0:0]
	lost := 0
	for i, p := range w.packets {
		if i > 0 && i < 999 && rng.Float64() < 0.05 {
			lost++
			continue
		}
		log = append(log, p)
	}
	log[10], log[11] = log[11], log[10]
	log = slices.Insert(log, 100, log[95])
	r := Judge(log)
	if r.Lost != lost || r.Duplicates != 1 {
		t.Errorf("Lost, Duplicates = %d, %d, want %d, 1", r.Lost, r.Duplicates, lost)
	}
	if r.Repeat != 0 || r.Skip != 0 {
		t.Errorf("loss taken for a fault: %v", r.Faults)
	}
	if r = Judge(slices.Delete(slices.Clone(w.packets), 499, 500)); r.Unsure != 1 {
		t.Errorf("Unsure = %d with a loss at the change, want 1", r.Unsure)
	}
}

// A listener that stalls reads everything late and at once. That is not the
// server's fault, and shows as slack.
func TestJudgeToleratesAStall(t *testing.T) {
	w := newWire(0)
	w.talk(1, 0, 50, 0)
	w.talk(2, 50, 50, 0)
	for i := range w.packets[45:60] {
		w.packets[45+i].At = w.packets[60].At
	}
	r := Judge(w.packets)
	if r.Repeat != 0 || r.Skip != 0 {
		t.Errorf("stall taken for a fault: %v", r.Faults)
	}
	if r.Slack < 200*time.Millisecond {
		t.Errorf("Slack = %v, want the stall in it", r.Slack)
	}
}

func TestJudgeOfNothing(t *testing.T) {
	if r := Judge(nil); r.Packets != 0 || r.Changes != 0 || len(r.Faults) != 0 {
		t.Errorf("Judge(nil) = %+v", r)
	}
}
