package node

import (
	"context"
	"sync"

	"earshot/presence/cluster"
)

// queue holds events until they are delivered. Its length is bounded by what the
// machine holds: each event is about a participant, an instance or an order
// that is here.
type queue struct {
	mu   sync.Mutex
	list []cluster.Event
	more chan struct{}
}

func newQueue() queue { return queue{more: make(chan struct{}, 1)} }

func (q *queue) put(e cluster.Event) {
	q.mu.Lock()
	q.list = append(q.list, e)
	q.mu.Unlock()
	select {
	case q.more <- struct{}{}:
	default:
	}
}

func (q *queue) deliver(ctx context.Context, to func(cluster.Event)) {
	for {
		q.mu.Lock()
		list := q.list
		q.list = nil
		q.mu.Unlock()
		for _, e := range list {
			to(e)
		}
		if len(list) > 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-q.more:
		}
	}
}
