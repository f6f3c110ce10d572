package library

import (
	"context"
	"time"

	"earshot"
)

const (
	// PollEvery is how late a change on another node may be seen, beside the
	// time that the store takes.
	PollEvery = time.Second
	// fullEvery is after how many polls everything is compared, also if nobody
	// said that something changed: who published may have died before saying so.
	fullEvery = 30
)

// Change says that an NPC has a new newest version.
type Change struct {
	World   string
	ID      string
	Version int // 0: it was deleted
}

// Watch calls apply for every NPC there is, and then for every change until ctx
// ends: of this process at once, of others that share the store within
// PollEvery. Of several quick changes only the last may be told. trouble, which
// may be nil, is called when the store does not answer; Watch goes on. It
// returns ctx's error.
func (l *Library) Watch(ctx context.Context, apply func(Change), trouble func(error)) error {
	woken := make(chan struct{}, 1)
	l.mu.Lock()
	l.watchers[woken] = true
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.watchers, woken)
	}()
	w := watcher{l: l, apply: apply, seen: map[[2]string]int{}}
	ticker := time.NewTicker(PollEvery)
	defer ticker.Stop()
	for full := true; ; {
		if err := w.look(ctx, full); err != nil && ctx.Err() == nil && trouble != nil {
			trouble(err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-woken:
			full = true
		case <-ticker.C:
			full = false
		}
	}
}

// watcher is one Watch.
type watcher struct {
	l      *Library
	apply  func(Change)
	seen   map[[2]string]int // version by world and id; 0: deleted, or never there
	serial uint64            // of serialKey when seen was right
	polls  int
}

// look compares what there is with what was seen, if there is reason to.
func (w *watcher) look(ctx context.Context, full bool) error {
	v, err := w.l.store.Get(ctx, serialKey)
	if err != nil && earshot.CodeOf(err) != earshot.CodeNotFound {
		return err
	}
	w.polls++
	if !full && v.Revision == w.serial && w.polls%fullEvery != 0 {
		return nil
	}
	heads, err := w.l.heads(ctx, "")
	if err != nil {
		return err
	}
	for _, h := range heads {
		version := h.newest()
		if h.Deleted {
			version = 0
		}
		key := [2]string{h.world, h.id}
		if w.seen[key] != version {
			w.seen[key] = version
			w.apply(Change{h.world, h.id, version})
		}
	}
	w.serial = v.Revision
	return nil
}

// tell wakes who watches, here and on other nodes. Failing to is harmless: they
// look by themselves.
func (l *Library) tell(ctx context.Context) {
	l.mu.Lock()
	for woken := range l.watchers {
		select {
		case woken <- struct{}{}:
		default: // it is about to look anyway
		}
	}
	l.mu.Unlock()
	for range 4 {
		v, err := l.store.Get(ctx, serialKey)
		if err != nil && earshot.CodeOf(err) != earshot.CodeNotFound {
			return
		}
		if _, err = l.store.Put(ctx, serialKey, nil, v.Revision, 0); earshot.CodeOf(err) != earshot.CodeAborted {
			return
		}
	}
}
