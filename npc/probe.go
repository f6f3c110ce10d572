package npc

import (
	"context"
	"errors"
	"slices"
	"time"

	"earshot/npc/router"
)

// probesToDown is how many probes must fail in a row until nothing is sent to
// a backend any more. Attempts that fail tell the router sooner.
const probesToDown = 2

// due returns the backends to probe now, and marks them as being probed.
func (c *Catalogue) due(now time.Time, every time.Duration) (due []*entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.entries {
		if !e.probing && !now.Before(e.next) {
			e.probing, e.next = true, now.Add(every)
			due = append(due, e)
		}
	}
	return due
}

// probe asks a backend what it has and loads what should be. It returns after
// seconds at most, unless it has a model to load.
func (c *Catalogue) probe(ctx context.Context, e *entry) *Failure {
	inv, err := e.server.Inventory(ctx)
	if ctx.Err() != nil {
		return nil
	}
	var failure *Failure
	errors.As(err, &failure)
	prewarm := c.learn(e, inv, failure, time.Now())
	for _, model := range prewarm {
		if err := e.server.Prewarm(ctx, e.cfg.upstream(model)); err != nil {
			errors.As(err, &failure)
			continue
		}
		c.loaded(e, model)
	}
	c.mu.Lock()
	e.probing = false
	c.mu.Unlock()
	return failure
}

// learn takes in what a probe found, and returns the models to load.
func (c *Catalogue) learn(e *entry, inv Inventory, failure *Failure, now time.Time) (prewarm []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries[e.cfg.ID] != e {
		return nil // it was dropped or replaced meanwhile
	}
	if failure != nil {
		e.problem = string(failure.Kind)
		if e.failed++; e.failed >= probesToDown {
			c.hide(e)
		}
		return nil
	}
	e.failed, e.problem, e.asked = 0, "", now
	described, _ := e.cfg.describe() // was valid when it came in
	e.missing = nil
	described.Models = slices.DeleteFunc(described.Models, func(m router.Model) bool {
		gone := !inv.Silent && !has(inv.Models, e.cfg.upstream(m.Name))
		if gone {
			e.missing = append(e.missing, m.Name)
		}
		return gone
	})
	if len(described.Models) == 0 {
		e.problem = string(FailedModel)
		c.hide(e)
		return nil
	}
	c.tell(func(r *router.Router) {
		if r.SetBackend(described) != nil {
			return
		}
		e.known = true
		for _, m := range described.Models {
			r.SetLoaded(described.ID, m.Name, inv.Silent || has(inv.Loaded, e.cfg.upstream(m.Name)))
		}
		r.SetRTT(described.ID, inv.RTT)
	})
	for _, m := range e.cfg.Models {
		if m.Prewarm && !inv.Silent && !slices.Contains(e.missing, m.Name) && !has(inv.Loaded, e.cfg.upstream(m.Name)) {
			prewarm = append(prewarm, m.Name)
		}
	}
	return prewarm
}

func (c *Catalogue) loaded(e *entry, model string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries[e.cfg.ID] == e {
		c.tell(func(r *router.Router) { r.SetLoaded(router.BackendID(e.cfg.ID), model, true) })
	}
}

// hide has the router send nothing to e any more. The caller holds mu.
func (c *Catalogue) hide(e *entry) {
	if e.known {
		e.known = false
		c.tell(func(r *router.Router) { r.RemoveBackend(router.BackendID(e.cfg.ID)) })
	}
}

// has reports whether a server's list holds a model, with or without the tag
// that Ollama implies.
func has(list []string, model string) bool {
	return slices.ContainsFunc(list, func(name string) bool {
		return name == model || name == model+":latest" || name+":latest" == model
	})
}
