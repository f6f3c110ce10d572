package loadtest

import (
	"context"
	"testing"
	"time"

	"earshot/gateway/protocol"
)

// The first message about slots has all of them, the next only what changed,
// and whoever watches gets all of them again and again.
func TestSlotsTellWhatChanged(t *testing.T) {
	node := startLoopback(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	join := func(number uint32, slots int) *Bot {
		cfg := node.config(number)
		cfg.Slots, cfg.Speak, cfg.KeepMessages = slots, true, 1000
		cfg.Talk = TalkConfig{Spurt: time.Second, Pause: 100 * time.Millisecond, Level: -20}
		bot, err := Join(ctx, cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { bot.Close() })
		return bot
	}
	listener := join(1, 3)
	told := func() (list []*protocol.Slots) {
		for _, m := range listener.Messages() {
			if s, ok := m.ServerMessage.(*protocol.Slots); ok {
				list = append(list, s)
			}
		}
		return list
	}
	taken := func() (n int) {
		for _, s := range listener.Slots().Voice {
			if s.Participant != "" {
				n++
			}
		}
		return n
	}
	join(2, 0)
	until(t, ctx, "the first talker", func() bool { return taken() == 1 })
	join(3, 0)
	until(t, ctx, "the second talker", func() bool { return taken() == 2 })
	list := told()
	if first, last := list[0], list[len(list)-1]; len(first.Voice) != 3 || len(list) < 2 || len(last.Voice) != 1 || last.Voice[0].Why == nil {
		t.Errorf("told %+v; want all 3 slots first, then the one that changed, with why", list)
	}
	if n := len(listener.Slots().Voice); n != 3 {
		t.Errorf("the listener knows of %d slots, want 3", n)
	}
	if err := listener.Send(&protocol.Watch{Stats: true}); err != nil {
		t.Fatal(err)
	}
	before := len(told())
	until(t, ctx, "all slots twice", func() bool {
		full := 0
		for _, s := range told()[before:] {
			if len(s.Voice) == 3 {
				full++
			}
		}
		return full >= 2
	})
}
