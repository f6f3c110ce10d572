package sfu

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// messages is a channel as pion's SCTP gives it: a message that does not fit
// stays.
type messages [][]byte

func (m *messages) Read(b []byte) (int, error) {
	if len(*m) == 0 {
		return 0, io.EOF
	}
	if len((*m)[0]) > len(b) {
		return 0, io.ErrShortBuffer
	}
	n := copy(b, (*m)[0])
	*m = (*m)[1:]
	return n, nil
}

func TestReadMessages(t *testing.T) {
	var came [][]byte
	keep := func(b []byte) { came = append(came, bytes.Clone(b)) }
	sent := messages{[]byte("one"), {}, bytes.Repeat([]byte("x"), maxMessage), []byte("four")}
	want := append(messages(nil), sent...)
	if err := readMessages(&sent, keep); !errors.Is(err, io.EOF) {
		t.Errorf("readMessages = %v, want EOF", err)
	}
	for i := range want {
		if i >= len(came) || !bytes.Equal(came[i], want[i]) {
			t.Fatalf("message %d of %d bytes is missing or another", i, len(want[i]))
		}
	}
	sent = messages{make([]byte, maxMessage+1), []byte("late")}
	came = nil
	if err := readMessages(&sent, keep); !errors.Is(err, io.ErrShortBuffer) || len(came) > 0 {
		t.Errorf("after a message too long: %v, %d messages, want ErrShortBuffer and none", err, len(came))
	}
}

// TestLongMessages sends messages longer than usual on the real stack, on both
// kinds of channels, between usual ones.
func TestLongMessages(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.join(shape{voice: 1})
		long := strings.Repeat("long ", 4000)
		for range 3 {
			check(t, p.control.SendText("short"))
			check(t, p.control.SendText(long))
			check(t, p.poseUp.Send([]byte("pose")))
			check(t, p.poseUp.Send([]byte(long)))
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		p.note(func() {
			if len(p.got) != 6 || p.got[0] != "short" || p.got[5] != long {
				t.Errorf("%d control messages came, want 6 in order", len(p.got))
			}
			if len(p.poses) != 6 {
				t.Errorf("%d messages came on pose-up, want 6", len(p.poses))
			}
		})
	})
}
