package gateway

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"earshot"
	"earshot/moderation/journal"
	"earshot/presence/docket"
	"earshot/presence/store"
)

const (
	// commonDocket is the name of the docket of moderation, for all worlds.
	commonDocket = "moderation"
	// commonEvery is how often it is read where nothing is heard: news get lost
	// without a word.
	commonEvery = 2 * time.Second
	// commonAgain is how soon after a failure the store is asked again.
	commonAgain = 500 * time.Millisecond
	// commonWhole is how often it is read as a whole, and what is in force until
	// lifted is said again, so that it does not end there.
	commonWhole = 24 * time.Hour
	// commonWait is how long who comes waits for what other nodes decided, and a
	// moderator for what they did to be known there; commonFirst, where nothing
	// has been read yet.
	commonWait  = 500 * time.Millisecond
	commonFirst = 3 * time.Second
	// maxCommonQueue bounds news that wait to be taken in; more are read later.
	maxCommonQueue = 1024
)

// commons shares what moderation decides with the other nodes: it writes down
// what this node's journal says for them, and has the pipeline take in what they
// wrote. One goroutine asks the store and takes in, another listens; whoever
// comes may have the first read on, and waits for it.
type commons struct {
	g     *Gateway
	store store.Store
	seal  *commonSeal
	kick  chan struct{}

	waiting prometheus.Gauge
	taken   *prometheus.CounterVec // by result

	// mu guards all below. It is never held across a call into another package
	// but the docket's, which waits for nothing.
	mu      sync.Mutex
	docket  *docket.Docket
	queue   []docket.Placed // in their order, to be taken in
	met     uint64          // docket.Met when the queue was last empty
	away    bool            // the store did not answer the last time
	changed chan struct{}   // closed when met, away or what waits has changed
	warned  bool
	late    map[suspect]struct{} // what is in force on them could not be told
}

// suspect is a person in a world.
type suspect struct {
	world string
	who   earshot.ParticipantID
}

// newCommons returns nil where there is nothing to share, or nobody.
func newCommons(g *Gateway, shared store.Store) *commons {
	if g.pipeline == nil || shared == nil {
		return nil
	}
	seal := g.keys.commonSeal()
	if seal == nil {
		g.log.Warn("moderation is not shared with other nodes: give all nodes an HS256 key in common")
		return nil
	}
	c := &commons{
		g: g, store: shared, seal: seal, kick: make(chan struct{}, 1), docket: docket.New(),
		changed: make(chan struct{}), late: make(map[suspect]struct{}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "earshot_moderation_unshared", Help: "What this node decided and other nodes have not been told yet.",
		}),
		taken: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "earshot_moderation_heard_total", Help: "What other nodes wrote down about moderation: taken in, unreadable (another key or version), or failed (the journal: it is read again).",
		}, []string{"result"}),
	}
	g.deps.Metrics.MustRegister(c.waiting, c.taken)
	g.deps.Moderation.Journal.Share(g.cfg.Fleet.URL, c.tell)
	return c
}

// run shares until ctx ends.
func (c *commons) run(ctx context.Context) {
	var listening sync.WaitGroup
	defer listening.Wait()
	listening.Go(func() { c.listen(ctx) })
	timer := time.NewTimer(0)
	defer timer.Stop()
	whole := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.kick:
		case <-timer.C:
			c.mu.Lock()
			c.docket.Miss()
			if time.Since(whole) >= commonWhole {
				whole = time.Now()
				c.docket.Again()
			}
			c.mu.Unlock()
		}
		next := commonEvery
		if !c.work(ctx) {
			next = commonAgain
		}
		timer.Reset(next)
	}
}

// listen hears of what others write, and has it read where something may have
// been missed.
func (c *commons) listen(ctx context.Context) {
	for ctx.Err() == nil {
		_ = c.store.FollowDocket(ctx, commonDocket, func() {
			c.mu.Lock()
			c.docket.Miss()
			c.mu.Unlock()
			c.wake()
		}, func(n docket.News) {
			c.mu.Lock()
			if len(c.queue) >= maxCommonQueue {
				c.docket.Miss()
			} else if c.docket.Hear(n) {
				c.queue = append(c.queue, n.Placed)
			}
			c.mu.Unlock()
			c.wake()
		})
		select { // it ended: the store is away, and is read every two seconds meanwhile
		case <-ctx.Done():
		case <-time.After(commonAgain):
		}
	}
}

func (c *commons) wake() {
	select {
	case c.kick <- struct{}{}:
	default:
	}
}

