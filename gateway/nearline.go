package gateway

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"earshot"
	"earshot/gateway/near"
	"earshot/gateway/protocol"
)

const (
	nearEvery    = 500 * time.Millisecond // it is looked
	nearBeat     = 5 * time.Second
	nearPatience = 2 * time.Second // for one look

	nearWordsPerSecond, nearWordsBurst = 5, 20 // messages of one client
	nearDropped                        = 100   // more refused than taken end it
)

// nearLine is one connection with its watches (gateway/near/NEAR.md). hear is
// called by whoever reads, run by a goroutine of its own.
type nearLine struct {
	expires time.Time // of the token
	// look says who is within reach metres of what a watch is about.
	look func(ctx context.Context, w near.Watch, reach float64) ([]near.Person, bool, error)
	// send queues a message; it reports false where too many wait.
	send func([]byte) bool
	wake chan struct{} // a watch waits for its snapshot
	stop chan *near.Bye

	// mu guards what follows.
	mu     sync.Mutex
	words  protocol.Limiter
	feeds  map[string]*nearFeed
	missed bool // a message found no room
}

type nearFeed struct {
	*near.Feed
	due     bool         // a snapshot
	trouble earshot.Code // as told; "" for none
}

func newNearLine(expires time.Time, look func(context.Context, near.Watch, float64) ([]near.Person, bool, error), send func([]byte) bool) *nearLine {
	return &nearLine{
		expires: expires, look: look, send: send, wake: make(chan struct{}, 1), stop: make(chan *near.Bye, 1),
		words: protocol.NewLimiter(nearWordsPerSecond, nearWordsBurst), feeds: make(map[string]*nearFeed),
	}
}

// end has run return bye.
func (l *nearLine) end(code earshot.Code, message string) {
	select {
	case l.stop <- &near.Bye{Code: code, Message: message}:
	default: // it is ending already
	}
}

// hear takes in a message of the client.
func (l *nearLine) hear(data []byte, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.words.Allow(now) {
		if l.words.Dropped() > nearDropped {
			l.end(earshot.CodeResourceExhausted, "your client went on sending too many messages")
			return
		}
		l.say(&near.Error{Code: earshot.CodeResourceExhausted, Message: "more than 5 messages a second; this one was refused"})
		return
	}
	msg, err := near.Parse(data)
	if err == nil {
		err = l.take(msg)
	}
	if err != nil {
		_, e := wireError(err)
		l.say(&near.Error{Code: e.Code, Message: e.Message, ID: idOf(msg)})
	}
}

// take does what a message says. mu is held.
func (l *nearLine) take(msg near.ClientMessage) error {
	switch m := msg.(type) {
	case *near.Watch:
		if l.feeds[m.ID] == nil && len(l.feeds) >= near.MaxWatches {
			return earshot.Errorf(earshot.CodeResourceExhausted, "%d watches are open on this connection; end one first", near.MaxWatches)
		}
		l.feeds[m.ID] = &nearFeed{Feed: near.NewFeed(*m), due: true}
	case *near.Unwatch:
		delete(l.feeds, m.ID)
		return nil
	case *near.Resync:
		f := l.feeds[m.ID]
		if f == nil {
			return earshot.Errorf(earshot.CodeNotFound, "there is no watch %q on this connection", m.ID)
		}
		f.Resync()
		f.due = true
	default:
		return invalid("auth has no place here; it is the first message, where the request had no token")
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
	return nil
}

func idOf(msg near.ClientMessage) string {
	switch m := msg.(type) {
	case *near.Watch:
		return m.ID
	case *near.Resync:
		return m.ID
	}
	return ""
}

// say sends a message. mu is held.
func (l *nearLine) say(msg near.ServerMessage) {
	if !l.send(near.Encode(msg)) {
		l.missed = true
	}
}

// run tells of what is watched until ctx ends, which is nil, or until something
// else ends it, which it returns.
func (l *nearLine) run(ctx context.Context) *near.Bye {
	looks, beats := time.NewTicker(nearEvery), time.NewTicker(nearBeat)
	defer looks.Stop()
	defer beats.Stop()
	expiry := time.NewTimer(time.Until(l.expires))
	defer expiry.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case bye := <-l.stop:
			return bye
		case <-expiry.C:
			return &near.Bye{Code: earshot.CodeUnauthenticated, Message: "your token has expired; connect again with a new one"}
		case <-looks.C:
			l.lookAll(ctx, false)
		case <-l.wake:
			l.lookAll(ctx, true)
		case <-beats.C:
			l.beat()
		}
		l.mu.Lock()
		missed := l.missed
		l.mu.Unlock()
		if missed {
			return &near.Bye{Code: earshot.CodeResourceExhausted, Message: "you read too slowly: more than 64 messages were waiting; connect again"}
		}
	}
}

// lookAll brings every watch up to date, or those that wait for a snapshot.
func (l *nearLine) lookAll(ctx context.Context, dueOnly bool) {
	l.mu.Lock()
	feeds := slices.SortedFunc(maps.Values(l.feeds), func(a, b *nearFeed) int {
		if a.Watch().ID < b.Watch().ID {
			return -1
		}
		return 1
	})
	if dueOnly {
		feeds = slices.DeleteFunc(feeds, func(f *nearFeed) bool { return !f.due })
	}
	l.mu.Unlock()
	for _, f := range feeds {
		within, cancel := context.WithTimeout(ctx, nearPatience)
		people, complete, err := l.look(within, f.Watch(), f.Reach())
		cancel()
		if ctx.Err() != nil {
			return
		}
		l.mu.Lock()
		if l.feeds[f.Watch().ID] == f && !l.missed {
			l.tell(f, people, complete, err)
		}
		l.mu.Unlock()
	}
}

// tell says what a look brought. What cannot be known now stays as it was told;
// for any other trouble nobody is told of any more. mu is held.
func (l *nearLine) tell(f *nearFeed, people []near.Person, complete bool, err error) {
	trouble := earshot.Code("")
	if err != nil {
		_, e := wireError(err)
		if trouble = e.Code; trouble != f.trouble {
			l.say(&near.Error{ID: f.Watch().ID, Code: e.Code, Message: e.Message})
		}
		people, complete = nil, false
	}
	f.trouble = trouble
	if trouble == earshot.CodeUnavailable || trouble == earshot.CodeDeadlineExceeded {
		return
	}
	f.due = false
	if msg := f.Update(people, complete); msg != nil {
		l.say(msg)
	}
}

func (l *nearLine) beat() {
	l.mu.Lock()
	defer l.mu.Unlock()
	seqs := make(map[string]uint64, len(l.feeds))
	for id, f := range l.feeds {
		seqs[id] = f.Seq()
	}
	l.say(&near.Beat{Seqs: seqs})
}
