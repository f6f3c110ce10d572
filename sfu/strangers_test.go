//go:build linux

package sfu

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"earshot/sfu/forward"

	"github.com/pion/stun/v4"
)

// What strangers send: so many datagrams a second from so many addresses, or a
// part of it where this machine cannot take that many off the socket.
const (
	strangers      = 4
	strangersRate  = 20_000
	strangersLeast = 1_000
	strangersFor   = 2 * time.Second
)

// TestFloodOfStrangers sends datagrams of each kind to the media port from
// addresses that have no session, on real sockets: what is above any session's
// needs is dropped at the door and counted, and two who talk miss nothing. How
// much later they hear is logged: the sender shares the machine. What the system
// drops, since nobody gets to run who reads the socket, tells nothing: it is said
// and tried with less.
func TestFloodOfStrangers(t *testing.T) {
	w := onLoopback(t)
	a, b := w.enter(shape{voice: 1, video: 0}, nil), w.enter(shape{voice: 1, video: 0}, nil)
	a.hear(b)
	b.hear(a)
	for name, junk := range junks(t) {
		for rate := strangersRate; ; rate /= 4 {
			full := w.overflows()
			calm, _ := w.talkTimed(a, b, strangersFor/4, nil)
			loud, lost := w.talkTimed(a, b, strangersFor, func(stop chan struct{}) { w.flow(junk, rate, stop) })
			full = w.overflows() - full
			t.Logf("%s, %d a second: frames came after %v (median), %v (p99); without a flood after %v, %v; %d did not come, %d datagrams were dropped by the system",
				name, rate, quantile(loud, 0.5), quantile(loud, 0.99), quantile(calm, 0.5), quantile(calm, 0.99), lost, full)
			most := quantile(calm, 0.99) + 250*time.Millisecond
			if lost == 0 && quantile(loud, 0.5) <= most {
				break
			}
			if lost > 0 && full == 0 || rate < strangersLeast {
				t.Errorf("%s: %d frames did not come, half of the others within %v, want all, and these within %v", name, lost, quantile(loud, 0.5), most)
				break
			}
		}
	}
	for _, kind := range []forward.Traffic{forward.TrafficSTUN, forward.TrafficOther} {
		if count(w.sfu.metrics.gated[kind]) == 0 {
			t.Errorf("no datagram of %v was dropped at the door", kind)
		}
	}
	for _, p := range []*person{a, b} {
		if ended(p.session) {
			t.Errorf("%s was removed", p.id)
		}
	}
}

// junks returns what strangers send, by name.
func junks(t *testing.T) map[string][]byte {
	check1, err := stun.Build(stun.BindingRequest, stun.TransactionID, stun.NewUsername("nobody:knows"),
		stun.NewShortTermIntegrity("a password of somebody"), stun.Fingerprint)
	check(t, err)
	hello := append([]byte{22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100, 1}, bytes.Repeat([]byte{7}, 100)...)
	media := append([]byte{0x80, 111, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3}, bytes.Repeat([]byte{7}, 1000)...)
	return map[string][]byte{
		"connection checks": check1.Raw, "ClientHellos": hello, "media": media,
		"RTCP": {0x81, 201, 0, 1, 0, 0, 0, 1}, "noise": bytes.Repeat([]byte{0xff}, 500),
	}
}

// flow has strangers send a datagram so often a second until stop.
func (w *world) flow(junk []byte, perSecond int, stop chan struct{}) {
	var sending sync.WaitGroup
	for range strangers {
		conn, err := net.Dial("udp4", w.sfu.Addr().String())
		if err != nil {
			w.t.Error(err)
			break
		}
		defer conn.Close()
		sending.Go(func() { flow(conn, junk, perSecond/strangers, stop) })
	}
	sending.Wait()
}

// overflows returns how many datagrams the system has dropped since the buffer of
// the media socket was full.
func (w *world) overflows() (dropped int) {
	w.t.Helper()
	table, err := os.ReadFile("/proc/net/udp")
	check(w.t, err)
	port := fmt.Sprintf(":%04X", w.sfu.Addr().(*net.UDPAddr).Port)
	for line := range strings.Lines(string(table)) {
		if f := strings.Fields(line); len(f) > 12 && strings.HasSuffix(f[1], port) {
			dropped, err = strconv.Atoi(f[12])
			check(w.t, err)
		}
	}
	return dropped
}

// flow sends a datagram so often a second until stop. Every second one differs
// in what stands for a transaction id, a number or a random.
func flow(conn net.Conn, b []byte, perSecond int, stop chan struct{}) {
	const every = 5 * time.Millisecond
	tick := time.NewTicker(every)
	defer tick.Stop()
	b = bytes.Clone(b)
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		for n := range perSecond * int(every/time.Millisecond) / 1000 {
			if n%2 == 0 && len(b) >= 20 {
				binary.BigEndian.PutUint64(b[10:], rand.Uint64())
			}
			_, _ = conn.Write(b) // refused where the socket's buffer is full, which is the flood's loss
		}
	}
}

// talkTimed lets a and b talk, a frame every 20 ms, while something else goes on,
// and returns how long each frame took, the shortest first, and how many did not
// come.
func (w *world) talkTimed(a, b *person, d time.Duration, meanwhile func(stop chan struct{})) (took []time.Duration, lost int) {
	w.t.Helper()
	a.clear()
	b.clear()
	stop := make(chan struct{})
	var others sync.WaitGroup
	if meanwhile != nil {
		others.Go(func() { meanwhile(stop) })
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	frames := int(d / (20 * time.Millisecond))
	for range frames {
		<-tick.C
		now := strconv.FormatInt(time.Now().UnixNano(), 10)
		a.sayFrame(now, -20)
		b.sayFrame(now, -20)
	}
	close(stop)
	others.Wait()
	mids := [2]string{a.session.VoiceMIDs()[0], b.session.VoiceMIDs()[0]}
	missing := func() int { return max(0, frames-a.arrivals(mids[0])) + max(0, frames-b.arrivals(mids[1])) }
	for late := time.Now(); missing() > 0 && time.Since(late) < 10*time.Second; {
		<-tick.C
	}
	for i, p := range []*person{a, b} {
		p.note(func() {
			for _, got := range p.packets[mids[i]] {
				if sent, err := strconv.ParseInt(got.payload, 10, 64); err == nil {
					took = append(took, got.at.Sub(time.Unix(0, sent)))
				}
			}
		})
	}
	slices.Sort(took)
	return took, missing()
}

func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return time.Hour // nothing came
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))].Round(10 * time.Microsecond)
}
