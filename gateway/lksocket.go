package gateway

import (
	"sync"
	"time"

	"github.com/gofiber/contrib/websocket"
)

// lkSocket is one WebSocket of a LiveKit client: the messages of its signalling
// in binary frames. One goroutine writes; whoever made it reads. A session may
// have several, one after the other.
type lkSocket struct {
	conn   *websocket.Conn
	queue  chan []byte
	quit   chan struct{}
	once   sync.Once
	writer sync.WaitGroup
}

func newLKSocket(conn *websocket.Conn) *lkSocket {
	w := &lkSocket{conn: conn, queue: make(chan []byte, socketQueue), quit: make(chan struct{})}
	w.writer.Go(w.write)
	return w
}

// send queues a message; it reports false when the queue is full.
func (w *lkSocket) send(msg []byte) bool {
	select {
	case w.queue <- msg:
		return true
	default:
		return false
	}
}

// close ends the socket; what is queued is still written, within a deadline.
func (w *lkSocket) close() {
	w.once.Do(func() { close(w.quit) })
	w.writer.Wait()
	_ = w.conn.Close()
}

// read hands what comes to f until the socket ends.
func (w *lkSocket) read(f func(data []byte)) {
	alive := func(string) error { return w.conn.SetReadDeadline(time.Now().Add(socketSilence)) }
	w.conn.SetPongHandler(alive)
	for {
		_ = alive("")
		kind, data, err := w.conn.ReadMessage()
		if err != nil {
			return
		}
		if kind == websocket.BinaryMessage { // the JSON form of old clients is not spoken
			f(data)
		}
	}
}

func (w *lkSocket) write() {
	ping := time.NewTicker(socketPing)
	defer ping.Stop()
	for {
		var err error
		select {
		case msg := <-w.queue:
			err = w.put(websocket.BinaryMessage, msg)
		case <-ping.C:
			err = w.put(websocket.PingMessage, nil)
		case <-w.quit:
			w.drain()
			return
		}
		if err != nil {
			_ = w.conn.Close() // wakes the reader
			<-w.quit
			return
		}
	}
}

func (w *lkSocket) drain() {
	for {
		select {
		case msg := <-w.queue:
			if w.put(websocket.BinaryMessage, msg) != nil {
				return
			}
		default:
			_ = w.put(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""))
			return
		}
	}
}

func (w *lkSocket) put(kind int, data []byte) error {
	_ = w.conn.SetWriteDeadline(time.Now().Add(socketWrite))
	return w.conn.WriteMessage(kind, data)
}
