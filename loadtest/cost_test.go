package loadtest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"earshot/loadtest/child"
)

// TestBotCost says what a bot costs: memory, and CPU while 8 slots are full.
// It drives a server in a process of its own, which EARSHOT_BENCH_BIN names
// (or the test builds it), pinned to core 0; pin the test to another:
//
//	go test -c -o loadtest.test ./loadtest
//	EARSHOT_BENCH_BOTS=100 taskset -c 1 ./loadtest.test -test.run TestBotCost -test.v
//
// More settings by environment: EARSHOT_BENCH_PATH (lean or pion),
// EARSHOT_BENCH_TALK (share of bots that talk, without a pause), EARSHOT_BENCH_POSE_HZ
// (poses a bot sends, -1 none), EARSHOT_BENCH_DECODE (decode all poses),
// EARSHOT_BENCH_CPU and EARSHOT_BENCH_HEAP (files for profiles).
func TestBotCost(t *testing.T) {
	size, _ := strconv.Atoi(os.Getenv("EARSHOT_BENCH_BOTS"))
	if size == 0 {
		t.Skip("EARSHOT_BENCH_BOTS=100 measures what a bot costs; see the comment of the test")
	}
	if size == 1 {
		size = 50
	}
	server, pid := startServer(t)
	host, err := NewHost(0)
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	before := memoryNow()
	c := &costBench{t: t, server: server, host: host}
	bots := c.join(size)
	c.settle()
	for _, phase := range []string{"first", "second"} {
		cost := c.measure(size, pid)
		memory := memoryNow().sub(before)
		t.Logf("%s: path %s, %d bots: %.0f packets/s a bot, %.3f %% of a core a bot; KB a bot: RSS %.0f, heap %.0f, stacks %.0f, goroutines %.1f; server %.0f %% of a core",
			phase, c.path(), size, cost.packets, cost.share, memory.rss/float64(size)/1e3, memory.heap/float64(size)/1e3,
			memory.stacks/float64(size)/1e3, memory.goroutines/float64(size), cost.server)
	}
	if file := os.Getenv("EARSHOT_BENCH_HEAP"); file != "" {
		f, err := os.Create(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := pprof.Lookup("heap").WriteTo(f, 0); err != nil {
			t.Fatal(err)
		}
	}
	var all sync.WaitGroup
	for _, b := range bots {
		all.Go(func() { b.Close() })
	}
	all.Wait()
}

type costBench struct {
	t       *testing.T
	server  string
	host    *Host
	packets atomic.Int64
	delay   atomic.Int64 // sum, us
	most    atomic.Int64 // us
}

func (c *costBench) path() string {
	if p := os.Getenv("EARSHOT_BENCH_PATH"); p != "" {
		return p
	}
	return PathLean
}

func (c *costBench) join(size int) []*Bot {
	ctx, cancel := context.WithTimeout(c.t.Context(), 3*time.Minute)
	defer cancel()
	talk := 1.0
	if s := os.Getenv("EARSHOT_BENCH_TALK"); s != "" {
		talk, _ = strconv.ParseFloat(s, 64)
	}
	bots := make([]*Bot, size)
	gate := make(chan struct{}, 4)
	var all sync.WaitGroup
	for i := range bots {
		cfg := Config{
			URL: c.server, Token: devToken(c.t, c.server, i), Number: uint32(i + 1), Seed: uint64(i),
			Slots: 8, Speak: true, Talk: TalkConfig{Spurt: time.Second, Level: -26, Mute: float64(i) >= talk*float64(size)},
			Move: NewWalker(WalkConfig{Radius: 6, Speed: 1}, uint64(i), time.Now()),
			Path: c.path(), Host: c.host,
			Hear: func(_ int, at time.Time, r *Received) {
				c.packets.Add(1)
				if r.Voiced {
					late := at.Sub(r.Frame.At).Microseconds()
					c.delay.Add(late)
					for old := c.most.Load(); late > old && !c.most.CompareAndSwap(old, late); old = c.most.Load() {
					}
				}
			},
			Control: func(Message) {},
		}
		if os.Getenv("EARSHOT_BENCH_DECODE") != "" {
			cfg.Pose = func(PoseArrival) {}
		}
		if hz, _ := strconv.Atoi(os.Getenv("EARSHOT_BENCH_POSE_HZ")); hz > 0 {
			cfg.PoseEvery = time.Second / time.Duration(hz)
		} else if hz < 0 {
			cfg.PoseEvery = -1
		}
		all.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			var err error
			if bots[i], err = Join(ctx, cfg); err != nil {
				c.t.Errorf("bot %d: %v", i+1, err)
			}
		})
	}
	all.Wait()
	if c.t.Failed() {
		c.t.FailNow()
	}
	c.t.Logf("join times of the last bot: %+v", bots[size-1].JoinTimes())
	return bots
}

