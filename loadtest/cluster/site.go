package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/loadtest"
)

const (
	joinFor   = 30 * time.Second // one person, all attempts
	together  = 16               // people who join at once
	settleFor = 30 * time.Second
	// fresh is how recent a voice must be to be there.
	fresh = 200 * time.Millisecond
	// orderFor is how long an order has to be in force everywhere and in the
	// store: it is written at once.
	orderFor = 1500 * time.Millisecond
)

// Site is a store, nodes and people, all of this process's making.
type Site struct {
	cfg    *Config
	dir    string
	prefix string // of the store's keys
	began  time.Time
	store  *server
	nodes  []*node
	host   *loadtest.Host
	client *http.Client
	people []*person // by number, from 1
	report *Scenario
	probes int
}

// open starts a store and nodes.
func open(ctx context.Context, cfg *Config, dir string, report *Scenario) (*Site, error) {
	s := &Site{cfg: cfg, dir: dir, report: report, began: time.Now(), prefix: "earshot:"}
	var err error
	if s.host, err = loadtest.NewHost(0); err != nil {
		return nil, err
	}
	s.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: together}}
	if cfg.Store != "" {
		s.store = &server{address: cfg.Store}
		s.prefix = fmt.Sprintf("loadtest-%d:", s.began.UnixNano())
	} else if s.store, err = startServer(ctx, cfg.Server, dir); err != nil {
		s.close()
		return nil, err
	}
	for i := range cfg.Nodes {
		n, err := s.startNode(ctx, i+1)
		if err != nil {
			s.close()
			return nil, err
		}
		s.nodes = append(s.nodes, n)
	}
	s.say("%d nodes over %s", len(s.nodes), s.store.address)
	return s, nil
}

// close ends everything.
func (s *Site) close() {
	var all sync.WaitGroup
	for _, p := range s.people {
		if p.guest != nil {
			all.Go(func() { _ = p.guest.Close() })
		}
	}
	all.Wait()
	for _, n := range s.nodes {
		n.stop()
	}
	if s.store != nil {
		s.store.stop()
	}
	if s.client != nil {
		s.client.CloseIdleConnections()
	}
	s.host.Close()
}

// say notes what happens.
func (s *Site) say(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	at := time.Since(s.began)
	s.report.Log = append(s.report.Log, Line{at.Seconds(), text})
	fmt.Fprintf(s.cfg.Progress, "  %5.1f s  %s\n", at.Seconds(), text)
}

// fault notes what must not be.
func (s *Site) fault(format string, args ...any) {
	s.report.Faults = append(s.report.Faults, fmt.Sprintf(format, args...))
	s.say("FAULT: "+format, args...)
}

// instance is the id of one of the instances.
func instance(i int) earshot.InstanceID {
	return earshot.InstanceID("in_" + World + "_" + strconv.Itoa(i+2))
}

// arrive brings everybody in, waits until they hear one another, and gives the
// orders that have to hold from then on.
func (s *Site) arrive(ctx context.Context) error {
	for n := range s.cfg.People {
		within := n / s.cfg.Instances // who is so manieth in their instance
		p := &person{
			number: uint32(n + 1), name: "bot-" + strconv.Itoa(n+1), instance: instance(n % s.cfg.Instances),
			group: within / groupSize, moderate: within == 0,
		}
		p.id = earshot.ParticipantFor(s.cfg.Key.ID, p.name)
		p.spot.stand(place(p.group, within))
		s.people = append(s.people, p)
	}
	first, rest := s.people[:s.cfg.Instances], s.people[s.cfg.Instances:]
	if err := s.each(first, func(p *person) error { // each opens an instance where it is to be
		return s.bring(ctx, p, s.nodes[int(p.number-1)%len(s.nodes)])
	}); err != nil {
		return err
	}
	if err := s.each(rest, func(p *person) error { // at any door
		return s.bring(ctx, p, s.nodes[int(p.number/2)%len(s.nodes)])
	}); err != nil {
		return err
	}
	if err := s.settle(ctx); err != nil {
		return err
	}
	s.say("%d people in %d instances hear one another", len(s.people), s.cfg.Instances)
	return s.command(ctx)
}

// each calls f for some people at once.
func (s *Site) each(people []*person, f func(*person) error) error {
	var all sync.WaitGroup
	turn := make(chan struct{}, together)
	failed := make([]error, len(people))
	for i, p := range people {
		turn <- struct{}{}
		all.Go(func() {
			failed[i] = f(p)
			<-turn
		})
	}
	all.Wait()
	return errors.Join(failed...)
}

