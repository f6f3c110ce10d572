package crowd

import (
	"flag"
	"math/rand/v2"
	"testing"
	"time"

	"earshot"
)

// plans is how many random plans TestRandomPlans makes: millions by
// go test -run RandomPlans -plans 2000000 ./spatialaudio/crowd
var plans = flag.Int("plans", 20_000, "random plans of TestRandomPlans")

// world is people at random, and what was forbidden kept apart from Rules.
type world struct {
	random    *rand.Rand
	cfg       Config
	planner   *Planner
	rules     *Rules
	forbidden map[[2]ID]bool
	people    []Person
	now       time.Time
	size      float32

	last  Plan // the one before, with what had been Waiting
	begun map[bedVoice]instant
	fades map[bedOf]instant
	epoch time.Time
}

type bedVoice struct {
	key Key
	id  ID
}

type bedOf struct {
	key      Key
	listener ID
}

func newWorld(t testing.TB, seed uint64, people int, size float32) *world {
	w := &world{random: rand.New(rand.NewPCG(seed, 8)), cfg: DefaultConfig(), forbidden: map[[2]ID]bool{}, size: size,
		fades: map[bedOf]instant{}, now: time.Unix(1000, 0), epoch: time.Unix(1000, 0)}
	w.cfg.People = people
	if seed%3 == 0 {
		w.cfg.Beds = w.random.IntN(6)
	}
	if seed%5 == 0 {
		w.cfg.Talkers, w.cfg.PerListener = 2+w.random.IntN(7), 1+w.random.IntN(MaxPerListener)
	}
	var err error
	if w.planner, err = New(w.cfg); err != nil {
		t.Fatal(err)
	}
	w.rules = NewRules(people)
	for id := range people {
		w.people = append(w.people, Person{ID: ID(id), Position: w.anywhere(), LevelDB: -30 - 20*w.random.Float32(), Talks: w.chance(0.7), Listens: w.chance(0.9)})
	}
	return w
}

func (w *world) chance(p float64) bool { return w.random.Float64() < p }

func (w *world) anyone() ID { return ID(w.random.IntN(w.cfg.People)) }

func (w *world) anywhere() earshot.Vec3 {
	return earshot.Vec3{X: (w.random.Float32() - 0.5) * w.size, Y: 1.6, Z: (w.random.Float32() - 0.5) * w.size}
}

func (w *world) forbid(on bool) (listener, talker ID) {
	listener, talker = w.anyone(), w.anyone()
	if on {
		w.rules.Forbid(listener, talker)
		w.forbidden[[2]ID{listener, talker}] = true
	} else {
		w.rules.Allow(listener, talker)
		delete(w.forbidden, [2]ID{listener, talker})
	}
	return listener, talker
}

// live lets some time pass, in which people walk, jump, fall silent, leave, and
// block one another.
func (w *world) live() []Person {
	w.now = w.now.Add(time.Duration(1+w.random.IntN(600)) * time.Millisecond)
	var here []Person
	for i := range w.people {
		h := &w.people[i]
		switch {
		case w.chance(0.02):
			h.Position = w.anywhere()
		case w.chance(0.5):
			h.Position.X += w.random.Float32() - 0.5
			h.Position.Z += w.random.Float32() - 0.5
		}
		if w.chance(0.05) {
			h.Talks = !h.Talks
		}
		h.LevelDB += 4 * (w.random.Float32() - 0.5)
		h.Voices = h.Voices[:0]
		for range w.random.IntN(6) {
			h.Voices = append(h.Voices, w.anyone())
		}
		if !w.chance(0.01) {
			here = append(here, *h)
		}
	}
	for range w.random.IntN(3) {
		w.forbid(w.chance(0.6))
	}
	return here
}

// check holds a plan to what the package promises.
func (w *world) check(t testing.TB, people []Person, plan *Plan) {
	t.Helper()
	w.checkForbidden(t, plan)
	if len(plan.Beds) > w.cfg.Beds {
		t.Fatalf("%d beds, want %d at most", len(plan.Beds), w.cfg.Beds)
	}
	listeners := make([]int32, len(plan.Beds))
	fades := map[bedOf]instant{}
	for id := range ID(w.cfg.People) {
		times := map[ID]int{}
		whole := 0
		for _, g := range plan.Grants(id) {
			listeners[g.Bed]++
			bed := bedOf{plan.Beds[g.Bed].Key, id}
			if g.Phase == Leaving {
				began, was := w.fades[bed]
				if !was {
					began = w.now.Sub(w.epoch)
				}
				if w.now.Sub(w.epoch)-began >= max(w.cfg.Crossfade, 1) {
					t.Fatalf("a bed of %d fades out for %v", id, w.now.Sub(w.epoch)-began)
				}
				fades[bed] = began
				continue
			}
			whole++
			for _, talker := range plan.Talkers(int(g.Bed)) {
				if talker.Phase == Heard {
					times[talker.ID]++
				}
			}
		}
		if whole > w.cfg.PerListener {
			t.Fatalf("%d gets %d beds, want %d at most", id, whole, w.cfg.PerListener)
		}
		for _, v := range plan.Voices(id) {
			if v.Phase == Heard {
				times[v.ID]++
			}
		}
		for talker, n := range times {
			if n > 1 {
				t.Fatalf("%d hears %d in %d ways that stay", id, talker, n)
			}
		}
	}
	w.fades = fades
	w.checkBeds(t, people, plan, listeners)
}

