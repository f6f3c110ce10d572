package sfu

import (
	"testing"
	"testing/synctest"
	"time"
)

// From Retire on nothing of a session is heard and it hears nothing, whoever
// asks for it, while its data channels still take a goodbye.
func TestRetire(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.join(shape{voice: 1}), w.join(shape{voice: 1})
		talk := func() (fromA, fromB int) {
			for range 25 {
				a.sayFrame("from a", -30)
				b.sayFrame("from b", -30)
				time.Sleep(frameTime)
			}
			synctest.Wait()
			for _, r := range b.received(b.session.VoiceMIDs()[0]) {
				if r.payload == "from a" {
					fromA++
				}
			}
			for _, r := range a.received(a.session.VoiceMIDs()[0]) {
				if r.payload == "from b" {
					fromB++
				}
			}
			a.clear()
			b.clear()
			return fromA, fromB
		}
		a.hear(b)
		b.hear(a)
		if fromA, fromB := talk(); fromA < 24 || fromB < 24 {
			t.Fatalf("%d and %d packets before, want 25 each", fromA, fromB)
		}
		a.session.Retire()
		a.session.Retire()
		a.hear(b) // the tick of an instance may not know yet
		b.hear(a)
		a.session.Microphone().SetMuted(false)
		if fromA, fromB := talk(); fromA+fromB > 0 {
			t.Errorf("%d packets of the retired session, %d to it, want none", fromA, fromB)
		}
		check(t, a.session.SendControl([]byte("bye")))
		time.Sleep(time.Second)
		synctest.Wait()
		a.note(func() {
			if n := len(a.heard); n == 0 || a.heard[n-1] != "bye" {
				t.Errorf("the client got %q, want bye", a.heard)
			}
		})
	})
}