func (c *costBench) settle() {
	wait(c.t, 3*time.Second)
	runtime.GC()
	debug.FreeOSMemory()
	wait(c.t, time.Second)
}

type benchCost struct{ packets, share, server float64 }

func (c *costBench) measure(size, pid int) benchCost {
	if file := os.Getenv("EARSHOT_BENCH_CPU"); file != "" {
		f, err := os.Create(file)
		if err != nil {
			c.t.Fatal(err)
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			c.t.Fatal(err)
		}
		defer pprof.StopCPUProfile()
	}
	began, cpu, server, packets := time.Now(), ownCPU(), processCPU(c.t, pid), c.packets.Load()
	delay := c.delay.Load()
	c.most.Store(0)
	wait(c.t, 10*time.Second)
	span := time.Since(began).Seconds()
	heard := float64(c.packets.Load() - packets)
	c.t.Logf("voice: mean delay %.2f ms, longest %.1f ms", float64(c.delay.Load()-delay)/heard/1e3, float64(c.most.Load())/1e3)
	return benchCost{
		packets: heard / span / float64(size),
		share:   100 * (ownCPU() - cpu).Seconds() / span / float64(size),
		server:  100 * (processCPU(c.t, pid) - server).Seconds() / span,
	}
}

func wait(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
		t.FailNow()
	}
}

func ownCPU() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // cannot fail with valid arguments
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// processCPU is the user and system time of a process, in clock ticks of 10 ms.
func processCPU(t *testing.T, pid int) time.Duration {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// memoryUse is in bytes.
type memoryUse struct{ rss, heap, stacks, goroutines float64 }

func (m memoryUse) sub(o memoryUse) memoryUse {
	return memoryUse{m.rss - o.rss, m.heap - o.heap, m.stacks - o.stacks, m.goroutines - o.goroutines}
}

func memoryNow() memoryUse {
	runtime.GC()
	debug.FreeOSMemory()
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(s)
	m := memoryUse{heap: float64(s[0].Value.Uint64()), stacks: float64(s[1].Value.Uint64()), goroutines: float64(runtime.NumGoroutine())}
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			m.rss = kb * 1024
		}
	}
	return m
}

// startServer runs `earshot serve` on free ports and core 0, with more lines of
// configuration.
func startServer(t *testing.T, more ...string) (address string, pid int) {
	t.Helper()
	bin := os.Getenv("EARSHOT_BENCH_BIN")
	if bin == "" {
		bin = filepath.Join(t.TempDir(), "earshot")
		if out, err := exec.Command("go", "build", "-o", bin, "earshot/cmd/earshot").CombinedOutput(); err != nil {
			t.Fatalf("go build: %v\n%s", err, out)
		}
	}
	ports := freePorts(t)
	address = "http://127.0.0.1:" + ports[0]
	file := filepath.Join(t.TempDir(), "earshot.yaml")
	if err := os.WriteFile(file, []byte("worlds:\n  plaza:\n    capacity: 2000\n"+strings.Join(more, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("taskset", "-c", "0", bin, "serve", "-config", file,
		"-listen", "127.0.0.1:"+ports[0], "-udp", ports[1], "-admin", "off")
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), "EARSHOT_LOG_LEVEL=warn")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
	})
	for range 300 {
		if res, err := http.Get(address + "/readyz"); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return address, cmd.Process.Pid
			}
		}
		wait(t, 50*time.Millisecond)
	}
	t.Fatal("the server never became ready")
	return "", 0
}

func freePorts(t *testing.T) (ports [2]string) {
	t.Helper()
	for i := range ports {
		port, err := child.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		ports[i] = strconv.Itoa(port)
	}
	return ports
}

func devToken(t *testing.T, server string, i int) string {
	t.Helper()
	q := url.Values{"world": {"plaza"}, "name": {fmt.Sprintf("Bot %d", i)}, "sub": {fmt.Sprintf("bot-%d", i)}, "kind": {"bot"}}
	res, err := http.Get(server + "/v1/dev/token?" + q.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var token struct{ Token string }
	if err := json.NewDecoder(bufio.NewReader(res.Body)).Decode(&token); err != nil || token.Token == "" {
		t.Fatalf("development token: status %d: %v", res.StatusCode, err)
	}
	return token.Token
}
