package loadtest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// What the storm is.
const (
	stormInside  = 50 // talk, with eight slots each
	stormJoins   = 100
	stormWithin  = 2 * time.Second
	stormMeasure = 4 * time.Second // from the first join on
	stormRounds  = 3
)

// TestJoinStorm measures what a hundred joins within two seconds do to the
// voices of fifty who are in: latency from a talker's write to a listener's
// read, with and without, in turn. The server runs on core 0; those who join
// are a process of their own that yields to the one that measures:
//
//	go build -o bin/earshot ./cmd/earshot && go test -c -o loadtest.test ./loadtest
//	EARSHOT_BENCH_STORM=1 EARSHOT_BENCH_BIN=bin/earshot taskset -c 1 ./loadtest.test -test.run 'TestJoinStorm$' -test.v
//
// EARSHOT_BENCH_STORM=2 and more is the number of rounds.
func TestJoinStorm(t *testing.T) {
	rounds, _ := strconv.Atoi(os.Getenv("EARSHOT_BENCH_STORM"))
	if rounds == 0 {
		t.Skip("EARSHOT_BENCH_STORM=1 measures a join storm; see the comment of the test")
	}
	if rounds == 1 {
		rounds = stormRounds
	}
	server, pid := startServer(t)
	host, err := NewHost(0)
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	var late latencies
	bots := inside(t, server, host, &late)
	defer closeAll(bots)
	storm := startStorm(t, server)
	var calm, stormy [][2]time.Duration
	for round := range rounds {
		late.take()
		cpu := processCPU(t, pid)
		wait(t, stormMeasure)
		quiet := late.take()
		idle := processCPU(t, pid) - cpu

		cpu = processCPU(t, pid)
		storm.say("join")
		wait(t, stormMeasure)
		busy := late.take()
		spent := processCPU(t, pid) - cpu
		took := storm.hear()
		storm.say("leave")
		storm.hear()
		wait(t, 3*time.Second) // what leaving costs is not of the next round

		calm, stormy = append(calm, quiet.quantiles()), append(stormy, busy.quantiles())
		t.Logf("round %d: without %s, server %.0f %% of its core; with %s, server %.0f %%; %s",
			round+1, quiet, 100*idle.Seconds()/stormMeasure.Seconds(), busy, 100*spent.Seconds()/stormMeasure.Seconds(), took)
	}
	var moved []time.Duration
	for i := range calm {
		moved = append(moved, stormy[i][1]-calm[i][1])
	}
	slices.Sort(moved)
	t.Logf("the storm moves the p99 by %v (median of %v)", moved[len(moved)/2], moved)
}

// inside joins those who talk and listen.
func inside(t *testing.T, server string, host *Host, late *latencies) []*Bot {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	bots := make([]*Bot, stormInside)
	for i := range bots {
		var err error
		if bots[i], err = Join(ctx, Config{
			URL: server, Token: devToken(t, server, i), Number: uint32(i + 1), Seed: uint64(i),
			Slots: 8, Speak: true, Talk: TalkConfig{Spurt: time.Second, Level: -26, Mute: i%5 != 0},
			Move: NewWalker(WalkConfig{Radius: 6, Speed: 1}, uint64(i), time.Now()), Host: host,
			Hear: func(_ int, at time.Time, r *Received) {
				if r.Voiced {
					late.add(at.Sub(r.Frame.At))
				}
			},
			Control: func(Message) {},
		}); err != nil {
			t.Fatalf("bot %d: %v", i+1, err)
		}
	}
	wait(t, 5*time.Second)
	return bots
}

func closeAll(bots []*Bot) {
	var all sync.WaitGroup
	for _, b := range bots {
		all.Go(func() {
			if b != nil {
				b.Close()
			}
		})
	}
	all.Wait()
}

// latencies are those of packets since they were last taken.
type latencies struct {
	mu sync.Mutex
	of []time.Duration
}

func (l *latencies) add(d time.Duration) {
	l.mu.Lock()
	l.of = append(l.of, d)
	l.mu.Unlock()
}

func (l *latencies) take() taken {
	l.mu.Lock()
	defer l.mu.Unlock()
	of := l.of
	l.of = make([]time.Duration, 0, len(of))
	slices.Sort(of)
	return of
}

// taken are latencies, the shortest first.
type taken []time.Duration

func (l taken) at(q float64) time.Duration {
	if len(l) == 0 {
		return 0
	}
	return l[min(len(l)-1, int(q*float64(len(l))))]
}

// quantiles returns the p50 and the p99.
func (l taken) quantiles() [2]time.Duration { return [2]time.Duration{l.at(0.5), l.at(0.99)} }

