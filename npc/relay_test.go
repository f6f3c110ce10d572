package npc

import (
	"bytes"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// relay is a TCP relay in front of a model server that notes when a client
// closes the connection of a chat. Then it closes that to the server.
type relay struct {
	net.Listener
	target string
	closed chan time.Time // of a connection that carried a chat
	work   sync.WaitGroup

	// mu guards open.
	mu   sync.Mutex
	open map[net.Conn]bool
}

func newRelay(t *testing.T, url string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{Listener: l, target: strings.TrimPrefix(strings.TrimSuffix(url, "/"), "http://"), closed: make(chan time.Time, 64), open: map[net.Conn]bool{}}
	r.work.Go(r.accept)
	t.Cleanup(r.end)
	return r
}

func (r *relay) url() string { return "http://" + r.Addr().String() }

func (r *relay) end() {
	r.Close()
	r.mu.Lock()
	for c := range r.open {
		c.Close()
	}
	r.mu.Unlock()
	r.work.Wait()
}

func (r *relay) accept() {
	for {
		client, err := r.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", r.target)
		if err != nil {
			client.Close()
			continue
		}
		r.mu.Lock()
		r.open[client], r.open[server] = true, true
		r.mu.Unlock()
		r.work.Go(func() { r.up(client, server) })
		r.work.Go(func() {
			io.Copy(client, server)
			client.Close()
		})
	}
}

// up carries what the client sends until it closes.
func (r *relay) up(client, server net.Conn) {
	chat, buffer := false, make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		chat = chat || bytes.HasPrefix(buffer[:n], []byte("POST /api/chat"))
		server.Write(buffer[:n])
		if err != nil {
			break
		}
	}
	at := time.Now()
	server.Close()
	if chat {
		select {
		case r.closed <- at:
		default: // nobody counts so many
		}
	}
}

// forget drops what was noted so far.
func (r *relay) forget() {
	for len(r.closed) > 0 {
		<-r.closed
	}
}
