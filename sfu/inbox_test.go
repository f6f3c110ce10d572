package sfu

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/transport/v4/packetio"
)

// Packets come out of an inbox as they went in, over the end of its ring and
// while it grows.
func TestInboxOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	b := newInbox(intakeBytes)
	var held [][]byte
	p := make([]byte, 1500)
	for range 20_000 {
		if len(held) < 1+random.IntN(60) {
			packet := make([]byte, random.IntN(1500))
			for i := range packet {
				packet[i] = byte(random.Uint32())
			}
			if n, err := b.Write(packet); n != len(packet) || err != nil {
				t.Fatal(n, err)
			}
			held = append(held, packet)
			continue
		}
		n, err := b.Read(p)
		if err != nil || !bytes.Equal(p[:n], held[0]) {
			t.Fatalf("a packet of %d bytes came, want one of %d: %v", n, len(held[0]), err)
		}
		held = held[1:]
	}
}

func TestInboxEdges(t *testing.T) {
	b := newInbox(4096)
	if _, err := b.Write(make([]byte, 4094)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Write(nil); !errors.Is(err, packetio.ErrFull) {
		t.Errorf("a packet without room: %v", err)
	}
	if n, err := b.Read(make([]byte, 10)); n != 10 || err != io.ErrShortBuffer {
		t.Errorf("a short read: %d, %v", n, err)
	}
	if _, err := b.Write([]byte{}); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Write([]byte{1}); err != io.ErrClosedPipe {
		t.Errorf("a write after the end: %v", err)
	}
	if n, err := b.Read(nil); n != 0 || err != nil {
		t.Errorf("what was there is lost: %d, %v", n, err)
	}
	if _, err := b.Read(nil); err != io.EOF {
		t.Errorf("a read after the end: %v", err)
	}
}

func TestInboxDoesNotAllocate(t *testing.T) {
	b, p := newInbox(intakeBytes), make([]byte, 1200)
	if n := testing.AllocsPerRun(100, func() {
		_, _ = b.Write(p)
		_, _ = b.Read(p)
	}); n != 0 {
		t.Errorf("a packet allocates %v times", n)
	}
}

// Who brings a packet to a stream reads it, unless somebody is at it, or nobody is
// there yet who can; then the reader is told.
func TestLanedThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := newMetrics(nil)
		check(t, err)
		s := &laned{intake: newLimits(m, 1).buffer(packetio.RTPBufferPacket, 1).(*intake), lane: newLane(time.Second, nil)}
		voice := testPacket(t, []byte("voice"))
		bring := func() {
			t.Helper()
			if !s.leave(voice) {
				t.Error("a packet found no room")
			}
			s.through()
		}
		bring() // nobody serves
		if s.count() != 1 {
			t.Fatalf("%d packets wait, want 1", s.count())
		}
		p, got, held := make([]byte, 1500), 0, make(chan struct{})
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			s.serve(func() bool {
				if _, err := s.Read(p); err != nil {
					return false
				}
				if got++; got == 3 {
					<-held
				}
				return true
			})
		}()
		synctest.Wait()
		if got != 1 {
			t.Fatalf("%d were read, want that which waited", got)
		}
		bring()
		if got != 2 {
			t.Fatalf("%d were read, want 2: who brings one reads it", got)
		}
		go bring()
		synctest.Wait()
		bring() // while that is at it
		if got != 3 {
			t.Fatalf("%d were read, want 3", got)
		}
		close(held)
		synctest.Wait()
		if got != 4 {
			t.Errorf("%d were read, want 4: the one that came meanwhile too", got)
		}
		check(t, s.intake.Close())
		<-ended
		s.through()
		if _, err := s.intake.Write(voice); err != io.ErrClosedPipe {
			t.Errorf("a packet after the end: %v", err)
		}
	})
}

// What pion has opened gets into a stream once, whichever way it came before.
func TestLanedTakesOnce(t *testing.T) {
	m, err := newMetrics(nil)
	check(t, err)
	l := newLane(time.Second, &strays{limits: newLimits(m, 1)})
	s := l.buffer(packetio.RTPBufferPacket, 1).(*laned)
	packet := testPacket(t, []byte("voice"))
	for range 2 {
		if n, err := s.Write(packet); n != len(packet) || err != nil {
			t.Fatal(n, err)
		}
	}
	if s.count() != 1 {
		t.Errorf("%d packets wait, want 1", s.count())
	}
}

// count returns how many packets wait.
func (b *inbox) count() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for at := 0; at < b.size; n++ {
		var length [2]byte
		b.copyOut(length[:], at)
		at += 2 + int(binary.BigEndian.Uint16(length[:]))
	}
	return n
}
