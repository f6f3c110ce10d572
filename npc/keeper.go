package npc

import (
	"context"
	"sync"
	"time"

	"earshot"
)

// keeper hands experiences to the memory one after the other, in the order of
// what happened, while the actor goes on.
type keeper struct {
	a     *Actor
	queue chan keeping

	mu   sync.Mutex
	last uint64                           // kept so far
	gone map[earshot.ParticipantID]uint64 // up to which nothing of a player is to be remembered any more
}

type keeping struct {
	player earshot.ParticipantID
	at     time.Time
	e      Experience
	number uint64
}

// maxKept bounds what waits for a slow memory.
const maxKept = 32

func newKeeper(a *Actor) *keeper {
	return &keeper{a: a, queue: make(chan keeping, maxKept), gone: map[earshot.ParticipantID]uint64{}}
}

// forget drops what waits to be remembered of a player: they may have asked
// for it a moment ago.
func (k *keeper) forget(id earshot.ParticipantID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.queue) == 0 {
		clear(k.gone)
		return
	}
	k.gone[id] = k.last
}

func (k *keeper) wanted(e *keeping) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return e.number > k.gone[e.player]
}

func (k *keeper) keep(s *stage, e keeping) {
	k.mu.Lock()
	k.last++
	e.number = k.last
	k.mu.Unlock()
	select {
	case k.queue <- e:
	default:
		s.forgetful(earshot.Errorf(earshot.CodeResourceExhausted, "the memory is too slow: an exchange was not kept"))
	}
}

// run ends with ctx, and first keeps what waits.
func (k *keeper) run(ctx context.Context) {
	for {
		select {
		case e := <-k.queue:
			k.remember(ctx, e)
		case <-ctx.Done():
			for {
				select {
				case e := <-k.queue:
					k.remember(ctx, e)
				default:
					return
				}
			}
		}
	}
}

func (k *keeper) remember(ctx context.Context, e keeping) {
	if !k.wanted(&e) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), memoryTime)
	defer cancel()
	if err := k.a.deps.Memory.Remember(ctx, k.a.cfg.ID, e.player, e.at, e.e); err != nil {
		k.a.figures.add(func(f *Figures) { f.Forgetful++ })
		k.a.figures.failed(time.Now(), "memory: "+err.Error())
		k.a.deps.Metrics.troubles.WithLabelValues("memory").Inc()
	}
}
