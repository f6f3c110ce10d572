package loadtest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"earshot"
	"earshot/gateway"
	"earshot/gateway/protocol"
	"earshot/npc"
	"earshot/npc/library"
	"earshot/npc/store"
	"earshot/spatialaudio/zone"
)

// The cast of TestZonesHold. All of them talk without a pause.
const (
	left, right = 20, 21 // at the table, opposite each other
	outsider    = 22     // within earshot of it, with their back to nobody
	commuter    = 23     // walks from the table to the outsider and back
	reader      = 24     // in the quiet place
	announcer   = 25     // at the megaphone, far out of sight of all
)

// script is where somebody is at a time after they began.
type script func(since time.Duration) earshot.Vec3

// scripted is a Mover that does what a script says.
type scripted struct {
	began time.Time
	at    script
}

func (s *scripted) Pose(now time.Time) earshot.Pose {
	return earshot.Standing(s.at(now.Sub(s.began)), 0)
}

func stay(x, z float32) script {
	return func(time.Duration) earshot.Vec3 { return earshot.Vec3{X: x, Z: z} }
}

// pace is from one place to another and back, in 2 s each.
func pace(from, to earshot.Vec3) script {
	return func(since time.Duration) earshot.Vec3 {
		phase := since.Seconds() / 2
		if phase -= 2 * float64(int(phase/2)); phase > 1 {
			phase = 2 - phase
		}
		return from.Add(to.Sub(from).Scale(float32(phase)))
	}
}

// zonesAt is the world with its table at one place.
func zonesAt(x, z float64) zone.List {
	return zone.List{
		{ID: "table", Kind: zone.KindTable, Fade: 0.4, Sealed: true, Shape: zone.Shape{Form: zone.FormCylinder, Height: 4, Center: [2]float64{x, z}, Radius: 2}},
		{ID: "quiet", Kind: zone.KindQuiet, Speak: &zone.Speak{Who: zone.SpeakNobody}, Shape: zone.Shape{Form: zone.FormBox, Height: 4, Center: [2]float64{9, 0}, Size: [2]float64{4, 4}}},
		{ID: "desk", Kind: zone.KindMegaphone, Megaphone: &zone.Megaphone{Gain: -6}, Shape: zone.Shape{Form: zone.FormCylinder, Height: 4, Center: [2]float64{400, 0}, Radius: 2}},
	}
}

// TestZonesHold: no voice of a private table leaves it, not while people walk
// in and out and not while a designer drags it about; who may not speak is
// heard by nobody; a megaphone is heard out of anybody's sight, but not by one
// who blocked the announcer. And nobody loses a voice that they may have.
func TestZonesHold(t *testing.T) {
	t.Parallel()
	wall := time.Now()
	synctest.Test(t, zonesHold)
	t.Logf("%v of wall clock", time.Since(wall).Round(time.Millisecond))
}

func zonesHold(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	s := newSimulation(t, 0, withStudio)
	defer s.shutdown()
	if status := s.setZones(ctx, zonesAt(0, 0)); status != http.StatusOK {
		t.Fatalf("PATCH zones = %d", status)
	}
	for _, who := range []struct {
		number uint32
		at     script
	}{
		{left, stay(0, -1)}, {right, stay(0, 1)}, {outsider, stay(3.5, 0)}, {reader, stay(9, 0)}, {announcer, stay(400, 0)},
		{commuter, pace(earshot.Vec3{}, earshot.Vec3{X: 5})},
	} {
		cfg := s.configure(who.number)
		cfg.Move, cfg.Talk.Pause = &scripted{time.Now(), who.at}, 0
		if who.number == right {
			cfg.Blocks = []earshot.ParticipantID{idOf(announcer)}
		}
		s.bots[who.number] = s.join(ctx, cfg)
	}
	s.until(10 * time.Second)
	s.checkWalls(t)
	from := time.Now()
	s.dragTable(ctx, 10*time.Second)
	s.checkDrag(t, from, time.Now())

	from = time.Now()
	if status := s.setZones(ctx, zone.List{}); status != http.StatusOK {
		t.Fatalf("PATCH without zones = %d", status)
	}
	gone := time.Now().Add(50*time.Millisecond + inFlight) // who is too far is no secret: the next review counts
	time.Sleep(3 * time.Second)
	synctest.Wait()
	for _, pair := range [][2]uint32{{left, outsider}, {outsider, right}, {reader, outsider}, {commuter, left}} {
		if n := s.heard(pair[0], pair[1], from, time.Now()); n < 100 {
			t.Errorf("without zones bot %d got %d packets of %d, want 150 or nearly", pair[1], n, pair[0])
		}
	}
	if n := s.heard(announcer, left, gone, time.Now()); n != 0 {
		t.Errorf("%d packets over 400 m without a megaphone", n)
	}
	s.checkShut(ctx, t)
}