// checkForbidden is the invariant that the package exists to hold.
func (w *world) checkForbidden(t testing.TB, plan *Plan) {
	t.Helper()
	for id := range ID(w.cfg.People) {
		for _, g := range plan.Grants(id) {
			for _, talker := range plan.Talkers(int(g.Bed)) {
				if talker.Phase != Waiting && (talker.ID == id || w.forbidden[[2]ID{id, talker.ID}]) {
					t.Fatalf("%d gets a bed with the forbidden voice of %d, which is in phase %d; the grant in %d", id, talker.ID, talker.Phase, g.Phase)
				}
			}
			if !plan.Allowed(w.rules, id, int(g.Bed)) {
				t.Fatalf("Allowed(%d, %d) = false of a grant", id, g.Bed)
			}
		}
		for _, v := range plan.Voices(id) {
			if v.ID == id || w.forbidden[[2]ID{id, v.ID}] {
				t.Fatalf("%d gets the forbidden voice of %d", id, v.ID)
			}
		}
	}
}

func (w *world) checkBeds(t testing.TB, people []Person, plan *Plan, listeners []int32) {
	t.Helper()
	talks := map[ID]uint64{}
	for i := range people {
		if people[i].Talks {
			talks[people[i].ID] = w.cfg.morton(people[i].Position)
		}
	}
	begun := map[bedVoice]instant{}
	cells := map[uint64]bool{}
	for i := range plan.Beds {
		bed := &plan.Beds[i]
		cells[bed.Key.Cell] = true
		if bed.Listeners != listeners[i] || listeners[i] == 0 {
			t.Fatalf("bed %d: Listeners = %d, %d get it: want the same, and somebody", i, bed.Listeners, listeners[i])
		}
		staying := 0
		for _, talker := range plan.Talkers(i) {
			begun[bedVoice{bed.Key, talker.ID}] = 0
			if talker.Phase == Leaving {
				continue
			}
			staying++
			code, ok := talks[talker.ID]
			c := cell{key: bed.Key.Cell}
			if !ok || code>>(2*c.level()) != c.code() {
				t.Fatalf("bed %d of cell %x has %d, who is not in it", i, bed.Key.Cell, talker.ID)
			}
			if _, was := w.begun[bedVoice{bed.Key, talker.ID}]; !was && talker.Phase == Heard && w.hadCell(bed.Key) {
				t.Fatalf("bed %d has %d at once, want them announced first", i, talker.ID)
			}
		}
		if staying > w.cfg.Talkers {
			t.Fatalf("bed %d has %d talkers, want %d at most", i, staying, w.cfg.Talkers)
		}
		if bed.Radius < 0 || bed.Radius > w.cfg.side(MaxLevels) || !bed.Centre.Finite() {
			t.Fatalf("bed %d is at %v, radius %v", i, bed.Centre, bed.Radius)
		}
	}
	w.begun, w.last.Beds = begun, append(w.last.Beds[:0], plan.Beds...)
}

func (w *world) hadCell(key Key) bool {
	for i := range w.last.Beds {
		if w.last.Beds[i].Key == key {
			return true
		}
	}
	return false
}

// Random worlds, dense and wide, with orders between and during plans. No bed
// ever reaches anybody who may not hear all of it.
func TestRandomPlans(t *testing.T) {
	const each = 200
	var plan Plan
	total, seed := Stats{}, uint64(1)
	defer func() { t.Logf("up to seed %d: %+v", seed, total) }()
	for ; seed <= uint64((*plans+each-1)/each); seed++ {
		w := newWorld(t, seed, 6+int(seed%40), [...]float32{4, 12, 40, 120}[seed%4])
		for range each {
			people := w.live()
			if err := w.planner.Plan(w.now, people, w.rules, &plan); err != nil {
				t.Fatal(err)
			}
			w.check(t, people, &plan)
			add(&total, &plan.Stats)
			w.orders(t, &plan)
		}
	}
	if total.Grants == 0 || total.Halved == 0 || total.Opened == 0 || total.Lost == 0 || !total.Short || total.Cut == 0 {
		t.Errorf("the random worlds do not show everything: %+v", total)
	}
}

// orders come while a plan is in force, and while the next is being made.
func (w *world) orders(t testing.TB, plan *Plan) {
	if w.chance(0.5) { // at once
		listener, talker := w.forbid(true)
		lost := plan.Forbid(listener, talker, nil)
		for _, g := range plan.Grants(listener) {
			for _, key := range lost {
				if plan.Beds[g.Bed].Key == key {
					t.Fatalf("Forbid(%d, %d) says that a bed is lost, and leaves it", listener, talker)
				}
			}
		}
	}
	if w.chance(0.5) { // it was not known when the plan was made
		w.forbid(true)
		plan.Enforce(w.rules)
	}
	if w.chance(0.2) {
		talker := w.anyone()
		plan.Silence(talker, nil)
		for i := range plan.Beds {
			if plan.mixes(i, talker) {
				t.Fatalf("Silence(%d) leaves them in bed %d", talker, i)
			}
		}
	}
	w.checkForbidden(t, plan)
}

func add(sum, s *Stats) {
	sum.Talkers += s.Talkers
	sum.Cells += s.Cells
	sum.Grants += s.Grants
	sum.Halved += s.Halved
	sum.Opened += s.Opened
	sum.Lost += s.Lost
	sum.Short = sum.Short || s.Short
	sum.Cut += s.Cut
}
