package child

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports for servers lie below those that systems give to connections going out
// (Linux: from 32768 on): of those one is soon taken by somebody's connection,
// between asking for it and listening, or while a server is down that is to come
// back.
const (
	firstPort = 16384
	lastPort  = 32767
	portTries = 64
)

// FreePort returns a port of 127.0.0.1 that nobody has now, neither of TCP nor of
// UDP.
func FreePort() (port int, err error) {
	for range portTries {
		port = firstPort + rand.IntN(lastPort-firstPort+1)
		if err = isFree(port); err == nil {
			return port, nil
		}
	}
	return 0, fmt.Errorf("child: none of %d ports tried from %d to %d is free: %w", portTries, firstPort, lastPort, err)
}

func isFree(port int) error {
	at := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	l, err := net.Listen("tcp", at)
	if err != nil {
		return err
	}
	defer l.Close()
	c, err := net.ListenPacket("udp", at)
	if err != nil {
		return err
	}
	return c.Close()
}
