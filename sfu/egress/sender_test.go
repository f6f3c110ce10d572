//go:build linux

package egress

import (
	"bytes"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

// rig is a Sender and the far ends it sends to.
type rig struct {
	socket *Socket
	sender *Sender
	ends   []*end
}

// end is a session as the sender sees it, and the socket of its client.
type end struct {
	conn   *net.UDPConn
	peer   Peer
	stream *Stream
	mu     sync.Mutex
	fence  Fence
	seq    uint16
}

func listenUDP(t testing.TB) *net.UDPConn {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func newRig(t testing.TB, ends int) *rig {
	t.Helper()
	socket, err := Open(listenUDP(t))
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{socket: socket, sender: NewSender(socket)}
	t.Cleanup(r.sender.Close)
	for range ends {
		e := &end{conn: listenUDP(t), stream: testContext(t).Stream(uint32(len(r.ends)), VoiceWindow)}
		e.peer.Move(e.conn.LocalAddr().(*net.UDPAddr).AddrPort())
		r.ends = append(r.ends, e)
	}
	return r
}

func (e *end) add(u *Burst, payload []byte) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seq++
	return u.Add(&e.peer, e.stream, &e.fence, Header{Seq: e.seq, PayloadType: 111}, payload)
}

// read returns the payloads of the next n packets.
func (e *end) read(t *testing.T, n int) (payloads []string) {
	t.Helper()
	key, salt := testKeys()
	remote, err := srtp.CreateContext(key, salt, srtp.ProtectionProfileAeadAes128Gcm)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 2000)
	for range n {
		if err := e.conn.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
			t.Fatal(err)
		}
		size, err := e.conn.Read(b)
		if err != nil {
			t.Fatalf("after %d of %d packets: %v", len(payloads), n, err)
		}
		var h rtp.Header
		plain, err := remote.DecryptRTP(nil, b[:size], &h)
		if err != nil {
			t.Fatal(err)
		}
		payloads = append(payloads, string(plain[headerSize:]))
	}
	return payloads
}

// One event for 150 sessions: every one gets its packet, in few calls.
func TestAtOnce(t *testing.T) {
	r := newRig(t, 150)
	u := r.sender.Burst()
	for _, e := range r.ends {
		if n := e.add(&u, []byte("hello")); n != headerSize+5 {
			t.Fatalf("Add = %d, want %d", n, headerSize+5)
		}
	}
	u.Send()
	for _, e := range r.ends {
		if got := e.read(t, 1)[0]; got != "hello" {
			t.Errorf("got %q, want hello", got)
		}
	}
	if c := r.sender.Counters(); c.Packets != 150 || c.Calls > 10 || c.Failed != 0 {
		t.Errorf("counters %+v, want 150 packets in few calls", c)
	}
}

// Gathered packets leave in the order in which they came for each peer, those of
// equal size in one message, after the delay and not before.
func TestGathered(t *testing.T) {
	for _, noSplit := range []bool{false, true} {
		var r *rig
		var began time.Time
		want := []string{"aaaa", "bbbb", "cccc", "dd", "eeeeeeee", "ffffffff", ""}
		gather := 5 * time.Millisecond
		for began.IsZero() || time.Since(began) > gather/2 { // until this machine adds all within the time
			gather *= 10
			r = newRig(t, 3)
			r.socket.noSplit.Store(noSplit)
			r.sender.SetGather(gather)
			began = time.Now()
			for _, text := range want {
				u := r.sender.Burst()
				for _, e := range r.ends {
					e.add(&u, []byte(text))
				}
				u.Send()
			}
		}
		for i, e := range r.ends {
			for j, got := range e.read(t, len(want)) {
				if got != want[j] {
					t.Errorf("peer %d, packet %d: %q, want %q", i, j, got, want[j])
				}
			}
		}
		if d := time.Since(began); d < gather {
			t.Errorf("packets left after %v, want %v", d, gather)
		}
		r.sender.Close()
		c := r.sender.Counters()
		if messages := map[bool]uint64{false: 6, true: 21}[noSplit]; c.Messages != messages || c.Failed != 0 {
			t.Errorf("noSplit %v: %+v, want %d messages", noSplit, c, messages)
		}
	}
}

// The packets of a frame leave together for each peer, when the last has come.
func TestHeld(t *testing.T) {
	for _, ends := range []int{3, 2*batchPackets + 5} { // also where one Burst is more than a batch
		r := newRig(t, ends)
		for i := range 4 {
			u := r.sender.Burst()
			if i < 3 {
				u.Hold(time.Hour)
			}
			for _, e := range r.ends {
				e.add(&u, []byte("part"))
			}
			u.Send()
		}
		for _, e := range r.ends {
			e.read(t, 4)
		}
		if c := r.sender.Counters(); c.Packets != uint64(4*ends) || c.Messages != uint64(ends) {
			t.Errorf("counters %+v, want %d packets in %d messages", c, 4*ends, ends)
		}
	}
}

// More than one system call has room for, in messages of one packet and of many.
func TestMuch(t *testing.T) {
	for _, ends := range []int{2, 600} {
		r := newRig(t, ends)
		r.sender.SetGather(time.Hour)
		u := r.sender.Burst()
		const each = 3 * maxGathered
		for i := range each {
			if i == each-1 { // what is beyond the limit before is sent at once
				r.sender.SetGather(0)
			}
			r.ends[i%ends].add(&u, []byte("text"))
			if i%100 == 99 {
				u.Send()
			}
		}
		u.Send()
		r.sender.Flush()
		if c := r.sender.Counters(); c.Packets != each || c.Failed != 0 || c.Refused != 0 {
			t.Errorf("%d peers: %+v, want %d packets", ends, c, each)
		}
	}
}

