package gateway

import (
	"sync"
	"time"

	"github.com/gofiber/contrib/websocket"
)

// outbox is one WebSocket with what waits to be written to it. One goroutine
// writes; whoever made it reads.
type outbox struct {
	conn     *websocket.Conn
	kind     int // of frame that messages are
	messages chan []byte
	poses    chan []byte // binary; nil where there are none
	goodbye  []byte      // a close frame; nil where the last message says enough
	quit     chan struct{}
	once     sync.Once
	writer   sync.WaitGroup
}

// start begins to write.
func (o *outbox) start() {
	if o.messages == nil {
		o.messages = make(chan []byte, socketQueue)
	}
	o.quit = make(chan struct{})
	o.writer.Go(o.write)
}

// send queues a message; it reports false when the queue is full.
func (o *outbox) send(msg []byte) bool {
	select {
	case o.messages <- msg:
		return true
	default:
		return false
	}
}

// last queues a message after which nothing comes, in place of the oldest where
// the queue is full.
func (o *outbox) last(msg []byte) {
	for !o.send(msg) {
		select {
		case <-o.messages:
		default:
		}
	}
}

// close ends the socket; what is queued is still written, within a deadline. Of
// two who close it, the second waits for the first: when the handler of a
// WebSocket has returned its conn is another's, and must not be touched any more.
func (o *outbox) close() {
	o.once.Do(func() {
		close(o.quit)
		o.writer.Wait()
		_ = o.conn.Close()
	})
}

// read hands each frame that comes to f until the socket ends.
func (o *outbox) read(f func(kind int, data []byte)) {
	alive := func(string) error { return o.conn.SetReadDeadline(time.Now().Add(socketSilence)) }
	o.conn.SetPongHandler(alive)
	for {
		_ = alive("")
		kind, data, err := o.conn.ReadMessage()
		if err != nil {
			return
		}
		f(kind, data)
	}
}

func (o *outbox) write() {
	ping := time.NewTicker(socketPing)
	defer ping.Stop()
	for {
		var err error
		select {
		case msg := <-o.messages:
			err = o.put(o.kind, msg)
		case datagram := <-o.poses:
			err = o.put(websocket.BinaryMessage, datagram)
		case <-ping.C:
			err = o.put(websocket.PingMessage, nil)
		case <-o.quit:
			o.drain()
			return
		}
		if err != nil {
			_ = o.conn.Close() // wakes the reader, which ends the session
			<-o.quit
			return
		}
	}
}

// drain writes the messages that were queued before close.
func (o *outbox) drain() {
	for {
		select {
		case msg := <-o.messages:
			if o.put(o.kind, msg) != nil {
				return
			}
		default:
			if o.goodbye != nil {
				_ = o.put(websocket.CloseMessage, o.goodbye)
			}
			return
		}
	}
}

func (o *outbox) put(kind int, data []byte) error {
	_ = o.conn.SetWriteDeadline(time.Now().Add(socketWrite))
	return o.conn.WriteMessage(kind, data)
}
