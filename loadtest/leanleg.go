package loadtest

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/stun/v4"
	"github.com/pion/transport/v4"
)

// leg is a way to the server: a socket of ours and an address of the server's,
// with the ICE credentials of its generation (RFC 8445). The bot is the
// controlling side; the server, which is ICE-lite, only answers.
type leg struct {
	remote    netip.AddrPort
	local     credentials
	far       credentials
	tie       uint64
	write     func(b []byte) error
	close     func() error
	attention func(eager bool) // whether somebody waits for what comes
}

// credentials are the ICE user fragment and password of one side.
type credentials struct{ ufrag, password string }

func newCredentials() credentials {
	b := make([]byte, 24)
	rand.Read(b) // never fails
	text := base64.RawStdEncoding.EncodeToString(b)
	return credentials{text[:8], text[8:]}
}

// openPolled opens a leg whose socket the lane reads; ok is false where that
// is not to be had. prepare completes the leg before anything is read.
func openPolled(l *lane, remote netip.AddrPort, prepare func(*leg) *leg,
	take func(g *leg, at time.Time, datagram []byte)) (g *leg, ok bool, err error) {
	socket, ok, err := dialPoll(remote)
	if err != nil || !ok {
		return nil, ok, err
	}
	g = prepare(&leg{remote: remote, write: socket.write})
	p := l.read(socket, func(at time.Time, datagram []byte) { take(g, at, datagram) })
	g.attention = p.eager.Store
	g.close = func() error {
		l.ignore(p)
		return socket.close()
	}
	return g, true, nil
}

// openRead opens a leg whose socket has a reading goroutine.
func openRead(network transport.Net, now func() time.Time, remote netip.AddrPort, prepare func(*leg) *leg,
	take func(g *leg, at time.Time, datagram []byte)) (*leg, error) {
	conn, err := network.ListenUDP("udp4", nil)
	if err != nil {
		return nil, err
	}
	to := net.UDPAddrFromAddrPort(remote)
	g := prepare(&leg{remote: remote, attention: func(bool) {}, write: func(b []byte) error {
		_, err := conn.WriteTo(b, to)
		return err
	}})
	var reading sync.WaitGroup
	reading.Go(func() {
		buf := make([]byte, laneMTU)
		for {
			n, _, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			take(g, now(), buf[:n])
		}
	})
	g.close = func() error {
		err := conn.Close()
		reading.Wait()
		return err
	}
	return g, nil
}

// priority is that of a peer-reflexive candidate (RFC 8445 section 5.1.2.1).
const priority = 110<<24 | 65535<<8 | 255

// check sends a connectivity check, nominating or not.
func (g *leg) check(nominate bool) error {
	number, order := make([]byte, 8), make([]byte, 4)
	binary.BigEndian.PutUint64(number, g.tie)
	binary.BigEndian.PutUint32(order, priority)
	setters := []stun.Setter{
		stun.BindingRequest, stun.TransactionID,
		stun.NewUsername(g.far.ufrag + ":" + g.local.ufrag),
		stun.RawAttribute{Type: stun.AttrICEControlling, Value: number},
		stun.RawAttribute{Type: stun.AttrPriority, Value: order},
	}
	if nominate {
		setters = append(setters, stun.RawAttribute{Type: stun.AttrUseCandidate})
	}
	m, err := stun.Build(append(setters, stun.NewShortTermIntegrity(g.far.password), stun.Fingerprint)...)
	if err != nil {
		return err
	}
	return g.write(m.Raw)
}

// handle takes a STUN message and reports whether it is an answer of the
// server to a check. It answers the server's own.
func (g *leg) handle(datagram []byte) (confirmed bool) {
	m := &stun.Message{Raw: datagram}
	if m.Decode() != nil {
		return false
	}
	switch m.Type {
	case stun.BindingSuccess:
		return stun.NewShortTermIntegrity(g.far.password).Check(m) == nil
	case stun.BindingRequest:
		if stun.NewShortTermIntegrity(g.local.password).Check(m) == nil {
			g.confirm(m)
		}
	}
	return false
}

func (g *leg) confirm(request *stun.Message) {
	m, err := stun.Build(stun.BindingSuccess, stun.NewTransactionIDSetter(request.TransactionID),
		&stun.XORMappedAddress{IP: g.remote.Addr().AsSlice(), Port: int(g.remote.Port())},
		stun.NewShortTermIntegrity(g.local.password), stun.Fingerprint)
	if err == nil {
		_ = g.write(m.Raw) // lost is as good: the server asks again
	}
}