// bring has somebody join at a node, which may send them to another.
func (s *Site) bring(ctx context.Context, p *person, at *node) error {
	ctx, cancel := context.WithTimeout(ctx, joinFor)
	defer cancel()
	token, err := s.cfg.Sign(Guest{Subject: p.name, Name: p.name, Instance: p.instance, Moderate: p.moderate})
	if err != nil {
		return err
	}
	p.token = token
	p.guest, err = loadtest.Return(ctx, loadtest.ReturnConfig{
		Config: loadtest.Config{
			URL: at.url, Token: token, Number: p.number, Seed: s.cfg.Seed, Slots: voices, Speak: true, Talker: steady{},
			Move: &p.spot, PoseEvery: poseEvery, Host: s.host, HTTP: s.client,
			Hear:    func(_ int, at time.Time, r *loadtest.Received) { s.hear(p, at, r) },
			Control: p.sets.told,
		},
		Turned: p.turned,
	})
	if err != nil {
		return fmt.Errorf("%s: %w", p, err)
	}
	return nil
}

// settle returns when everybody hears somebody and is heard.
func (s *Site) settle(ctx context.Context) error {
	return s.await(ctx, settleFor, "everybody hears somebody and is heard", func() (bool, string) {
		now := time.Now()
		for _, p := range s.people {
			if s.hearer(p) && !p.hears.fresh(now, fresh) {
				return false, p.String() + " hears nobody"
			}
			if s.talker(p) && !p.heard.fresh(now, fresh) {
				return false, "nobody hears " + p.String()
			}
		}
		return true, ""
	})
}

// askEvery is how often await asks.
const askEvery = 20 * time.Millisecond

// await polls until cond holds.
func (s *Site) await(ctx context.Context, limit time.Duration, what string, cond func() (bool, string)) error {
	deadline := time.Now().Add(limit)
	for {
		ok, why := cond()
		if ok {
			return nil
		}
		if time.Now().After(deadline) {
			return earshot.Errorf(earshot.CodeDeadlineExceeded, "after %v it is not so that %s: %s", limit, what, why)
		}
		if err := s.wait(ctx, askEvery); err != nil {
			return err
		}
	}
}

// wait lets time pass.
func (s *Site) wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// mates are the others of p's group.
func (s *Site) mates(p *person) (list []*person) {
	for _, o := range s.people {
		if o != p && o.instance == p.instance && o.group == p.group {
			list = append(list, o)
		}
	}
	return list
}

// pair reports whether listener should hear talker.
func pair(listener, talker *person) bool {
	return !talker.muted && talker.blocking != listener.number && listener.blocking != talker.number
}

// hearer reports whether p should hear somebody, talker whether somebody should
// hear p.
func (s *Site) hearer(p *person) bool {
	return slices.ContainsFunc(s.mates(p), func(o *person) bool { return pair(p, o) })
}

func (s *Site) talker(p *person) bool {
	return slices.ContainsFunc(s.mates(p), func(o *person) bool { return pair(o, p) })
}

// command gives the orders that must hold: in a fifth of the groups the first
// has blocked the second, in another the third is muted by a moderator.
func (s *Site) command(ctx context.Context) error {
	blocks, mutes := 0, 0
	for _, p := range s.people {
		mates := s.mates(p)
		if len(mates) != groupSize-1 || p.number > mates[0].number {
			continue // once for each whole group
		}
		first, second, third := p, mates[0], mates[1]
		switch p.group % 5 {
		case 0:
			if err := first.guest.Bot().Send(&protocol.Block{Participant: second.id, Blocked: true}); err != nil {
				return err
			}
			first.blocking = second.number
			blocks++
		case 1:
			if err := s.mute(ctx, third); err != nil {
				return err
			}
			mutes++
		}
	}
	if err := s.wait(ctx, orderFor); err != nil {
		return err
	}
	now := time.Now()
	for _, p := range s.people {
		for _, o := range s.people {
			if o != p && o.instance == p.instance && !pair(p, o) {
				p.ears.ban(o.number, now)
			}
		}
	}
	s.say("%d blocks and %d mutes are in force", blocks, mutes)
	return nil
}

// mute has the moderator of their instance mute somebody, and returns when that
// is so: a moderator does one thing at a time.
func (s *Site) mute(ctx context.Context, p *person) error {
	moderator := s.moderator(p.instance).guest.Bot()
	if err := moderator.Send(&protocol.Moderate{Action: protocol.ActionMute, Participant: p.id}); err != nil {
		return err
	}
	p.muted = true
	ctx, cancel := context.WithTimeout(ctx, settleFor)
	defer cancel()
	err := moderator.Await(ctx, func() bool { return moderator.Participants()[p.id].Muted })
	if err != nil {
		return fmt.Errorf("%s is not muted: %w", p, err)
	}
	return nil
}

func (s *Site) moderator(id earshot.InstanceID) *person {
	i := slices.IndexFunc(s.people, func(p *person) bool { return p.instance == id && p.moderate })
	return s.people[i]
}

// at returns whose node is n, and of those who should be heard.
func (s *Site) at(n *node) (list []*person) {
	for _, p := range s.people {
		if p.guest.Bot().Node() == n.url {
			list = append(list, p)
		}
	}
	return list
}

// others are those of people who are not among some.
func (s *Site) others(some []*person) []*person {
	return slices.DeleteFunc(slices.Clone(s.people), func(p *person) bool { return slices.Contains(some, p) })
}