// Who changes what may be sent waits for what was added before, and for no more.
func TestFence(t *testing.T) {
	r := newRig(t, 1)
	r.sender.SetGather(time.Hour)
	e := r.ends[0]
	u := r.sender.Burst()
	e.add(&u, []byte("before"))
	u.Send()
	e.fence.Lock()
	e.mu.Lock()
	before := e.fence.Turn()
	e.mu.Unlock()
	e.add(&u, []byte("after")) // is in a burst that is not sent
	r.sender.Flush()
	before.Wait()
	e.fence.Unlock()
	if got := e.read(t, 1)[0]; got != "before" {
		t.Errorf("got %q, want before", got)
	}
	u.Send()
}

// Many goroutines send, change and flush at once; everything arrives or is
// counted, and nothing is left when Close returns.
func TestTogether(t *testing.T) {
	r := newRig(t, 4)
	var senders sync.WaitGroup
	for range 4 {
		senders.Go(func() {
			for i := range 500 {
				u := r.sender.Burst()
				for _, e := range r.ends {
					e.add(&u, []byte("text"))
				}
				u.Send()
				if i%50 == 0 {
					r.sender.SetGather(time.Duration(i%3) * time.Millisecond)
				}
			}
		})
	}
	senders.Go(func() {
		for range 200 {
			e := r.ends[0]
			e.fence.Lock()
			e.mu.Lock()
			before := e.fence.Turn()
			e.mu.Unlock()
			r.sender.Flush()
			before.Wait()
			e.fence.Unlock()
		}
	})
	senders.Wait()
	r.sender.Close()
	if c := r.sender.Counters(); c.Packets != 8000 || c.Failed != 0 || c.Refused != 0 {
		t.Errorf("counters %+v, want 8000 packets", c)
	}
	if n := r.sender.waiting.Load(); n != 0 {
		t.Errorf("%d packets wait after Close", n)
	}
}

// What cannot leave is counted and holds nothing up: no address, a packet above
// all limits, an address that the kernel refuses.
func TestDropped(t *testing.T) {
	r := newRig(t, 3)
	r.ends[0].peer.Move(r.ends[0].peer.Address())
	r.ends[1].peer.address.Store(0)
	r.ends[2].peer.Move(netip.MustParseAddrPort("192.0.2.1:9")) // cannot be reached from 127.0.0.1
	u := r.sender.Burst()
	r.ends[2].add(&u, []byte("x"))
	r.ends[2].add(&u, []byte("x"))
	if n := r.ends[1].add(&u, []byte("x")); n != 0 {
		t.Errorf("Add without an address = %d, want 0", n)
	}
	if n := r.ends[0].add(&u, make([]byte, batchBytes)); n != 0 {
		t.Errorf("Add of too much = %d, want 0", n)
	}
	r.ends[0].add(&u, []byte("y"))
	u.Send()
	if got := r.ends[0].read(t, 1)[0]; got != "y" {
		t.Errorf("got %q, want y", got)
	}
	if c := r.sender.Counters(); c.Failed != 2 || c.Unaddressed != 2 || c.Singly != 1 {
		t.Errorf("counters %+v, want 2 failed, 2 unaddressed, 1 message sent singly", c)
	}
	if r.socket.noSplit.Load() {
		t.Error("an address that cannot be reached ended splitting for all")
	}
	var none Burst
	if n := r.ends[0].add(&none, []byte("z")); n != 0 {
		t.Errorf("Add to the zero Burst = %d, want 0", n)
	}
	none.Send()
}

func TestSendDoesNotAllocate(t *testing.T) {
	r := newRig(t, 100)
	payload := bytes.Repeat([]byte{1}, 80)
	for _, gather := range []time.Duration{0, time.Hour} {
		r.sender.SetGather(gather)
		round := func() {
			u := r.sender.Burst()
			for _, e := range r.ends {
				e.add(&u, payload)
			}
			u.Send()
			r.sender.Flush()
		}
		for range 20 {
			round()
		}
		if n := testing.AllocsPerRun(100, round); n >= 1 {
			t.Errorf("gather %v: %v allocations for 100 packets, want 0", gather, n)
		}
	}
}

// The socket hands out datagrams whole, with their sender, and ends on Close.
func TestSocketReads(t *testing.T) {
	r := newRig(t, 2)
	to := r.socket.LocalAddr()
	for i := range 100 {
		e := r.ends[i%2]
		if _, err := e.conn.WriteTo([]byte{byte(i)}, to); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.ends[0].conn.WriteTo(make([]byte, readBytes+1), to); err != nil {
		t.Fatal(err)
	}
	if _, err := r.ends[0].conn.WriteTo([]byte{100}, to); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 8192)
	for i := range 101 {
		n, from, err := r.socket.ReadFromAddrPort(b)
		if want := r.ends[i%2].peer.Address(); err != nil || n != 1 || b[0] != byte(i) || from != want {
			t.Fatalf("read %d = %d bytes (%d) from %v, %v; want %d from %v", i, n, b[0], from, err, i, want)
		}
	}
	ended := make(chan error)
	go func() {
		_, _, err := r.socket.ReadFrom(b)
		ended <- err
	}()
	if err := r.socket.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Error("a read of a closed socket gave no error")
	}
}
