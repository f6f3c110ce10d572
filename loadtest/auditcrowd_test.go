package loadtest

import (
	"context"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"earshot"
	"earshot/gateway"
	"earshot/gateway/protocol"
	"earshot/moderation"
	"earshot/moderation/journal"
)

// The simulated crowd of the audit.
const (
	auditCrowd = 12
	auditLoss  = 0.01
	auditSeed  = 2026
)

// TestAuditOfACrowd is a crowd that talks, walks, jumps between two places,
// leaves, crashes, is replaced, loses its network and comes back, while
// moderators mute, isolate and kick at random and people block each other and
// think better of it. Every packet that anybody received is then held against
// what was in force when it came: none may be left. EARSHOT_AUDIT says how long
// the crowd lives, 10m is what it is for; EARSHOT_SEED chooses another crowd.
func TestAuditOfACrowd(t *testing.T) {
	t.Parallel()
	length, seed := auditLength(t), uint64(auditSeed)
	if n, err := strconv.ParseUint(os.Getenv("EARSHOT_SEED"), 10, 64); err == nil {
		seed = n
	}
	t.Logf("seed %d, %v", seed, length)
	wall := time.Now()
	synctest.Test(t, func(t *testing.T) {
		a := liveInACrowd(t, length, seed, crowdOf{})
		a.report(judgeBans(a.testimonies(), a.bans))
		a.checkCrowd(length)
	})
	t.Logf("%v of a crowd took %v", length, time.Since(wall).Round(10*time.Millisecond))
}

// TestAuditCatchesAServerThatForgets plants leaks: the server does not hear of
// every other mute, which the ledger has all the same. The audit has to find
// packets against those, and against nothing else.
func TestAuditCatchesAServerThatForgets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := liveInACrowd(t, plantedAudit(), auditSeed, crowdOf{forgets: true})
		planted, caught, packets := 0, map[*ban]bool{}, 0
		for _, b := range a.bans {
			if b.planted {
				planted++
			}
		}
		v := judgeBans(a.testimonies(), a.bans)
		for _, leaks := range v.leaks {
			for _, l := range leaks {
				if packets++; !l.ban.planted {
					a.t.Errorf("bot %d to bot %d: found against a %s of which the server knew", l.talker, l.listener, l.ban.kind)
				}
				caught[l.ban] = true
			}
		}
		t.Logf("of %d mutes that the server did not hear of %d were found out, by %d of %d packets", planted, len(caught), packets, v.packets)
		if planted == 0 || 3*len(caught) < planted { // some said nothing, or nobody was there
			t.Errorf("%d of %d planted mutes were found out, want at least a third", len(caught), planted)
		}
	})
}

// auditLength is how long a crowd lives, in its own time.
func auditLength(t *testing.T) time.Duration {
	if text := os.Getenv("EARSHOT_AUDIT"); text != "" {
		length, err := time.ParseDuration(text)
		if err != nil || length < 10*time.Second {
			t.Fatalf("EARSHOT_AUDIT is %q, want 10s or more, such as 10m", text)
		}
		return length
	}
	if endToEnd() {
		return 10 * time.Minute
	}
	t.Log("=== A SHORT AUDIT: EARSHOT_AUDIT=10m go test -run Audit -v ./loadtest runs the whole ===")
	return shortAudit()
}

// shortAudit is as long as a crowd lives at least for the audit to have something
// to find. The race detector makes that take ten times as long.
func shortAudit() time.Duration {
	if raceEnabled {
		return 15 * time.Second
	}
	return 30 * time.Second
}

// plantedAudit is how long a crowd lives at least on a server with a fault. In
// shortAudit under the race detector there were 1 to 4 mutes to be found out.
func plantedAudit() time.Duration { return 3 * shortAudit() }

