package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/loadtest"
)

const (
	jumps     = 160
	jumpEvery = 250 * time.Millisecond
	// jumpers is how many it takes in each instance: two groups have orders and stay.
	jumpers = 5 * groupSize
	// restFor is how long somebody stays after a jump: longer than who has gone is
	// kept in sets.
	restFor  = 4 * time.Second
	lookEach = 50 * time.Millisecond // a node is asked who is near
	lookFor  = 3 * time.Second
	// near is how far around a place is asked, metres: a group, and nobody else.
	near      = 12
	agreeSoon = 500 // ms
)

// jump is somebody who stands with another group from a moment on.
type jump struct {
	who  *person
	at   time.Time
	to   earshot.Vec3
	with []*person // who stands there
}

// neighbours has people jump from group to group, and measures until all who
// should know of it do: those who see them, of each other, and all nodes.
func (s *Site) neighbours(ctx context.Context) error {
	rng := rand.New(rand.NewPCG(s.cfg.Seed, 0x4ea6))
	rested := map[*person]time.Time{}
	var done []jump
	var all sync.WaitGroup
	var mu sync.Mutex
	var across []time.Duration
	unseen, asked := 0, true
	for until := time.Now().Add(2 * jumps * jumpEvery); len(done) < jumps && time.Now().Before(until); {
		j, ok := s.choose(rng, rested)
		if ok {
			j.at = time.Now()
			j.who.spot.stand(j.to)
			rested[j.who] = j.at
			for _, o := range j.with { // who is there stays until they have been told
				rested[o] = j.at.Add(time.Second - restFor)
			}
			done = append(done, j)
			for _, n := range s.nodes {
				all.Go(func() {
					took, err := s.look(ctx, n, &j)
					mu.Lock()
					defer mu.Unlock()
					switch {
					case errors.Is(err, errNoPresence):
						asked = false
					case err != nil:
						unseen++
					default:
						across = append(across, took)
					}
				})
			}
		}
		if err := s.wait(ctx, jumpEvery); err != nil {
			all.Wait()
			return err
		}
	}
	all.Wait()
	if err := s.wait(ctx, restFor); err != nil {
		return err
	}
	s.say("%d jumps of people from one group to another of the same instance", len(done))
	s.entered(done)
	if !asked {
		s.say("these nodes do not say who is near in other instances (GET /v1/presence/nearby)")
		return nil
	}
	if unseen > 0 {
		s.fault("in %d of %d times a node did not know within %v who stands where", unseen, len(done)*len(s.nodes), lookFor)
	}
	s.figure("until a node said who came near, in any instance", across, &Limit{"p99", agreeSoon})
	return nil
}

// choose picks somebody who has rested, and a group of their instance to go to.
// People of groups with orders stay: who is blocked is not shown.
func (s *Site) choose(rng *rand.Rand, rested map[*person]time.Time) (j jump, ok bool) {
	j.who = s.people[rng.IntN(len(s.people))]
	if j.who.group%5 < 2 || time.Since(rested[j.who]) < restFor {
		return j, false
	}
	groups := s.people[len(s.people)-1].group + 1 // the fullest instance has no more
	to := rng.IntN(groups)
	if to%5 < 2 {
		return j, false
	}
	before := j.who.spot.at.Load().Root
	j.to = place(to, 0).Add(earshot.Vec3{X: rng.Float32() - apart, Z: -2*apart - rng.Float32()})
	for _, o := range s.people {
		if o != j.who && o.instance == j.who.instance && o.spot.at.Load().Root.Distance(j.to) < near && time.Since(rested[o]) > restFor {
			j.with = append(j.with, o)
		}
	}
	return j, before.Distance(j.to) > near
}

// entered adds how long after a jump those of the group were told that the one
// who came is near, and the other way round.
func (s *Site) entered(done []jump) {
	var took []time.Duration
	missing := 0
	for _, j := range done {
		for _, o := range j.with {
			for _, pair := range [][2]*person{{o, j.who}, {j.who, o}} {
				if d, ok := pair[0].sets.entered(pair[1].id, j.at); ok {
					took = append(took, d)
				} else {
					missing++
				}
			}
		}
	}
	if missing > 0 {
		s.fault("%d of %d times somebody was not told who is near", missing, missing+len(took))
	}
	s.figure("until people were told who came near, in their instance", took, &Limit{"p99", agreeSoon})
}

// errNoPresence is of nodes that have no such route.
var errNoPresence = errors.New("no presence")

// look asks a node who is near a place until it names who jumped there.
func (s *Site) look(ctx context.Context, n *node, j *jump) (time.Duration, error) {
	ticker := time.NewTicker(lookEach)
	defer ticker.Stop()
	var askers []*person // in turn: each may ask a few times a second
	for _, p := range s.at(n) {
		if p.group%5 >= 2 && p != j.who {
			askers = append(askers, p)
		}
	}
	if len(askers) == 0 {
		return 0, fmt.Errorf("nobody is at %s", n.name)
	}
	rand.Shuffle(len(askers), func(a, b int) { askers[a], askers[b] = askers[b], askers[a] })
	for i := 0; time.Since(j.at) < lookFor; i++ {
		found, err := s.nearby(ctx, n, askers[i%len(askers)], j.to)
		if errors.Is(err, errNoPresence) {
			return 0, err
		}
		if slices.Contains(found, j.who.id) {
			return time.Since(j.at), nil
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-ticker.C:
		}
	}
	return 0, errors.New("not seen")
}

// nearby asks a node, as somebody who is there, who is near a place.
func (s *Site) nearby(ctx context.Context, n *node, as *person, at earshot.Vec3) (found []earshot.ParticipantID, err error) {
	url := fmt.Sprintf("%s/v1/presence/nearby?radius=%d&at=%g,%g,%g", n.url, near, at.X, at.Y, at.Z)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+as.token)
	res, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	var body struct {
		People []struct {
			Participant earshot.ParticipantID `json:"participant"`
		} `json:"people"`
	}
	switch err := json.NewDecoder(http.MaxBytesReader(nil, res.Body, 1<<20)).Decode(&body); {
	case res.StatusCode == http.StatusNotFound:
		return nil, errNoPresence
	case res.StatusCode != http.StatusOK:
		return nil, errors.New(res.Status)
	case err != nil:
		return nil, err
	}
	for _, p := range body.People {
		found = append(found, p.Participant)
	}
	return found, nil
}

// sets is when somebody was told that others are near. Safe for concurrent use.
type sets struct {
	mu    sync.Mutex
	times map[earshot.ParticipantID][]time.Time
}

// told takes a control message.
func (n *sets) told(m loadtest.Message) {
	near, ok := m.ServerMessage.(*protocol.Near)
	if !ok {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.times == nil {
		n.times = map[earshot.ParticipantID][]time.Time{}
	}
	for _, id := range near.Enter {
		n.times[id] = append(n.times[id], m.At)
	}
}

// entered is how long after a time somebody entered the set.
func (n *sets) entered(id earshot.ParticipantID, after time.Time) (time.Duration, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, at := range n.times[id] {
		if at.After(after) {
			return at.Sub(after), true
		}
	}
	return 0, false
}
