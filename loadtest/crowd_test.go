package loadtest

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"earshot"
	"earshot/gateway/protocol"
)

// counting counts the requests that carry an SDP.
type counting struct{ sdp atomic.Int32 }

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Header.Get("Content-Type") == "application/sdp" {
		c.sdp.Add(1)
	}
	return http.DefaultTransport.RoundTrip(r)
}

// TestCrowdAroundAListener walks a crowd of talking bots around one listener
// with twelve slots. Slots change hands all the time; not once is anything
// negotiated again, and never is sound repeated or skipped by more than 40 ms.
// The judgement rests on RTP time stamps and the talkers' own counters, so a
// machine that stalls does not fail it (see Judge); one that loses so much
// that there is little left to judge gets a second try.
func TestCrowdAroundAListener(t *testing.T) {
	size, listen := 20, 10*time.Second
	if endToEnd() {
		size, listen = 60, time.Minute
	}
	r := walkCrowd(t, size, listen)
	if r.Unsure > r.Changes/4 {
		t.Log("too much was lost to judge the slots: trying again")
		r = walkCrowd(t, size, listen)
	}
	if r.Talkers < size/2 || r.Changes < size/4 || r.Unsure > r.Changes/4 {
		t.Errorf("%d talkers, %d changes, %d unsure: not the crowd it should be", r.Talkers, r.Changes, r.Unsure)
	}
	if r.Repeat > 40*time.Millisecond || r.Skip > 40*time.Millisecond {
		t.Errorf("repeats %v, skips %v, want 40 ms at most: %v", r.Repeat, r.Skip, r.Faults)
	}
}

// walkCrowd returns what the listener heard.
func walkCrowd(t *testing.T, size int, listen time.Duration) Report {
	t.Helper()
	node := startLoopback(t)
	ctx, cancel := context.WithTimeout(t.Context(), listen+5*time.Minute)
	defer cancel()
	door := &counting{}
	cfg := node.config(0)
	cfg.HTTP = &http.Client{Transport: door}
	cfg.Slots, cfg.Speak = 12, true
	cfg.Move = NewWalker(WalkConfig{Radius: 4, Speed: 1}, 0, time.Now())
	cfg.KeepVoice, cfg.KeepMessages = 1<<17, 1<<15
	listener, err := Join(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	leave := joinCrowd(t, ctx, node, size)
	defer leave()
	begin := time.Now()
	until(t, ctx, "the end of the walk", func() bool { return time.Since(begin) > listen })

	log, dropped := listener.Voice()
	r := Judge(log)
	t.Logf("%d bots, %v: %d packets of %d talkers, %d lost, %d changes, %d unsure, %d holes, worst repeat %v, worst skip %v, slack %v, lag p50 %v p95 %v, talkspurts that open a slot begin with frame %d",
		size, listen, r.Packets, r.Talkers, r.Lost, r.Changes, r.Unsure, len(r.Holes), r.Repeat, r.Skip, r.Slack, r.MedianLag, r.P95Lag, r.OnsetFrame)
	if n := door.sdp.Load(); n != 1 {
		t.Errorf("the listener's SDP was exchanged %d times, want once", n)
	}
	if dropped > 0 {
		t.Errorf("%d packets were not kept", dropped)
	}
	checkHoles(t, r, listener.View)
	return r
}

// checkHoles wants every hole in somebody's speech to be a choice of the
// server, who said that the slot went to another.
func checkHoles(t *testing.T, r Report, listener *View) {
	t.Helper()
	id := func(bot uint32) earshot.ParticipantID {
		return earshot.ParticipantFor("test", fmt.Sprintf("bot %d", bot))
	}
	for _, h := range Unannounced(r.Holes, listener.Messages(), id, 250*time.Millisecond+r.WorstLag) {
		if h.Missing > 40*time.Millisecond {
			t.Errorf("bot %d lacks %v between slots %d and %d, and nobody said it lost its slot", h.Bot, h.Missing, h.From, h.To)
		}
	}
}

// joinCrowd brings in size bots that walk within 25 m and talk. They may only
// publish, which keeps them cheap: who they would hear is not the question.
// leave takes them out again.
func joinCrowd(t *testing.T, ctx context.Context, node *node, size int) (leave func()) {
	t.Helper()
	var all sync.WaitGroup
	bots := make([]*Bot, size)
	gate := make(chan struct{}, 4) // handshakes at once
	for i := range bots {
		cfg := node.config(uint32(i + 1))
		cfg.Token = node.token(fmt.Sprintf("bot %d", i+1), protocol.GrantPublishAudio, protocol.GrantPublishPose)
		cfg.Speak, cfg.Talk = true, DefaultTalk()
		cfg.Talk.DTX = i%2 == 0
		cfg.Move = NewWalker(WalkConfig{Radius: 25, Speed: 2, Stay: time.Second}, uint64(i), time.Now())
		all.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			var err error
			if bots[i], err = Join(ctx, cfg); err != nil {
				t.Errorf("bot %d: %v", i+1, err)
			}
		})
	}
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return func() {
		for _, b := range bots {
			all.Go(func() { b.Close() })
		}
		all.Wait()
	}
}
