package loadtest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"earshot"
	"earshot/gateway/protocol"
)

// until asks cond every 10 ms until it holds or ctx ends.
func until(t *testing.T, ctx context.Context, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func TestBotFollowsTheProtocol(t *testing.T) {
	a, server := newAnswerer(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	blocks := []earshot.ParticipantID{"pa_bad"}
	bot, err := Join(ctx, Config{
		URL: server.URL, Token: "good", Number: 5, Seed: 1, Slots: 2, Speak: true,
		Talk:      TalkConfig{Spurt: time.Second, Level: -20},
		KeepVoice: 1000, KeepPoses: 100, KeepMessages: 10, Blocks: blocks,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer bot.Close()
	if bot.ID() != "pa_me" || bot.Session() != "se_test" {
		t.Errorf("ID, Session = %s, %s", bot.ID(), bot.Session())
	}
	until(t, ctx, "voice in both slots", func() bool { return bot.Heard()[5] > 60 })
	until(t, ctx, "poses", func() bool { return len(bot.Poses()) > 20 })

	if err := bot.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	before := bot.Heard()[5]
	until(t, ctx, "voice after the restart", func() bool { return bot.Heard()[5] > before+40 })
	log, dropped := bot.Voice()
	r := Judge(log)
	if dropped != 0 || r.Talkers != 1 || r.Packets < 100 {
		t.Errorf("heard %d packets of %d talkers, %d not kept", r.Packets, r.Talkers, dropped)
	}
	if err := bot.Leave(ctx); err != nil {
		t.Error(err)
	}

	a.mu.Lock()
	defer a.mu.Unlock()
	want := []string{"m=audio", "a=sendonly", "m=audio", "a=recvonly", "m=audio", "a=recvonly", "m=application"}
	if !slices.Equal(a.lines, want) {
		t.Errorf("the bot offers %v, want %v", a.lines, want)
	}
	if a.ready == nil || !slices.Equal(a.ready.Blocks, blocks) {
		t.Errorf("ready = %+v, want blocks %v", a.ready, blocks)
	}
	if len(a.level) != 1 || a.level[0]&0x80 == 0 {
		t.Errorf("level extension = %v, want one byte with the V bit", a.level)
	}
	if a.restarts != 1 || !a.deleted {
		t.Errorf("restarts, deleted = %d, %v", a.restarts, a.deleted)
	}
}

func TestJoinReportsARefusal(t *testing.T) {
	_, server := newAnswerer(t)
	_, err := Join(t.Context(), Config{URL: server.URL, Token: "bad"})
	if !errors.Is(err, &earshot.Error{Code: earshot.CodeUnauthenticated}) {
		t.Errorf("Join with a bad token = %v", err)
	}
}

func TestBigOffersTravelPacked(t *testing.T) {
	a, server := newAnswerer(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	bot, err := Join(ctx, Config{URL: server.URL, Token: "good", Slots: protocol.MaxVoiceSlots})
	if err != nil {
		t.Fatal(err)
	}
	if err := bot.Leave(ctx); err != nil {
		t.Error(err)
	}
	if !a.packed || len(a.lines) != 2*protocol.MaxVoiceSlots+1 {
		t.Errorf("packed, lines = %v, %d", a.packed, len(a.lines))
	}
}