// audit is a simulation with a ledger of what is forbidden in it.
type audit struct {
	*simulation
	ledger
	ctx     context.Context
	seed    uint64
	people  []*person
	console string // token of a moderator
	began   time.Time
	crowdOf
	mixes *mixes // what the server says it mixed

	tally struct {
		sync.Mutex
		acts     map[string]int
		mutes    int
		sessions int
		failed   int
	}
}

// crowdOf is what kind of a crowd is audited.
type crowdOf struct {
	forgets bool // the server does not hear of every other mute, nor of zones
	mixed   bool // half of them have mixes, and change their mind; there are private tables
	beds    bool // with mixed: none has a mix, all take beds in their two slots
}

// person is somebody of the crowd, over all their sessions.
type person struct {
	number uint32
	busy   sync.Mutex // who holds it alone changes the person; only ever tried

	mu      sync.Mutex
	bot     *Bot // nil while away
	gone    []*Bot
	address map[*Bot]string
	blocks  map[uint32]*ban
	away    []ban // from and to: when they were not quite there
	trail   trail
}

func newAudit(t *testing.T, ctx context.Context, seed uint64, of crowdOf) *audit {
	j, err := journal.NewMemory(journal.Config{})
	if err != nil {
		t.Fatal(err)
	}
	a := &audit{ctx: ctx, seed: seed, began: time.Now(), crowdOf: of, mixes: newMixes()}
	a.tally.acts = map[string]int{}
	a.simulation = newSimulation(t, auditLoss, func(d *gateway.Deps) {
		d.Moderation = gateway.Moderation{Config: moderation.DefaultConfig(), Journal: j, Kept: "memory"}
		if of.mixed {
			withStudio(d)
			d.Audit = a.mixes.take
		}
	})
	a.rng = rand.New(rand.NewPCG(seed, 26))
	a.console = a.token("moderator", protocol.GrantModerate)
	for n := range uint32(auditCrowd) {
		a.people = append(a.people, &person{number: n, blocks: map[uint32]*ban{}, address: map[*Bot]string{}})
	}
	return a
}

// liveInACrowd lets a crowd live for a while, and closes it down.
func liveInACrowd(t *testing.T, length time.Duration, seed uint64, of crowdOf) *audit {
	ctx, cancel := context.WithTimeout(t.Context(), length+5*time.Minute)
	defer cancel()
	a := newAudit(t, ctx, seed, of)
	defer func() {
		for _, p := range a.people {
			if p.bot != nil {
				p.bot.Close()
			}
		}
		a.shutdown()
	}()
	if of.mixed && !of.forgets {
		if status := a.setZones(ctx, privateTables()); status != http.StatusOK {
			t.Fatalf("PATCH zones = %d", status)
		}
	}
	for _, p := range a.people {
		if !a.enter(p) {
			t.Fatalf("bot %d cannot join", p.number)
		}
	}
	end := time.Now().Add(length)
	var all sync.WaitGroup
	acts := []func(*rand.Rand){a.moderate, a.moderate, a.quarrel, a.quarrel, a.travel, a.travel, a.travel}
	if of.mixed && !of.beds {
		acts = append(acts, a.switchMode, a.switchMode)
	}
	for i, do := range acts {
		random := rand.New(rand.NewPCG(seed, uint64(i)))
		all.Go(func() {
			for time.Now().Before(end) {
				do(random)
			}
		})
	}
	all.Wait()
	time.Sleep(2 * time.Second)
	synctest.Wait()
	return a
}

// testimonies are what everybody received, in all their sessions.
func (a *audit) testimonies() (heard []testimony) {
	for _, p := range a.people {
		bots := p.gone
		if p.bot != nil {
			bots = append(slices.Clone(bots), p.bot)
		}
		for _, b := range bots {
			log, dropped := b.Voice()
			if dropped > 0 {
				a.t.Errorf("bot %d: %d packets were not kept", p.number, dropped)
			}
			slices.SortStableFunc(log, func(x, y Received) int { return x.At.Compare(y.At) })
			heard = append(heard, testimony{p.number, log})
		}
	}
	return heard
}

