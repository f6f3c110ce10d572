package relay

import (
	"context"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"earshot"
	"earshot/sfu/relay/wire"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

// The two transports that decision 0029 chose between, one packet of voice of 80
// bytes at a time: what both ends together cost. "cpu-ns/packet" is the CPU time
// of the process, sending and receiving. Run with
//
//	go test ./sfu/relay -run xxx -bench Transport -benchtime 200000x -cpu 1
func BenchmarkTransport(b *testing.B) {
	for _, c := range []struct {
		name string
		per  int // packets in a datagram
	}{{"QUIC/1", 1}, {"QUIC/4", 4}, {"QUIC/11", 11}} {
		b.Run(c.name, func(b *testing.B) { benchQUIC(b, c.per) })
	}
	b.Run("SRTP", benchSRTP)
}

const benchWindow = 24 // datagrams on their way at once

func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func benchQUIC(b *testing.B, per int) {
	nodes := [2]*counting{{up: make(chan *Link, 4)}, {up: make(chan *Link, 4)}}
	sockets := [2]net.PacketConn{benchSocket(b), benchSocket(b)}
	names := [2]earshot.NodeID{"nd_a", "nd_b"}
	for i := range nodes {
		runBench(b, names[i], sockets[i], nodes[i], Peer{names[1-i], sockets[1-i].LocalAddr().String()})
	}
	from, to := <-nodes[0].up, <-nodes[1].up
	number, _ := to.Attach(nodes[1])
	m := wire.Media{Number: number, Codec: 1, HasLevel: true, Payload: make([]byte, 80)}
	var batch wire.Batch
	start := cpu()
	b.ResetTimer()
	for sent := 0; sent < b.N; sent += per {
		for sent-int(nodes[1].packets.Load()) > benchWindow*per {
			time.Sleep(20 * time.Microsecond)
		}
		batch.Begin()
		for range per {
			m.Seq++
			batch.Add(m.Append(batch.Room(m.Size())))
		}
		if err := from.conn.SendDatagram(batch.Seal(uint32(sent/per), 0)); err != nil {
			b.Fatal(err)
		}
	}
	for limit := time.Now().Add(time.Second); int(nodes[1].packets.Load()) < b.N && time.Now().Before(limit); {
		time.Sleep(100 * time.Microsecond)
	}
	b.ReportMetric(float64(cpu()-start)/float64(b.N), "cpu-ns/packet")
	b.ReportMetric(float64(nodes[1].packets.Load())/float64(b.N), "arrived")
}

// counting is a handler that counts packets.
type counting struct {
	up      chan *Link
	packets atomic.Int64
}

func (c *counting) LinkUp(l *Link)                                       { c.up <- l }
func (c *counting) LinkDown(*Link)                                       {}
func (c *counting) Message(*Link, *wire.Message)                         {}
func (c *counting) Media(*wire.Media, time.Time)                         { c.packets.Add(1) }
func (c *counting) Pose(*Link, wire.Kind, *wire.Pose, uint32, time.Time) {}

func benchSocket(b *testing.B) net.PacketConn {
	s, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		b.Fatal(err)
	}
	_ = s.SetReadBuffer(4 << 20)
	b.Cleanup(func() { s.Close() })
	return s
}

func runBench(b *testing.B, node earshot.NodeID, socket net.PacketConn, h Handler, peer Peer) {
	m, err := New(Config{Node: node, Listen: "127.0.0.1:0", Peers: []Peer{peer}, Secrets: []string{testSecret}}, Deps{Handler: h, Socket: socket})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- m.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		<-ended
	})
}

func benchSRTP(b *testing.B) {
	key, salt := make([]byte, 16), make([]byte, 12)
	out, err := srtp.CreateContext(key, salt, srtp.ProtectionProfileAeadAes128Gcm)
	if err != nil {
		b.Fatal(err)
	}
	in, _ := srtp.CreateContext(key, salt, srtp.ProtectionProfileAeadAes128Gcm)
	from, to := benchSocket(b), benchSocket(b)
	var packets atomic.Int64
	go func() {
		buffer, plain := make([]byte, 1500), make([]byte, 1500)
		for {
			n, _, err := to.ReadFrom(buffer)
			if err != nil {
				return
			}
			if _, err := in.DecryptRTP(plain[:0], buffer[:n], nil); err == nil {
				packets.Add(1)
			}
		}
	}()
	header, payload := rtp.Header{Version: 2, SSRC: 1}, make([]byte, 80)
	sealed, plain := make([]byte, 0, 1500), make([]byte, 1500)
	start := cpu()
	b.ResetTimer()
	for sent := range b.N {
		for sent-int(packets.Load()) > benchWindow {
			time.Sleep(20 * time.Microsecond)
		}
		header.SequenceNumber++
		n, _ := header.MarshalTo(plain)
		n += copy(plain[n:], payload)
		packet, err := out.EncryptRTP(sealed[:0], plain[:n], nil)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := from.WriteTo(packet, to.LocalAddr()); err != nil {
			b.Fatal(err)
		}
	}
	for limit := time.Now().Add(time.Second); int(packets.Load()) < b.N && time.Now().Before(limit); {
		time.Sleep(100 * time.Microsecond)
	}
	b.ReportMetric(float64(cpu()-start)/float64(b.N), "cpu-ns/packet")
	b.ReportMetric(float64(packets.Load())/float64(b.N), "arrived")
}
