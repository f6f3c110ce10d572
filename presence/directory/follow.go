package directory

import (
	"context"
	"time"

	"earshot"
	"earshot/presence/cluster"
)

// follower keeps the view of one instance: one goroutine listens to deltas,
// another reads the whole when one was lost, or nothing came for too long.
type follower struct {
	id     earshot.InstanceID
	cancel context.CancelFunc
	read   chan struct{} // asks for a read
	heard  chan struct{} // a delta came
}

func (f *follower) wake() { signal(f.read) }

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// follow begins to follow an instance. mu is held.
func (d *Directory) follow(ctx context.Context, id earshot.InstanceID) {
	ctx, cancel := context.WithCancel(ctx)
	f := &follower{id: id, cancel: cancel, read: make(chan struct{}, 1), heard: make(chan struct{}, 1)}
	d.followers[id] = f
	d.work.Go(func() { d.hear(ctx, f) })
	d.work.Go(func() { d.readOn(ctx, f) })
}

func (d *Directory) hear(ctx context.Context, f *follower) {
	var failing backoff
	for {
		began := time.Now()
		d.deps.Store.Follow(ctx, f.id, f.wake, func(delta cluster.Delta) {
			signal(f.heard)
			d.mu.Lock()
			whole := d.view.apply(delta, time.Now())
			d.mu.Unlock()
			if !whole {
				f.wake()
			}
		})
		if time.Since(began) > backoffMost {
			failing = backoff{}
		}
		if !d.pause(ctx, failing.next(), nil) {
			return
		}
	}
}

func (d *Directory) readOn(ctx context.Context, f *follower) {
	quiet := time.NewTimer(d.cfg.Quiet)
	defer quiet.Stop()
	for {
		select {
		case <-f.read:
			d.readUntilWhole(ctx, f.id)
		case <-f.heard:
		case <-quiet.C:
			d.readUntilWhole(ctx, f.id)
		case <-ctx.Done():
			return
		}
		quiet.Reset(d.cfg.Quiet)
	}
}

// readUntilWhole reads an instance until nothing is missing before the deltas
// that came meanwhile, or nobody owns it.
func (d *Directory) readUntilWhole(ctx context.Context, id earshot.InstanceID) {
	var failing backoff
	for {
		r, err := d.deps.Store.Do(ctx, cluster.ReadInstance{Instance: id})
		d.mu.Lock()
		if err == nil && r.Status == cluster.OK && r.Left > 0 {
			d.view.reset(id, r.Epoch, r.Seq, r.Members, time.Now())
		}
		again := err != nil || d.view.unread(id)
		d.mu.Unlock()
		if !again || !d.pause(ctx, failing.next(), nil) {
			return
		}
	}
}