func (l taken) String() string {
	round := func(q float64) time.Duration { return l.at(q).Round(10 * time.Microsecond) }
	return fmt.Sprintf("p50 %v p99 %v most %v (%d packets)", round(0.5), round(0.99), round(1), len(l))
}

// storm is the process of those who join.
type storm struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Scanner
}

func startStorm(t *testing.T, server string) *storm {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run", "^TestStormClients$", "-test.v")
	cmd.Env = append(os.Environ(), "EARSHOT_BENCH_STORM_SERVER="+server)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// By nice where groups are off, by the group where they are on.
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, cmd.Process.Pid, 19)
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/autogroup", cmd.Process.Pid), []byte("19"), 0)
	t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	s := &storm{t: t, in: in, out: bufio.NewScanner(out)}
	s.hear()
	return s
}

func (s *storm) say(word string) {
	s.t.Helper()
	if _, err := fmt.Fprintln(s.in, word); err != nil {
		s.t.Fatal(err)
	}
}

// hear waits for an answer.
func (s *storm) hear() string {
	s.t.Helper()
	for s.out.Scan() {
		if answer, ok := strings.CutPrefix(s.out.Text(), "storm: "); ok {
			return answer
		}
	}
	s.t.Fatal("the process of those who join has ended")
	return ""
}

// TestStormClients is that process.
func TestStormClients(t *testing.T) {
	server := os.Getenv("EARSHOT_BENCH_STORM_SERVER")
	if server == "" {
		t.Skip("part of TestJoinStorm")
	}
	host, err := NewHost(0)
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	var bots []*Bot
	orders := bufio.NewScanner(os.Stdin)
	for round := 0; ; round++ {
		tokens := make([]string, stormJoins) // before anything is measured
		for i := range tokens {
			tokens[i] = devToken(t, server, 1000+stormJoins*round+i)
		}
		fmt.Println("storm: ready")
		if !orders.Scan() {
			break
		}
		bots = joinStorm(t.Context(), server, host, tokens)
		if !orders.Scan() {
			break
		}
		closeAll(bots)
	}
	closeAll(bots)
}

// joinStorm joins all within stormWithin and says how long that took them.
func joinStorm(ctx context.Context, server string, host *Host, tokens []string) []*Bot {
	bots, times, failed := make([]*Bot, len(tokens)), make(taken, len(tokens)), make([]error, len(tokens))
	every := time.NewTicker(stormWithin / time.Duration(len(tokens)))
	defer every.Stop()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	var all sync.WaitGroup
	for i := range tokens {
		<-every.C
		all.Go(func() {
			began := time.Now()
			bots[i], failed[i] = Join(ctx, Config{
				URL: server, Token: tokens[i], Number: uint32(1000 + i), Slots: 8, Host: host, PoseEvery: -1,
				Control: func(Message) {},
			})
			times[i] = time.Since(began)
		})
	}
	all.Wait()
	refused := 0
	var why error
	for _, err := range failed {
		if err != nil {
			refused, why = refused+1, err
		}
	}
	slices.Sort(times)
	fmt.Printf("storm: %d joined, %d refused (%v), p50 %v, longest %v\n", len(tokens)-refused, refused, why,
		times.at(0.5).Round(time.Millisecond), times.at(1).Round(time.Millisecond))
	return bots
}

// TestServerMemory says what a participant costs the server in memory: the
// growth of its resident set and of its heap from before the joins until
// everybody talks and hears.
//
//	EARSHOT_BENCH_MEMORY=200 EARSHOT_BENCH_BIN=bin/earshot taskset -c 1 ./loadtest.test -test.run TestServerMemory -test.v
func TestServerMemory(t *testing.T) {
	size, _ := strconv.Atoi(os.Getenv("EARSHOT_BENCH_MEMORY"))
	if size == 0 {
		t.Skip("EARSHOT_BENCH_MEMORY=200 measures the server's memory; see the comment of the test")
	}
	server, pid := startServer(t)
	host, err := NewHost(0)
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	before := serverRSS(t, pid)
	c := &costBench{t: t, server: server, host: host}
	bots := c.join(size)
	defer closeAll(bots)
	for _, after := range []time.Duration{5 * time.Second, 25 * time.Second} {
		wait(t, after)
		rss := serverRSS(t, pid)
		t.Logf("%d participants with 8 slots, after %v more: RSS %.1f MB, before the first %.1f MB: %.0f KB a participant",
			size, after, rss/1e6, before/1e6, (rss-before)/float64(size)/1e3)
	}
}

// serverRSS returns the resident set of a process in bytes.
func serverRSS(t *testing.T, pid int) float64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb * 1024
		}
	}
	t.Fatal("no VmRSS")
	return 0
}
