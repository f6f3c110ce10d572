package cluster

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"earshot"
	"earshot/loadtest"
)

type instanceID = earshot.InstanceID

const (
	// knockEvery is how often each node is asked to let somebody in, and knockFor
	// how long it may take: those that wait for the store are asked anew.
	knockEvery = 300 * time.Millisecond
	knockFor   = time.Second
)

// knock is what a node answered to somebody who wanted in.
type knock struct {
	node           int
	instance       instanceID
	sent, answered time.Time
	verdict        loadtest.Verdict
}

// doors ask all nodes again and again to let strangers into some instances.
type doors struct {
	site *Site
	stop context.CancelFunc
	work sync.WaitGroup

	mu     sync.Mutex
	knocks []knock
	asked  int
}

// watchDoors begins to ask. The caller has to call close.
func (s *Site) watchDoors(ctx context.Context, instances []instanceID) *doors {
	ctx, stop := context.WithCancel(ctx)
	d := &doors{site: s, stop: stop}
	for _, id := range instances {
		for i := range s.nodes {
			d.work.Go(func() { d.ask(ctx, i, id) })
		}
	}
	return d
}

// close ends it and returns what was answered, in order of the answers.
func (d *doors) close() []knock {
	d.stop()
	d.work.Wait()
	slices.SortFunc(d.knocks, func(a, b knock) int { return a.answered.Compare(b.answered) })
	return d.knocks
}

func (d *doors) ask(ctx context.Context, node int, id instanceID) {
	ticker := time.NewTicker(knockEvery)
	defer ticker.Stop()
	for {
		d.work.Go(func() {
			k, ok := d.once(ctx, node, id)
			if !ok {
				return
			}
			d.mu.Lock()
			d.knocks = append(d.knocks, k)
			d.mu.Unlock()
		})
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// once asks one node, as somebody who has never been there.
func (d *doors) once(ctx context.Context, node int, id instanceID) (knock, bool) {
	d.mu.Lock()
	d.asked++
	name := "stranger-" + strconv.Itoa(d.asked)
	d.mu.Unlock()
	token, err := d.site.cfg.Sign(Guest{Subject: name, Name: name, Instance: id})
	if err != nil {
		return knock{}, false
	}
	within, cancel := context.WithTimeout(ctx, knockFor)
	defer cancel()
	k := knock{node: node, instance: id, sent: time.Now()}
	k.verdict, _, _ = loadtest.Probe(within, d.site.client, d.site.host, d.site.nodes[node].url, token, id)
	k.answered = time.Now()
	return k, ctx.Err() == nil
}

// owners is what answers say about who admitted to an instance, in order: a node
// is named again where another admitted in between. Two nodes that admit in
// turns, A, B and A again, are two owners at once: A must have stopped before B
// began. What was asked of A before B had answered does not count.
func owners(knocks []knock, id instanceID) (order []int, double bool) {
	var last knock // the admission that was asked for last
	for _, k := range knocks {
		if k.instance != id || k.verdict != loadtest.Admits {
			continue
		}
		switch {
		case len(order) == 0:
			order = append(order, k.node)
		case k.node == order[len(order)-1]:
		case k.sent.After(last.answered):
			double = double || slices.Contains(order, k.node)
			order = append(order, k.node)
		default:
			continue // asked before the other answered: either may have been first
		}
		last = k
	}
	return order, double
}

// firstAdmission is how long after a time an instance admitted by another node
// than one; false where none did. Node -1: by any.
func firstAdmission(knocks []knock, id instanceID, after time.Time, but int) (time.Duration, bool) {
	for _, k := range knocks {
		if k.instance == id && k.verdict == loadtest.Admits && k.sent.After(after) && k.node != but {
			return k.answered.Sub(after), true
		}
	}
	return 0, false
}