// report says what the audit found.
func (a *audit) report(v verdict) {
	forbidden := 0
	for kind, leaks := range v.leaks {
		forbidden += len(leaks)
		worst := slices.MaxFunc(leaks, func(x, y leak) int { return int(x.after - y.after) })
		a.t.Errorf("%d packets against a %s; the worst of bot %d to bot %d, %v after the acknowledgment", len(leaks), kind, worst.talker, worst.listener, worst.after)
		for _, l := range leaks[:min(len(leaks), 12)] {
			a.t.Logf("  %s of %d/%d in force at %v: %d to %d, %v after, sent %v after it", kind, l.ban.who, l.ban.other, l.ban.from.Sub(a.began), l.talker, l.listener, l.after, l.sent)
		}
	}
	n := a.tally.acts
	a.t.Logf("%d people in %d sessions: %d mutes, %d isolations, %d kicks, %d undone, %d blocks, %d unblocked",
		auditCrowd, a.tally.sessions, n["mute"], n["isolate"], n["kick"], n["undo"], n["block"], n["unblock"])
	a.t.Logf("%d came back: %d left and %d said goodbye, %d crashed, %d joined twice, %d lost their network; %d joins failed",
		n["leave"]+n["goodbye"]+n["crash"]+n["replace"]+n["cut"], n["leave"], n["goodbye"], n["crash"], n["replace"], n["cut"], a.tally.failed)
	a.t.Logf("packets audited: %d (and %d of the server's own silence); %d bans, of which %d stopped a voice within a second of its being heard; the latest packet that was on its way: %v after an acknowledgment",
		v.packets, v.silence, v.orders, v.effective, v.last)
	a.t.Logf("forbidden packets: %d", forbidden)
}

// checkCrowd wants a crowd in which there was something to stop, and in which
// those who are free again are heard again.
func (a *audit) checkCrowd(length time.Duration) {
	heard := a.testimonies()
	v, minutes := judgeBans(heard, a.bans), length.Minutes()
	undisturbed := func(who uint32, from, to time.Time) bool {
		return !slices.ContainsFunc(a.people[who].away, func(g ban) bool { return g.from.Before(to) && g.to.After(from) })
	}
	lifted, again := resumed(heard, a.bans, undisturbed, 10*time.Second)
	a.t.Logf("lifted with nothing else in the way: %v, of which heard again within 10 s: %v", lifted, again)
	if float64(v.packets) < 30_000*minutes || float64(v.effective) < 10*minutes {
		a.t.Errorf("%d packets and %d bans that mattered: not the crowd it should be", v.packets, v.effective)
	}
	if n := lifted["mute"] + lifted["isolate"]; n > 4 && 4*(again["mute"]+again["isolate"]) < 3*n {
		a.t.Errorf("of %d who were free again only %d were heard", n, again["mute"]+again["isolate"])
	}
	if n := lifted["block"]; n > 9 && 4*again["block"] < n { // half of the pairs are far apart
		a.t.Errorf("of %d pairs that made it up only %d heard each other", n, again["block"])
	}
}

// jumper walks at one of two places, far out of earshot of each other, and
// jumps to the other from time to time.
type jumper struct {
	random *rand.Rand
	places [2]*Walker
	at     int
	until  time.Time
}

func newJumper(seed uint64) *jumper {
	j := &jumper{random: rand.New(rand.NewPCG(seed, 0x70)), until: time.Now()}
	j.at = j.random.IntN(2)
	for i := range j.places {
		j.places[i] = NewWalker(WalkConfig{Centre: earshot.Vec3{X: 100 * float32(i)}, Radius: 5, Speed: 1.2}, seed, time.Now())
	}
	return j
}

// Pose implements Mover.
func (j *jumper) Pose(now time.Time) earshot.Pose {
	for !now.Before(j.until) {
		j.at, j.until = 1-j.at, j.until.Add(between(j.random, 8*time.Second, 40*time.Second))
	}
	return j.places[j.at].Pose(now)
}
