package cluster

import (
	"bufio"
	"io"
	"net"
	"testing"
	"time"
)

// What is sent through a shut gate arrives when it is open again, on the same
// connection; the far end's death ends it.
func TestGate(t *testing.T) {
	far, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	go func() {
		for {
			c, err := far.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(c, c)
				c.Close()
			}()
		}
	}()
	g, err := newGate(far.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer g.close()
	c, err := net.Dial("tcp", g.address())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	say := func(text string) { io.WriteString(c, text+"\n") }
	lines := bufio.NewReader(c)
	hear := func(want string) {
		t.Helper()
		if got, err := lines.ReadString('\n'); err != nil || got != want+"\n" {
			t.Fatalf("came back %q, %v; want %q", got, err, want)
		}
	}
	say("one")
	hear("one")
	g.shut()
	say("two")
	c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if b, err := lines.ReadByte(); err == nil {
		t.Fatalf("%q passed a shut gate", b)
	}
	c.SetReadDeadline(time.Time{})
	g.reopen()
	hear("two")
	g.close()
	if _, err := lines.ReadByte(); err == nil {
		t.Error("the connection outlived the gate")
	}
}