// checkShut: when a designer is told that a wall stands, nothing comes through
// it any more but what was on its way.
func (s *simulation) checkShut(ctx context.Context, t *testing.T) {
	for range 8 {
		if status := s.setZones(ctx, zonesAt(0, 0)); status != http.StatusOK {
			t.Fatalf("PATCH zones = %d", status)
		}
		shut := time.Now().Add(inFlight)
		time.Sleep(time.Second)
		synctest.Wait()
		for _, pair := range [][2]uint32{{left, outsider}, {outsider, right}, {reader, outsider}} {
			if n := s.heard(pair[0], pair[1], shut, time.Now()); n != 0 {
				t.Errorf("bot %d got %d packets of %d after the wall stood", pair[1], n, pair[0])
			}
		}
		if status := s.setZones(ctx, zone.List{}); status != http.StatusOK {
			t.Fatalf("PATCH without zones = %d", status)
		}
		time.Sleep(time.Second)
	}
}

// checkWalls is about the time in which nothing was edited.
func (s *simulation) checkWalls(t *testing.T) {
	synctest.Wait()
	begin, end := s.start, time.Now()
	for _, pair := range [][2]uint32{{left, outsider}, {right, outsider}, {outsider, left}, {outsider, right}, {reader, outsider}, {reader, commuter}, {announcer, right}} {
		if n := s.heard(pair[0], pair[1], begin, end); n != 0 {
			t.Errorf("bot %d got %d packets of %d, want none", pair[1], n, pair[0])
		}
	}
	for _, pair := range [][2]uint32{{left, right}, {right, left}, {announcer, outsider}, {announcer, left}, {announcer, reader}, {outsider, reader}} {
		if n := s.heard(pair[0], pair[1], end.Add(-5*time.Second), end); n < 240 {
			t.Errorf("bot %d got %d packets of %d in 5 s, want 250", pair[1], n, pair[0])
		}
	}
	// The commuter is heard by either side, and by neither from the other side
	// for longer than it takes to notice: a pose in 33 ms, a tick in 17, the
	// network there and back in 10.
	const late = 100 * time.Millisecond
	at := s.bots[commuter]
	mover := at.cfg.Move.(*scripted)
	inside := func(when time.Time) bool { return mover.at(when.Sub(mover.began)).Distance(earshot.Vec3{}) < 2 }
	for _, c := range []struct {
		talker, listener uint32
		at               bool // the other side of the pair is at the table
	}{{commuter, left, true}, {commuter, outsider, false}, {left, commuter, true}, {outsider, commuter, false}} {
		heard, leaked := 0, 0
		for _, r := range s.packets(c.talker, c.listener) {
			heard++
			if inside(r.At) != c.at && inside(r.At.Add(-late)) != c.at && inside(r.At.Add(-late/2)) != c.at {
				leaked++
			}
		}
		if leaked > 0 || heard < 60 {
			t.Errorf("bot %d got %d packets of %d, of them %d from behind the wall", c.listener, heard, c.talker, leaked)
		}
	}
	var hushed, amplified bool
	for _, m := range s.bots[outsider].Messages() {
		switch m := m.ServerMessage.(type) {
		case *protocol.Muted:
			hushed = hushed || m.Participant == idOf(reader) && m.By == protocol.ByZone && m.Muted
		case *protocol.Slots:
			amplified = amplified || slices.ContainsFunc(m.Voice, func(v protocol.Slot) bool {
				return v.Participant == idOf(announcer) && v.Why != nil && v.Why.Megaphone == "desk" && v.Why.GainDB > -6.1
			})
		}
	}
	if !hushed || !amplified {
		t.Errorf("the outsider was told of the reader's silence: %v, of the megaphone: %v", hushed, amplified)
	}
}

