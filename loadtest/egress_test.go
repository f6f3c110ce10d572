package loadtest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"earshot"
)

// TestEgress compares how media leaves the server: by pion, in batches at once,
// and in batches that are gathered. 10 talkers speak 50 frames of 80 bytes a
// second to 50 listeners. The server is a process of its own on core 0; put the
// test on another:
//
//	go test -c -o loadtest.test ./loadtest
//	EARSHOT_BENCH_EGRESS=10x50 taskset -c 1 ./loadtest.test -test.run TestEgress -test.v
//
// EARSHOT_BENCH_ROUNDS is how often each takes its turn (3). EARSHOT_BENCH_BIN
// names the server; without it the test builds it. The figures count all that
// the server does: joins apart, also presence and the mixer.
func TestEgress(t *testing.T) {
	talkers, listeners, ok := strings.Cut(os.Getenv("EARSHOT_BENCH_EGRESS"), "x")
	if !ok {
		t.Skip("EARSHOT_BENCH_EGRESS=10x50 compares the ways out of the server; see the comment of the test")
	}
	b := &egressBench{t: t, talkers: number(talkers), listeners: number(listeners)}
	if os.Getenv("EARSHOT_BENCH_BIN") == "" {
		bin := filepath.Join(t.TempDir(), "earshot")
		if out, err := exec.Command("go", "build", "-o", bin, "earshot/cmd/earshot").CombinedOutput(); err != nil {
			t.Fatalf("go build: %v\n%s", err, out)
		}
		t.Setenv("EARSHOT_BENCH_BIN", bin)
	}
	rounds := max(number(os.Getenv("EARSHOT_BENCH_ROUNDS")), 1)
	if os.Getenv("EARSHOT_BENCH_ROUNDS") == "" {
		rounds = 3
	}
	ways := []struct{ name, media string }{
		{"pion", "media: {egress: pion}"},
		{"at once", "media: {egress: auto, gather_max: 0s}"},
		{"adaptive", "media: {egress: auto}"},
		{"5 ms", "media: {egress: auto, gather_min: 5ms}"},
	}
	for round := range rounds {
		for i := range ways {
			way := ways[(i+round)%len(ways)]
			t.Run(strconv.Itoa(round+1)+" "+way.name, func(t *testing.T) { b.measure(t, way.media) })
		}
	}
}

func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

type egressBench struct {
	t                  *testing.T
	talkers, listeners int
}

// heardBy counts what one listener heard.
type heardBy struct {
	mu            sync.Mutex
	packets, lost int
	newest        map[int]uint16 // by slot
	delays        []int32        // microseconds
}

func (h *heardBy) hear(slot int, at time.Time, r *Received) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.packets++
	if newest, ok := h.newest[slot]; ok {
		h.lost += int(int16(r.Seq-newest)) - 1
	}
	h.newest[slot] = r.Seq
	if r.Voiced {
		h.delays = append(h.delays, int32(at.Sub(r.Frame.At).Microseconds()))
	}
}

// take returns what was heard since the last call.
func (h *heardBy) take() (packets, lost int, delays []int32) {
	h.mu.Lock()
	defer h.mu.Unlock()
	packets, lost, delays = h.packets, h.lost, h.delays
	h.packets, h.lost, h.delays = 0, 0, nil
	return packets, lost, delays
}

func (b *egressBench) measure(t *testing.T, media string) {
	server, pid := startServer(t, media)
	host, err := NewHost(0)
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	var bots []*Bot
	var ears []*heardBy
	for i := range b.talkers + b.listeners {
		cfg := Config{
			URL: server, Token: devToken(t, server, i), Number: uint32(i + 1), Seed: uint64(i), Host: host,
			PoseEvery: time.Second, Move: NewWalker(WalkConfig{Radius: 2}, uint64(i), time.Now()),
			Pose: func(PoseArrival) {}, Control: func(Message) {},
		}
		if i < b.talkers {
			cfg.Speak, cfg.Talk = true, TalkConfig{Spurt: time.Hour, Level: -20}
		} else {
			h := &heardBy{newest: map[int]uint16{}}
			ears = append(ears, h)
			cfg.Slots, cfg.Hear = b.talkers, h.hear
		}
		bots = append(bots, b.join(t, cfg))
	}
	defer func() {
		var all sync.WaitGroup
		for _, bot := range bots {
			all.Go(func() { bot.Close() })
		}
		all.Wait()
	}()
	wait(t, 4*time.Second)
	b.watch(t, pid, ears)
}

func (b *egressBench) join(t *testing.T, cfg Config) *Bot {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	bot, err := Join(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if bot.Session() == earshot.SessionID("") {
		t.Fatal("a bot has no session")
	}
	return bot
}

func (b *egressBench) watch(t *testing.T, pid int, ears []*heardBy) {
	for _, h := range ears {
		h.take()
	}
	cpu, own, began := processCPU(t, pid), ownCPU(), time.Now()
	wait(t, 10*time.Second)
	cpu, own = processCPU(t, pid)-cpu, ownCPU()-own
	span := time.Since(began)
	packets, lost, delays := 0, 0, []int32{}
	for _, h := range ears {
		n, l, d := h.take()
		packets, lost = packets+n, lost+l
		delays = append(delays, d...)
	}
	if packets == 0 || len(delays) == 0 {
		t.Fatal("nobody heard anything")
	}
	slices.Sort(delays)
	at := func(q float64) float64 { return float64(delays[int(q*float64(len(delays)-1))]) / 1e3 }
	t.Logf("%.1fk packets a server CPU second; %.1fk a second, %.3f %% lost; server %.0f %% of a core, clients %.0f %%; delay p50 %.1f ms, p99 %.1f ms",
		float64(packets)/cpu.Seconds()/1e3, float64(packets)/span.Seconds()/1e3,
		100*float64(lost)/float64(packets+lost), 100*cpu.Seconds()/span.Seconds(), 100*own.Seconds()/span.Seconds(),
		at(0.5), at(0.99))
}
