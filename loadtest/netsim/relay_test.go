package netsim

import (
	"context"
	"encoding/binary"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"earshot"
)

// echo is a server that sends everything back, and counts it.
type echo struct {
	conn *net.UDPConn
	mu   sync.Mutex
	got  int
	work sync.WaitGroup
}

func newEcho(t *testing.T) *echo {
	t.Helper()
	conn, err := net.ListenUDP("udp4", loopback)
	if err != nil {
		t.Fatal(err)
	}
	e := &echo{conn: conn}
	e.work.Go(func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			e.mu.Lock()
			e.got++
			e.mu.Unlock()
			_, _ = conn.WriteToUDPAddrPort(buf[:n], from)
		}
	})
	t.Cleanup(func() { conn.Close(); e.work.Wait() })
	return e
}

func (e *echo) received() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.got
}

// A relay of sockets in memory, on a virtual clock: what passes has the loss,
// delay and jitter that were configured within 5 %, both ways, for each client.
func TestRelayIsAsConfigured(t *testing.T) {
	if raceEnabled {
		t.Skip("long; others share as much")
	}
	synctest.Test(t, func(t *testing.T) {
		path := Path{
			Up:   Profile{Delay: 60 * ms, Jitter: 20 * ms, Loss: Loss{0.1, 4}},
			Down: Profile{Delay: 25 * ms, Jitter: 3 * ms, Loss: Loss{Rate: 0.03}},
		}
		const packets = 60_000
		h := &hub{}
		server, door, next := h.listen(1), h.listen(2), byte(100)
		dial := func() (net.PacketConn, error) { next++; return h.listen(next), nil }
		r := newRelay(t.Context(), Config{Path: path, MaxClients: 2, Seed: 9}, door, dial, server.addr.AddrPort())
		start := time.Now()
		stamp := func() []byte { return binary.BigEndian.AppendUint64(nil, uint64(time.Since(start))) }
		for n := range byte(2) {
			client := h.listen(10 + n)
			var up, down figures
			var work sync.WaitGroup
			work.Go(func() { down.read(client, start, client.Close) })
			done := make(chan struct{})
			work.Go(func() {
				for up.one(server, start) { // answers at once
					_, _ = server.WriteTo(stamp(), &net.UDPAddr{IP: net.IP{10, 0, 0, 101 + n}, Port: 101 + int(n)})
				}
				close(done)
			})
			for range packets {
				_, _ = client.WriteTo(stamp(), door.addr)
				time.Sleep(20 * ms)
			}
			time.Sleep(time.Second)
			server.in <- note{from: server.addr} // ends the answers
			<-done
			work.Wait()
			up.check(t, "up", path.Up, packets)
			down.check(t, "down", path.Down, up.n)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if s := r.Stats(); s.Up.Packets != 2*packets || s.Up.WorstLate != 0 || s.Down.WorstLate != 0 {
			t.Errorf("Stats = %+v, want %d packets up and none late", s, 2*packets)
		}
	})
}

// Over real sockets: what is lost is what was configured, counted at both
// ends; the delays decided on are those configured; and none comes early. How
// late the machine is beyond that is its own affair, and in Stats.
func TestRelayOverSockets(t *testing.T) {
	server := newEcho(t)
	want := Profile{Delay: 60 * ms, Jitter: 5 * ms, Loss: Loss{0.25, 2}}
	r, err := Listen(t.Context(), Config{Listen: "127.0.0.1:0", To: server.conn.LocalAddr().String(), Path: Path{want, want}, Seed: 4})
	if err != nil {
		t.Fatal(err)
	}
	client, err := net.DialUDP("udp4", nil, r.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	const packets = 16_000
	var answers int
	var early time.Duration
	var work sync.WaitGroup
	sent := make([]time.Time, packets)
	var mu sync.Mutex
	work.Go(func() {
		buf := make([]byte, 10)
		for {
			n, err := client.Read(buf)
			if err != nil || n < 4 {
				return
			}
			at := time.Now()
			mu.Lock()
			i := int(buf[0])<<16 | int(buf[1])<<8 | int(buf[2])
			if took := at.Sub(sent[i]); took < 70*ms { // far out in the tail of two delays of 60 ms
				early = max(early, 70*ms-took)
			}
			answers++
			mu.Unlock()
		}
	})
	ticker := time.NewTicker(5 * ms)
	defer ticker.Stop()
	// No socket's buffer fills where the machine stalls: so many packets may be on
	// their way, each way, or wait for the relay.
	const inFlight = 240
	room := func(i int) bool {
		s := r.Stats()
		mu.Lock()
		defer mu.Unlock()
		return int64(i)-s.Up.Packets < inFlight && s.Up.Arrived-int64(server.received()) < inFlight && s.Down.Arrived-int64(answers) < inFlight
	}
	for i := 0; i < packets; {
		<-ticker.C
		if !room(i) {
			continue
		}
		for range 20 {
			mu.Lock()
			sent[i] = time.Now()
			mu.Unlock()
			_, _ = client.Write([]byte{byte(i >> 16), byte(i >> 8), byte(i), 0})
			i++
		}
	}
	await(t, func() bool {
		s := r.Stats()
		mu.Lock()
		defer mu.Unlock()
		return s.Up.Packets == packets && s.Up.Delivered == s.Up.Arrived && int64(server.received()) == s.Up.Delivered &&
			s.Down.Packets == int64(server.received()) && s.Down.Delivered == s.Down.Arrived && int64(answers) == s.Down.Delivered
	}, func() any { return r.Stats() })
	s := r.Stats()
	if up := 1 - float64(server.received())/packets; !near(up, 0.25) {
		t.Errorf("%.4f lost on the way up, want 0.25", up)
	}
	if both := float64(answers) / packets; !near(both, 0.75*0.75) {
		t.Errorf("%.4f came back, want 0.75 of 0.75", both)
	}
	for _, way := range []Stats{s.Up, s.Down} {
		if mean, _ := way.Delay(); !near(mean.Seconds(), want.Delay.Seconds()) {
			t.Errorf("mean delay %v, want %v", mean, want.Delay)
		}
		t.Logf("%+v: late %v on average, %v at worst", way, way.Late/time.Duration(way.Delivered), way.WorstLate)
	}
	if early > 0 {
		t.Errorf("an answer came %v before it could", early)
	}
	_ = client.Close()
	work.Wait()
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if after := r.Stats(); after.Clients != 0 || after.Up != s.Up {
		t.Errorf("after Close Stats = %+v, before %+v", after, s)
	}
}

// await polls, since real sockets tell nobody when they are done.
func await(t *testing.T, done func() bool, state func() any) {
	t.Helper()
	ticker := time.NewTicker(5 * ms)
	defer ticker.Stop()
	deadline := time.After(30 * time.Second)
	for !done() {
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("never: %+v", state())
		}
	}
}

// Each client gets its own answers, and one too many gets none.
func TestRelayClients(t *testing.T) {
	server := newEcho(t)
	ctx, cancel := context.WithCancel(t.Context())
	r, err := Listen(ctx, Config{Listen: "127.0.0.1:0", To: server.conn.LocalAddr().String(), MaxClients: 2})
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 10)
	for i := range 3 {
		c, err := net.DialUDP("udp4", nil, r.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		said := []byte{byte('a' + i)}
		_, _ = c.Write(said)
		if i == 2 {
			await(t, func() bool { return r.Stats().Refused == 1 }, func() any { return r.Stats() })
			break
		}
		if n, err := c.Read(buf); err != nil || string(buf[:n]) != string(said) {
			t.Errorf("client %d got %q, %v", i, buf[:n], err)
		}
	}
	if s := r.Stats(); s.Clients != 2 {
		t.Errorf("Stats = %+v, want 2 clients", s)
	}
	cancel()
	r.work.Wait()
}

func TestListenRefuses(t *testing.T) {
	for _, c := range []struct {
		cfg  Config
		code earshot.Code
	}{
		{Config{Listen: "127.0.0.1:0", To: "nonsense"}, earshot.CodeInvalidArgument},
		{Config{Listen: "nonsense", To: "127.0.0.1:9"}, earshot.CodeInvalidArgument},
		{Config{Listen: "127.0.0.1:0", To: "127.0.0.1:9", Path: Path{Up: Profile{Delay: -1}}}, earshot.CodeInvalidArgument},
		{Config{Listen: "192.0.2.77:0", To: "127.0.0.1:9"}, earshot.CodeUnavailable},
	} {
		if r, err := Listen(t.Context(), c.cfg); earshot.CodeOf(err) != c.code {
			t.Errorf("Listen(%+v) = %v, %v, want %s", c.cfg, r, err, c.code)
		}
	}
}
