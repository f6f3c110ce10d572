package gateway

import "github.com/gofiber/contrib/websocket"

// lkSocket is one WebSocket of a LiveKit client: the messages of its signalling
// in binary frames. A session may have several, one after the other.
type lkSocket struct{ outbox }

func newLKSocket(conn *websocket.Conn) *lkSocket {
	w := &lkSocket{outbox{
		conn: conn, kind: websocket.BinaryMessage, goodbye: websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""),
	}}
	w.start()
	return w
}

// read hands the requests that come to f until the socket ends.
func (w *lkSocket) read(f func(data []byte)) {
	w.outbox.read(func(kind int, data []byte) {
		if kind == websocket.BinaryMessage { // the JSON form of old clients is not spoken
			f(data)
		}
	})
}
