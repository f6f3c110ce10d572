package sfu

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// TestControlSoon: of messages that may wait the first goes at once, those that
// come soon after it go together, and one that may not wait takes along those
// before it. All come, in order, also those that wait as the session ends.
func TestControlSoon(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.join(shape{voice: 1})
		const moment = 20 * time.Millisecond // to the client
		var want []string
		say := func(send func([]byte) error) {
			msg := fmt.Sprintf("message %d", len(want))
			want = append(want, msg)
			check(t, send([]byte(msg)))
		}
		heard := func(n int, what string) {
			t.Helper()
			synctest.Wait()
			a.note(func() {
				if !slices.Equal(a.heard, want[:n]) {
					t.Errorf("%s: the client has %q, want the first %d of %d", what, a.heard, n, len(want))
				}
			})
		}
		time.Sleep(time.Second)
		say(a.session.SendControlSoon)
		time.Sleep(moment)
		heard(1, "the first")
		for range 6 {
			say(a.session.SendControlSoon)
			time.Sleep(moment / 2)
		}
		heard(1, "while they gather")
		time.Sleep(together - 4*moment + moment)
		heard(7, "together")
		say(a.session.SendControlSoon)
		say(a.session.SendControl)
		time.Sleep(moment)
		heard(9, "one that may not wait")
		for range maxHeld {
			say(a.session.SendControlSoon)
		}
		time.Sleep(moment)
		heard(9+maxHeld, "as many as may wait")
		say(a.session.SendControlSoon)
		a.session.Close()
		time.Sleep(moment)
		heard(len(want), "after the end")
	})
}
