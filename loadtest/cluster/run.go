package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"earshot"
	"earshot/loadtest/report"
)

// scenario is something that happens to a site where everybody is in.
type scenario struct {
	name, about string
	play        func(*Site, context.Context) error
}

// list is a function, since nothing may change it.
func list() []scenario {
	return []scenario{
		{"kill", "kill -9 of the node with most people: when are they heard again?", (*Site).kill},
		{"store", "kill -9 of the store, and its return, empty: does anybody notice?", (*Site).absence},
		{"partition", "a node cut off from the store, then one that sleeps: do two nodes ever admit to one instance?", (*Site).partition},
		{"near", "people jump from place to place: when do those who see them know, and all nodes?", (*Site).neighbours},
		{"drain", "SIGTERM of the node with most people: what do they miss, and how long does it take?", (*Site).drain},
	}
}

// Scenarios are the names of all.
func Scenarios() (names []string) {
	for _, s := range list() {
		names = append(names, s.name)
	}
	return names
}

// About says what a scenario asks.
func About(name string) string {
	for _, s := range list() {
		if s.name == name {
			return s.about
		}
	}
	return ""
}

// Run plays the scenarios of cfg, each on a site of its own, and returns what
// was measured. A limit that was missed is no error. The *earshot.Error is
// invalid_argument for a cfg that cannot be.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	r := &Result{Began: time.Now(), Machine: report.ThisMachine(), Nodes: cfg.Nodes, People: cfg.People, Instances: cfg.Instances, Store: cfg.Store}
	if cfg.Store == "" {
		r.Store = filepath.Base(cfg.Server)
	}
	for _, s := range list() {
		for _, name := range cfg.Scenarios {
			if name != s.name {
				continue
			}
			played, err := play(ctx, &cfg, s)
			if err != nil {
				return r, fmt.Errorf("%s: %w", s.name, err)
			}
			r.Scenarios = append(r.Scenarios, played)
		}
	}
	return r, nil
}

// Stay starts a store and nodes, and nobody else, calls at with where they are,
// and ends them when ctx ends.
func Stay(ctx context.Context, cfg Config, at func(store string, nodes []string)) error {
	cfg.Drain = 0 // all nodes end at once: there is nowhere to go
	if err := cfg.validate(); err != nil {
		return err
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return earshot.Errorf(earshot.CodeInvalidArgument, "-out: %v", err)
	}
	s, err := open(ctx, &cfg, cfg.Dir, &Scenario{Name: "stay"})
	if err != nil {
		return err
	}
	defer s.close()
	var nodes []string
	for _, n := range s.nodes {
		nodes = append(nodes, n.url)
	}
	at(s.store.address, nodes)
	<-ctx.Done()
	var all sync.WaitGroup
	failed := make([]error, len(s.nodes))
	for i, n := range s.nodes {
		all.Go(func() { failed[i] = n.process.Terminate(endFor) })
	}
	all.Wait()
	return errors.Join(failed...)
}

// endFor is how long nodes may take to say goodbye.
const endFor = 5 * time.Second

// play plays one scenario.
func play(ctx context.Context, cfg *Config, sc scenario) (*Scenario, error) {
	out := &Scenario{Name: sc.name}
	fmt.Fprintf(cfg.Progress, "%s: %s\n", sc.name, sc.about)
	dir := filepath.Join(cfg.Dir, sc.name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "-out: %v", err)
	}
	site, err := open(ctx, cfg, dir, out)
	if err != nil {
		return nil, err
	}
	defer site.close()
	if err := site.arrive(ctx); err != nil {
		return nil, err
	}
	if err := sc.play(site, ctx); err != nil {
		return nil, err
	}
	site.audit()
	return out, nil
}