// dragTable has a designer move the table again and again: once the two are at
// it, once the outsider is. At no moment are they on one side.
func (s *simulation) dragTable(ctx context.Context, length time.Duration) {
	random := rand.New(rand.NewPCG(8, 19))
	for i, end := 1, time.Now().Add(length); time.Now().Before(end); i++ {
		list := zonesAt(0, 0)
		if i%2 == 1 {
			list = zonesAt(3, -1)
		}
		if status := s.setZones(ctx, list); status != http.StatusOK {
			s.t.Fatalf("PATCH zones = %d", status)
		}
		time.Sleep(time.Duration(random.IntN(200)) * time.Millisecond)
	}
	synctest.Wait()
}

// checkDrag: the two at the table heard each other all the time, and neither
// heard the outsider once.
func (s *simulation) checkDrag(t *testing.T, from, to time.Time) {
	for _, pair := range [][2]uint32{{left, outsider}, {right, outsider}, {outsider, left}, {outsider, right}} {
		if n := s.heard(pair[0], pair[1], s.start, to); n != 0 {
			t.Errorf("bot %d got %d packets of %d while the table was moved, want none", pair[1], n, pair[0])
		}
	}
	want := int(to.Sub(from) / FrameDuration * 95 / 100)
	for _, pair := range [][2]uint32{{left, right}, {right, left}, {announcer, outsider}} {
		if n := s.heard(pair[0], pair[1], from, to); n < want {
			t.Errorf("bot %d got %d packets of %d in %v, want %d at least", pair[1], n, pair[0], to.Sub(from), want)
		}
	}
}

// packets are those of talker's voice that listener got.
func (s *simulation) packets(talker, listener uint32) (list []Received) {
	log, dropped := s.bots[listener].Voice()
	if dropped > 0 {
		s.t.Errorf("bot %d: %d packets were not kept", listener, dropped)
	}
	for _, r := range log {
		if r.Voiced && r.Frame.Bot == talker {
			list = append(list, r)
		}
	}
	return list
}

func (s *simulation) heard(talker, listener uint32, from, to time.Time) (n int) {
	for _, r := range s.packets(talker, listener) {
		if r.At.After(from) && r.At.Before(to) {
			n++
		}
	}
	return n
}

// withStudio gives a node what designers need.
func withStudio(d *gateway.Deps) {
	kept := store.NewMemory()
	d.NPCs = gateway.NPCs{
		Library: library.New(kept), Store: kept, Memory: npc.NewMemory(kept, npc.MemoryConfig{}), Kept: "memory",
		Personas: fstest.MapFS{"mara.yaml": {Data: []byte("version: 1\nname: Mara\ndescription: says little\nlines:\n  fallback: [Hm.]\n")}},
	}
}

// setZones is what the studio does.
func (s *simulation) setZones(ctx context.Context, list zone.List) int {
	data, err := json.Marshal(map[string]any{"zones": list})
	if err != nil {
		s.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPatch, s.url+"/v1/studio/worlds/plaza", bytes.NewReader(data))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.token("designer", protocol.GrantDesign))
	req.Header.Set("Content-Type", "application/json")
	res, err := s.http.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	if body, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK {
		s.t.Logf("PATCH zones: %.300s", body)
	}
	return res.StatusCode
}
