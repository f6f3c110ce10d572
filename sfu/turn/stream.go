package turn

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"time"

	"earshot/sfu/gate"
)

// maxFrame is the longest message of a client, in bytes: what pion reads at
// once, less one. No media packet comes near it.
const maxFrame = 1599

const (
	idle   = 2 * lifetime     // within which a client sends anything
	stalls = 10 * time.Second // within which it takes what it is sent
)

var errFrame = errors.New("turn: neither STUN nor channel data, or too long")

// streams hands connections over TCP or TLS to pion.
type streams struct {
	*gate.Listener
	server *Server
}

// Accept returns the next connection, a *stream.
func (l *streams) Accept() (net.Conn, error) {
	c, err := l.Next()
	if err != nil {
		return nil, err
	}
	s := &stream{Conn: c, server: l.server, reader: bufio.NewReaderSize(c, 2*maxFrame)}
	l.server.enter(s)
	return s, nil
}

// stream is a connection of a client. It reads message by message: pion puts
// messages together by recursion, which a client that sends single bytes could
// drive deep.
type stream struct {
	*gate.Conn
	server *Server
	reader *bufio.Reader
}

// Read returns one whole message (RFC 8656, section 3.1).
func (s *stream) Read(b []byte) (int, error) {
	if err := s.SetReadDeadline(s.server.now().Add(idle)); err != nil {
		return 0, err
	}
	return readFrame(s.reader, b)
}

func readFrame(r *bufio.Reader, b []byte) (int, error) {
	head, err := r.Peek(4)
	if err != nil {
		return 0, err
	}
	n := frameSize(head)
	if n == 0 || n > maxFrame || n > len(b) {
		return 0, errFrame
	}
	return io.ReadFull(r, b[:n])
}

// frameSize returns how long the message is that begins so, 0 where none does.
func frameSize(head []byte) int {
	length := int(binary.BigEndian.Uint16(head[2:]))
	switch head[0] >> 6 {
	case 0: // STUN: RFC 8489, section 5
		if length%4 == 0 {
			return 20 + length
		}
	case 1: // channel data, padded: RFC 8656, sections 12 and 12.5
		if head[0] <= 0x4f {
			return 4 + (length+3)&^3
		}
	}
	return 0
}

// Write sends a message, or gives the client up.
func (s *stream) Write(b []byte) (int, error) {
	if err := s.SetWriteDeadline(s.server.now().Add(stalls)); err != nil {
		return 0, err
	}
	n, err := s.Conn.Write(b)
	if err != nil {
		_ = s.Close() // part of a message may have left: nothing that follows would make sense
	}
	return n, err
}

// Close may be called more than once.
func (s *stream) Close() error {
	s.server.leave(s)
	return s.Conn.Close()
}

// key names a connection as pion's events do.
func key(client, own net.Addr) string { return client.String() + " " + own.String() }

func (s *Server) enter(c *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams[key(c.RemoteAddr(), c.LocalAddr())] = c
}

func (s *Server) leave(c *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := key(c.RemoteAddr(), c.LocalAddr()); s.streams[k] == c {
		delete(s.streams, k)
	}
}

// prove lets the connection stay on which an allocation was made.
func (s *Server) prove(client, own net.Addr, _, _, _ string, _ net.Addr, _ int) {
	s.mu.Lock()
	c := s.streams[key(client, own)]
	s.mu.Unlock()
	if c != nil {
		c.Prove()
	}
}
