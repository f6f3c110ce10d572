package crowd

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"earshot"
)

// step is how often the tests below plan.
const step = 250 * time.Millisecond

// stage is a crowd that stands still, for stories.
type stage struct {
	t       *testing.T
	planner *Planner
	rules   *Rules
	people  []Person
	now     time.Time
	plan    Plan
}

func newStage(t *testing.T) *stage {
	cfg := DefaultConfig()
	planner, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &stage{t: t, planner: planner, rules: NewRules(cfg.People), now: time.Unix(1000, 0)}
}

func (s *stage) person(x, z, level float32, voices ...ID) ID {
	id := ID(len(s.people))
	s.people = append(s.people, Person{ID: id, Position: earshot.Vec3{X: x, Y: 1.6, Z: z}, LevelDB: level, Talks: level > -127, Listens: true, Voices: voices})
	return id
}

// crowd puts n talkers into the square metre at x, z.
func (s *stage) crowd(x, z float32, n int) (ids []ID) {
	for i := range n {
		ids = append(ids, s.person(x+0.1*float32(i%8)+0.1, z+0.5, -30-float32(i)))
	}
	return ids
}

func (s *stage) next(plans int) {
	s.t.Helper()
	for range plans {
		s.now = s.now.Add(step)
		if err := s.planner.Plan(s.now, s.people, s.rules, &s.plan); err != nil {
			s.t.Fatal(err)
		}
	}
}

// heard returns how a listener hears a talker by beds: phases of the grant and
// in the mix.
func (s *stage) heard(listener, talker ID) (n int, grant, talk Phase, bed *Bed) {
	for _, g := range s.plan.Grants(listener) {
		for _, t := range s.plan.Talkers(int(g.Bed)) {
			if t.ID == talker && t.Phase != Waiting {
				n, grant, talk, bed = n+1, g.Phase, t.Phase, &s.plan.Beds[g.Bed]
			}
		}
	}
	return n, grant, talk, bed
}

// A listener stands 30 m from eight talkers, and gets them as one bed, there.
func TestFarCrowdIsOneBed(t *testing.T) {
	s := newStage(t)
	ear := s.person(0, 0, -127)
	crowd := s.crowd(30, 0, 8)
	s.next(1)
	if len(s.plan.Beds) != 1 || len(s.plan.Grants(ear)) != 1 {
		t.Fatalf("%d beds, %d for the listener: want 1 and 1", len(s.plan.Beds), len(s.plan.Grants(ear)))
	}
	bed := s.plan.Beds[0]
	if got := len(s.plan.Talkers(0)); got != 8 {
		t.Errorf("%d talkers, want 8", got)
	}
	if d := bed.Centre.Distance(s.people[crowd[0]].Position); d > 1 || bed.Radius > 0.5 || bed.Radius == 0 {
		t.Errorf("the bed is at %v, radius %v: want within the square metre", bed.Centre, bed.Radius)
	}
	if math.Abs(float64(bed.GainDB)+9.03) > 0.01 {
		t.Errorf("GainDB = %v for 8 talkers, want -9.03", bed.GainDB)
	}
	for _, id := range crowd { // nobody of them far enough from the others
		if len(s.plan.Grants(id)) != 0 {
			t.Errorf("%d gets a bed of the cell they stand in", id)
		}
	}
}

// The listener walks up to the crowd: the bed leaves with a fade, the voices
// come; and back.
func TestPromotion(t *testing.T) {
	s := newStage(t)
	crowd := s.crowd(30, 0, 6)
	ear := s.person(20, 0, -127, crowd...)
	s.next(4)
	if n, grant, _, _ := s.heard(ear, crowd[0]); n != 1 || grant != Heard || len(s.plan.Voices(ear)) != 0 {
		t.Fatalf("10 m away: %d beds, %d voices, want 1 and none", n, len(s.plan.Voices(ear)))
	}
	s.people[ear].Position.X = 29.9
	s.now = s.now.Add(100*time.Millisecond - step)
	s.next(1)
	if n, grant, _, _ := s.heard(ear, crowd[0]); n != 1 || grant != Leaving || len(s.plan.Voices(ear)) != 6 {
		t.Errorf("at once: %d beds in phase %d, %d voices, want one that leaves and 6", n, grant, len(s.plan.Voices(ear)))
	}
	s.next(1)
	if n, _, _, _ := s.heard(ear, crowd[0]); n != 0 || len(s.plan.Voices(ear)) != 6 {
		t.Errorf("then: %d beds, %d voices, want none and 6", n, len(s.plan.Voices(ear)))
	}
	s.people[ear].Position.X = 20
	s.next(1)
	voices := s.plan.Voices(ear)
	if n, grant, _, _ := s.heard(ear, crowd[0]); n != 1 || grant != Heard || len(voices) != 6 || voices[0].Phase != Leaving {
		t.Errorf("back: %d beds in phase %d, voices %v, want one and voices that leave", n, grant, voices)
	}
	s.next(1)
	if voices := s.plan.Voices(ear); len(voices) != 0 {
		t.Errorf("voices %v, want none", voices)
	}
}

