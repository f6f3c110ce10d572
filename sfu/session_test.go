package sfu

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestVoiceIsForwarded(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b, c := w.join(shape{voice: 2}), w.join(shape{voice: 2}), w.join(shape{voice: 2})
		c.hear(a, b)
		for range 50 {
			a.sayFrame("from a", -30)
			b.sayFrame("from b", -30)
			time.Sleep(20 * time.Millisecond)
		}
		mids := c.session.VoiceMIDs()
		for i, want := range []string{"from a", "from b"} {
			got := c.received(mids[i])
			if len(got) < 49 || got[10].payload != want {
				t.Errorf("slot %d: %d packets, want 50 that say %q", i, len(got), want)
			}
		}
		if n := c.session.Packets(a.session.Microphone().ID()); n != 50 {
			t.Errorf("Packets(a) = %d, want 50", n)
		}
		if level, talking := a.session.Microphone().Level(time.Now()); level < -33 || level > -29 || !talking {
			t.Errorf("Level() = %v, %v, want about -30, true", level, talking)
		}
	})
}

func TestChannels(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.join(shape{voice: 1})
		for i := range 20 {
			check(t, a.session.SendControl(fmt.Appendf(nil, "down %d", i)))
			check(t, a.control.SendText(fmt.Sprintf("up %d", i)))
		}
		check(t, a.poseUp.Send([]byte("pose up")))
		if !a.session.SendPose([]byte("pose down")) {
			t.Error("SendPose() = false, want true")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		a.note(func() {
			if len(a.got) != 20 || a.got[19] != "up 19" || len(a.heard) != 20 || a.heard[19] != "down 19" {
				t.Errorf("server got %q, client got %q, want 20 messages each, in order", a.got, a.heard)
			}
			if len(a.poses) != 1 || len(a.seen) != 1 || a.opens != 1 {
				t.Errorf("%d poses up, %d down, %d opens, want 1 each", len(a.poses), len(a.seen), a.opens)
			}
		})
		check(t, a.session.SendControl([]byte("bye")))
		a.session.Close()
		synctest.Wait()
		a.note(func() {
			if a.heard[len(a.heard)-1] != "bye" {
				t.Errorf("last message is %q, want bye", a.heard[len(a.heard)-1])
			}
			if want := []ConnectionState{Connected, Closed}; fmt.Sprint(a.states) != fmt.Sprint(want) {
				t.Errorf("states = %v, want %v", a.states, want)
			}
		})
		if err := a.session.SendControl([]byte("late")); err != ErrClosed {
			t.Errorf("SendControl after Close = %v, want %v", err, ErrClosed)
		}
	})
}
