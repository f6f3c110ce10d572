package loadtest

import (
	"io"
	"sync"
)

// maxWaiting bounds the DTLS datagrams of a bot that wait to be read; further
// ones are lost, as they are in a socket.
const maxWaiting = 256

// inbox is a queue of datagrams whose memory is shared by all bots: one that
// is empty takes none.
type inbox struct {
	pool *sync.Pool // of *[]byte, laneMTU each

	mu      sync.Mutex
	arrived sync.Cond
	waiting []*[]byte
	closed  bool
}

func newInbox(pool *sync.Pool) *inbox {
	i := &inbox{pool: pool}
	i.arrived.L = &i.mu
	return i
}

// put queues a copy of a datagram.
func (i *inbox) put(datagram []byte) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.closed || len(i.waiting) == maxWaiting {
		return
	}
	b := i.pool.Get().(*[]byte)
	*b = append((*b)[:0], datagram...)
	i.waiting = append(i.waiting, b)
	i.arrived.Signal()
}

// take waits for a datagram; the caller gives it back.
func (i *inbox) take() (*[]byte, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for len(i.waiting) == 0 && !i.closed {
		i.arrived.Wait()
	}
	if i.closed {
		return nil, io.EOF
	}
	b := i.waiting[0]
	if i.waiting = i.waiting[1:]; len(i.waiting) == 0 {
		i.waiting = nil
	}
	return b, nil
}

func (i *inbox) give(b *[]byte) { i.pool.Put(b) }

// close has take return. It may be called again.
func (i *inbox) close() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.closed, i.waiting = true, nil
	i.arrived.Broadcast()
}