// Who has blocked one of eight gets half a bed, and the others all of it. When
// the block is taken back, the whole comes again.
func TestHalfBed(t *testing.T) {
	s := newStage(t)
	crowd := s.crowd(30, 0, 8)
	a, b := s.person(0, 0, -127), s.person(0, 1, -127)
	s.next(4)
	s.rules.Forbid(a, crowd[3])
	if lost := s.plan.Forbid(a, crowd[3], nil); len(lost) != 1 || len(s.plan.Grants(a)) != 0 || len(s.plan.Grants(b)) != 1 {
		t.Fatalf("Forbid: lost %v, left %v; the other has %v", lost, s.plan.Grants(a), s.plan.Grants(b))
	}
	s.next(1)
	heard := 0
	for _, id := range crowd {
		n, _, _, _ := s.heard(a, id)
		heard += n
		if m, _, _, _ := s.heard(b, id); m != 1 {
			t.Errorf("the other hears %d %d times, want once", id, m)
		}
	}
	if n, _, _, _ := s.heard(a, crowd[3]); n != 0 || heard != 4 {
		t.Errorf("hears %d of 8, the blocked one %d times, want 4 and none", heard, n)
	}
	s.rules.Allow(a, crowd[3])
	s.next(4)
	if n, _, _, bed := s.heard(a, crowd[3]); n != 1 || bed.Key.Part != Whole {
		t.Errorf("hears them %d times after the block, want once", n)
	}
}

// A blocked talker is about to be mixed: whoever has blocked them fades out of
// the bed before, and is not cut off.
func TestAnnouncedFirst(t *testing.T) {
	s := newStage(t)
	crowd := s.crowd(30, 0, 4)
	ear := s.person(0, 0, -127)
	late := s.person(30.5, 0.5, -127)
	s.rules.Forbid(ear, late)
	s.next(4)
	s.people[late].LevelDB, s.people[late].Talks = -20, true
	s.next(1)
	if n, grant, _, _ := s.heard(ear, crowd[0]); n == 0 || s.plan.Stats.Cut != 0 || len(s.plan.Grants(ear)) != 2 {
		t.Errorf("%d beds, phase %d, %d cut: want the half to come and the whole to fade", n, grant, s.plan.Stats.Cut)
	}
	s.next(1)
	bed := int(s.plan.Grants(ear)[0].Bed)
	if s.plan.mixes(bed, late) || len(s.plan.Grants(ear)) != 1 || s.plan.Stats.Cut != 0 {
		t.Errorf("grants %v, %d cut, want the other half alone", s.plan.Grants(ear), s.plan.Stats.Cut)
	}
}

// Talkers as loud as one another do not take turns in a mix.
func TestHysteresis(t *testing.T) {
	s := newStage(t)
	crowd := s.crowd(30, 0, 16)
	s.person(0, 0, -127)
	random := rand.New(rand.NewPCG(1, 2))
	s.next(1)
	var was []Talker
	was = append(was, s.plan.Talkers(0)...)
	for range 100 {
		for _, id := range crowd {
			s.people[id].LevelDB = -30 + 3.9*random.Float32()
		}
		for i := range was { // nobody falls behind by more than the hysteresis
			s.people[was[i].ID].LevelDB = -30
		}
		s.next(1)
		for i, talker := range s.plan.Talkers(0) {
			if talker != was[i] {
				t.Fatalf("%v became %v", was, s.plan.Talkers(0))
			}
		}
	}
	s.people[crowd[15]].LevelDB = -20
	s.next(2)
	if !s.plan.mixes(0, crowd[15]) {
		t.Error("one who is 10 dB louder is not mixed")
	}
}

func TestPlanRefuses(t *testing.T) {
	s := newStage(t)
	for name, people := range map[string][]Person{
		"twice":       {{ID: 1}, {ID: 1}},
		"outside":     {{ID: 1024}},
		"negative":    {{ID: -1}},
		"many voices": {{ID: 1, Voices: make([]ID, MaxVoices+1)}},
	} {
		if err := s.planner.Plan(s.now, people, s.rules, &s.plan); earshot.CodeOf(err) != earshot.CodeInvalidArgument {
			t.Errorf("%s: %v, want invalid_argument", name, err)
		}
	}
	cfg := DefaultConfig()
	cfg.Fine = float32(math.NaN())
	if _, err := New(cfg); err == nil {
		t.Error("New took a NaN")
	}
}

// FuzzPlan gives people at any place, loudness and time, and holds plans to the
// invariant.
func FuzzPlan(f *testing.F) {
	f.Add(uint64(1), float32(10), float32(-30), int64(1e8))
	f.Add(uint64(2), float32(math.Inf(1)), float32(math.NaN()), int64(-1))
	f.Add(uint64(3), float32(3e38), float32(59), int64(math.MaxInt64))
	f.Fuzz(func(t *testing.T, seed uint64, size, level float32, pass int64) {
		w := newWorld(t, seed, 8+int(seed%24), size)
		var plan Plan
		for range 6 {
			people := w.live()
			for i := range people {
				if w.chance(0.3) {
					people[i].LevelDB = level
				}
			}
			w.now = w.now.Add(time.Duration(pass))
			if err := w.planner.Plan(w.now, people, w.rules, &plan); err != nil {
				t.Fatal(err)
			}
			w.checkForbidden(t, &plan)
			w.orders(t, &plan)
			for i := range plan.Beds {
				if b := &plan.Beds[i]; !b.Centre.Finite() || !(b.Radius >= 0) {
					t.Fatalf("bed %+v", b)
				}
			}
		}
	})
}
