package gateway

import (
	"context"
	"slices"
	"sync"
	"time"

	"earshot"
	"earshot/gateway/near"
	"earshot/moderation/policy"
	"earshot/presence/cluster"
	"earshot/presence/directory"
	"earshot/presence/store"
)

const (
	// watchFor is how long a world is followed after the last question about it.
	watchFor = 5 * time.Minute
	// watchSweep is how often it is looked whether that is over.
	watchSweep = 30 * time.Second
	// watchPatience is how long the first question about a world waits until it is
	// known who is there.
	watchPatience = time.Second
	watchAgain    = 20 * time.Millisecond

	asksPerSecond, asksBurst     = 5, 20 // questions of each participant
	wordsPerSecond, wordsBurst   = 1, 20 // changes of friends of each participant
	densityFloor                 = 3     // fewer in a cell are not told
	maxNear                      = 200   // people in one answer
	nearRadius, nearLimit        = 30, 64
	friendsWorlds                = 16 // looked into for one question about friends
	nearAnswerWithin             = 3 * time.Second
	maxSubscribers, maxOwnSocket = 1000, 2
)

// lookout answers who is near whom, where friends are, and how full a world is.
// Where nodes share a store it asks the directory; a node alone, and a world whose
// instances span nodes, is looked at itself.
type lookout struct {
	g       *Gateway
	dir     *directory.Directory // nil: this node is alone
	friends store.Friendships
	node    earshot.NodeID
	asks    *pace
	words   *pace
	metrics *nearMetrics

	// mu guards what follows. It is never held across a call of the store.
	mu      sync.Mutex
	clock   cluster.Clock // of friendships
	watched map[string]*watchedWorld
	lines   map[earshot.ParticipantID][]*nearLine // oldest first
	count   int
	closed  bool // the server ends
}

// watchedWorld is one that the directory follows.
type watchedWorld struct {
	stop         func()
	since, until time.Time
}

// newLookout takes what nodes share, nil where this one is alone. Friendships are
// then in memory.
func newLookout(g *Gateway, shared store.Store) (*lookout, error) {
	l := &lookout{
		g: g, asks: newPace(asksPerSecond, asksBurst), words: newPace(wordsPerSecond, wordsBurst),
		metrics: newNearMetrics(g.deps.Metrics), watched: make(map[string]*watchedWorld),
		lines: make(map[earshot.ParticipantID][]*nearLine),
	}
	if shared == nil {
		l.friends = store.NewMemory()
		return l, nil
	}
	l.friends, l.node = shared, g.fleet.ID()
	var err error
	l.dir, err = directory.New(directory.DefaultConfig(), directory.Deps{Log: g.log, Store: shared})
	return l, err
}

// run keeps the view of other nodes until ctx ends.
func (l *lookout) run(ctx context.Context) error {
	if l.dir == nil {
		<-ctx.Done()
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var sweeper sync.WaitGroup
	sweeper.Go(func() { l.sweep(ctx) })
	defer sweeper.Wait()
	return l.dir.Run(ctx)
}

func (l *lookout) sweep(ctx context.Context) {
	ticker := time.NewTicker(watchSweep)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			l.mu.Lock()
			for world, w := range l.watched {
				if now.After(w.until) {
					w.stop()
					delete(l.watched, world)
				}
			}
			l.mu.Unlock()
		case <-ctx.Done():
			return
		}
	}
}

// watch follows a world for a while, and waits for a moment until it is known who
// is there if that has only begun.
func (l *lookout) watch(ctx context.Context, world string) {
	now := time.Now()
	l.mu.Lock()
	w := l.watched[world]
	if w == nil {
		w = &watchedWorld{stop: l.dir.Watch(world), since: now}
		l.watched[world] = w
	}
	w.until = now.Add(watchFor)
	patience := watchPatience - now.Sub(w.since)
	l.mu.Unlock()
	for ; patience > 0 && !l.dir.Complete(world); patience -= watchAgain {
		select {
		case <-time.After(watchAgain):
		case <-ctx.Done():
			return
		}
	}
}

// nearQuestion asks who is near.
type nearQuestion struct {
	viewer  earshot.ParticipantID
	world   string
	place   *earshot.Vec3 // nil: wherever viewer is
	radius  float64       // metres
	friends bool          // only friends
	limit   int
}

// nearAnswer is who is near, the nearest first.
type nearAnswer struct {
	place    earshot.Vec3
	people   []near.Person
	complete bool
}

// near answers q. The *earshot.Error is failed_precondition for a viewer who is
// not in the world themselves, or not to be seen there.
func (l *lookout) near(ctx context.Context, q nearQuestion) (nearAnswer, error) {
	if l.local(q.world) {
		return l.nearHere(ctx, q)
	}
	return l.nearAnywhere(ctx, q)
}

// local reports whether this node itself knows everybody in a world.
func (l *lookout) local(world string) bool {
	return l.dir == nil || l.g.cfg.Cluster.spans(world)
}

// behind is how old the view of other nodes is.
func (l *lookout) behind() time.Duration {
	if l.dir == nil {
		return 0
	}
	return l.dir.Behind()
}

// mutual are those who are friends in both directions, sorted.
func (l *lookout) mutual(ctx context.Context, viewer earshot.ParticipantID) ([]earshot.ParticipantID, error) {
	if l.dir != nil {
		return l.dir.Mutual(ctx, viewer)
	}
	mine, err := l.friends.Friends(ctx, viewer)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(mine, func(id earshot.ParticipantID) bool {
		theirs, err := l.friends.Friends(ctx, id)
		return err != nil || !slices.Contains(theirs, viewer)
	}), nil
}

// befriend says that who has other as a friend, or no longer.
func (l *lookout) befriend(ctx context.Context, who earshot.ParticipantID, others []earshot.ParticipantID, on bool) error {
	l.mu.Lock()
	stamp := cluster.Stamp{HLC: l.clock.Next(time.Now()), Node: l.node}
	l.mu.Unlock()
	err := l.friends.Befriend(ctx, who, others, on, stamp)
	if l.dir != nil {
		l.dir.Forget(who)
	}
	return err
}

// blocked ends the friendship of by with those whom they block. It may be called
// on nil.
func (l *lookout) blocked(by earshot.ParticipantID, others []earshot.ParticipantID) {
	if l == nil || len(others) == 0 {
		return
	}
	l.g.work.Go(func() {
		ctx, cancel := l.g.brief()
		defer cancel()
		mine, err := l.friends.Friends(ctx, by)
		if err == nil {
			mine = slices.DeleteFunc(mine, func(id earshot.ParticipantID) bool { return !slices.Contains(others, id) })
			if len(mine) > 0 {
				err = l.befriend(ctx, by, mine, false)
			}
		}
		if err != nil { // the block holds all the same
			l.g.log.Warn("a friendship that a block ends could not be ended", "participant", by, "error", err)
		}
		if l.dir != nil {
			l.dir.Forget(by)
		}
	})
}

// outcast reports whether moderation keeps somebody from others in a world.
func (g *Gateway) outcast(world string, who earshot.ParticipantID, now time.Time) bool {
	if g.pipeline == nil {
		return false
	}
	o := g.pipeline.Standing(world, who)
	_, out := o.Sanctioned(policy.Suspend, now)
	_, alone := o.Sanctioned(policy.Isolate, now)
	return out || alone
}