// work does all there is to do, and reports whether the store answered.
func (c *commons) work(ctx context.Context) bool {
	for ctx.Err() == nil {
		c.mu.Lock()
		queue := c.queue
		c.queue = nil
		var op docket.Op
		more := false
		if len(queue) == 0 {
			c.met = c.docket.Met()
			op, more = c.docket.Next()
		}
		c.note()
		c.mu.Unlock()
		switch {
		case len(queue) > 0:
			if !c.take(ctx, queue) {
				return false
			}
		case !more:
			c.catchUp()
			return true
		case !c.ask(ctx, op):
			return false
		}
	}
	return false
}

// note tells who waits that something may have changed. mu is held.
func (c *commons) note() {
	c.waiting.Set(float64(c.docket.Waiting()))
	close(c.changed)
	c.changed = make(chan struct{})
}

// ask asks the store, and reports whether it answered.
func (c *commons) ask(ctx context.Context, op docket.Op) bool {
	var page docket.Page
	var err error
	if op.Append != nil {
		err = c.store.Enter(ctx, commonDocket, op.Append)
	} else {
		page, err = c.store.ReadDocket(ctx, commonDocket, op.After)
	}
	again := false
	c.mu.Lock()
	was := c.away
	c.away = err != nil
	switch {
	case err != nil:
		c.docket.Failed()
	case op.Append != nil:
		c.docket.Written()
	default:
		var entries []docket.Placed
		entries, again = c.docket.Read(page)
		c.queue = append(c.queue, entries...)
	}
	c.note()
	c.mu.Unlock()
	if err != nil && !was && ctx.Err() == nil {
		c.g.log.Warn("what moderation decides does not reach other nodes, nor theirs this one, until the store answers", "err", err)
	}
	if again {
		c.sayAgain()
	}
	return err == nil
}

// sayAgain writes down what is known here and the docket lacks, whoever wrote it:
// the store may have been emptied, and a node that knew may be gone.
func (c *commons) sayAgain() {
	now := time.Now()
	err := c.g.deps.Moderation.Journal.Sharing(now, func(s journal.Shared) {
		c.mu.Lock()
		lacks := c.docket.Lacks(c.seal.id(&s))
		c.mu.Unlock()
		if lacks || s.Ongoing {
			c.put(&s, now)
		}
	})
	if err != nil {
		c.g.log.Error("what is known of moderation could not be told to other nodes again", "err", err)
	}
	c.mu.Lock()
	c.docket.Said()
	c.mu.Unlock()
}

// tell has an entry of this node's journal written down.
func (c *commons) tell(s journal.Shared) {
	c.put(&s, time.Now())
	c.wake()
}

func (c *commons) put(s *journal.Shared, now time.Time) {
	e, err := c.seal.seal(s, now)
	if err != nil {
		if s.Until.After(now) {
			c.g.log.Error("an entry of moderation stays with this node", "err", err)
		}
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.docket.Put(e)
	c.waiting.Set(float64(c.docket.Waiting()))
}

// fresh waits until all is taken in that other nodes had written when it was
// called, for a moment, and reports whether it is. While the store is away, what
// is known here has to do.
func (c *commons) fresh() bool {
	if c == nil {
		return false
	}
	c.mu.Lock()
	c.docket.Miss()
	n, wait := c.docket.Missed(), commonWait
	if c.docket.Met() == 0 {
		wait = commonFirst
	}
	c.mu.Unlock()
	c.wake()
	return c.until(wait, func() bool { return c.met >= n })
}

// written waits until all that this node has decided is known to the store, for a
// moment, and reports whether it is.
func (c *commons) written() bool {
	return c == nil || c.until(commonWait, func() bool { return c.docket.Waiting() == 0 })
}

// until waits for something that mu guards, but not for a store that is away.
func (c *commons) until(most time.Duration, is func() bool) bool {
	timer := time.NewTimer(most)
	defer timer.Stop()
	for {
		c.mu.Lock()
		done, away, changed := is(), c.away, c.changed
		c.mu.Unlock()
		if done || away {
			return done
		}
		select {
		case <-changed:
		case <-timer.C:
			return false
		}
	}
}

// finish writes what this node has decided to the last, for a moment.
func (c *commons) finish() {
	if c == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), commonWait)
	defer cancel()
	c.work(ctx)
}

// owe notes that what is in force on somebody could not be told to the register
// of participants.
func (c *commons) owe(world string, who earshot.ParticipantID) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.late) < maxCommonQueue {
		c.late[suspect{world, who}] = struct{}{}
	}
}

// catchUp tells it now.
func (c *commons) catchUp() {
	c.mu.Lock()
	none := len(c.late) == 0
	c.mu.Unlock()
	if none || c.g.fleet.Away() {
		return
	}
	c.mu.Lock()
	late := slices.Collect(maps.Keys(c.late))
	clear(c.late)
	c.mu.Unlock()
	for _, s := range late {
		c.g.fleet.decreed(s.world, s.who)
	}
}
