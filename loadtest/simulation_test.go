package loadtest

import (
	"context"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/logging"
	"github.com/pion/transport/v4/vnet"
	"github.com/valyala/fasthttp/fasthttputil"

	"earshot/gateway"
	"earshot/gateway/protocol"
)

// simulation is a node and its bots on a simulated network, inside a synctest
// bubble: HTTP over pipes, media over a router that loses packets by seed.
type simulation struct {
	*node
	start  time.Time
	router *vnet.Router
	bots   map[uint32]*Bot

	// mu guards what the router's filter reads.
	mu   sync.Mutex
	rng  *rand.Rand
	loss float64
	cut  map[string]bool // addresses without a network
	seen int             // datagrams of media
}

const serverAddress = "10.0.0.1"

// vnetNumbers guards the counter from which package vnet takes MAC addresses:
// simulations run side by side.
var vnetNumbers sync.Mutex

func newSimulation(t *testing.T, loss float64, more ...func(*gateway.Deps)) *simulation {
	t.Helper()
	s := &simulation{
		start: time.Now(), loss: loss, rng: rand.New(rand.NewPCG(20, 26)),
		bots: map[uint32]*Bot{}, cut: map[string]bool{},
	}
	vnetNumbers.Lock()
	router, err := vnet.NewRouter(&vnet.RouterConfig{
		CIDR: "10.0.0.0/16", MinDelay: 5 * time.Millisecond, LoggerFactory: logging.NewDefaultLoggerFactory(),
	})
	vnetNumbers.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	router.AddChunkFilter(s.passes)
	s.router = router
	server := s.attach(t, serverAddress)
	if err := router.Start(); err != nil {
		t.Fatal(err)
	}
	pipes := fasthttputil.NewInmemoryListener()
	s.node = startNode(t, pipes, serverAddress+":3478", server, more...)
	s.dial = func(context.Context, string, string) (net.Conn, error) { return pipes.Dial() }
	s.http = &http.Client{Transport: &http.Transport{DialContext: s.dial, DisableKeepAlives: true}}
	s.url = "http://earshot.test"
	s.awaitReady()
	return s
}

// attach plugs a host into the router.
func (s *simulation) attach(t *testing.T, address string) *vnet.Net {
	t.Helper()
	vnetNumbers.Lock()
	host, err := vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{address}})
	vnetNumbers.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.router.AddNet(host); err != nil {
		t.Fatal(err)
	}
	return host
}

// passes decides the fate of a datagram.
func (s *simulation) passes(c vnet.Chunk) bool {
	from, to := hostOf(c.SourceAddr()), hostOf(c.DestinationAddr())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen++
	return !s.cut[from] && !s.cut[to] && s.rng.Float64() >= s.loss
}

func hostOf(a net.Addr) string {
	host, _, _ := strings.Cut(a.String(), ":")
	return host
}

func (s *simulation) setCut(number uint32, on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cut[botAddress(number)] = on
}

// until sleeps to a time of the simulation. Where a step took longer than the
// script gave it, all that follows is late by as much: what is said of a cut of
// 20 s must not be asked after 5.
func (s *simulation) until(at time.Duration) {
	left := time.Until(s.start.Add(at))
	if left < 0 {
		s.t.Logf("the script is %v late at %v", -left, at)
		s.start = s.start.Add(-left)
	}
	time.Sleep(left)
}

// shutdown ends everything, one side after the other: were both to close in the
// same instant, pion would wait for a timer while it holds a lock that another
// goroutine wants, and the clock of a bubble stands still as long as one does.
// At last idle goroutines of the HTTP server get the time they wait for work.
func (s *simulation) shutdown() {
	for _, b := range s.bots {
		b.Close()
	}
	time.Sleep(time.Second)
	s.stop()
	if err := s.router.Stop(); err != nil {
		s.t.Error(err)
	}
	s.http.CloseIdleConnections()
	time.Sleep(time.Minute)
}

// left returns why others were told that number left, "" while they were not.
func (s *simulation) left(witness *View, b *Bot) string {
	reason := ""
	for _, m := range witness.Messages() {
		if left, ok := m.ServerMessage.(*protocol.Left); ok && left.Participant == b.ID() {
			reason = left.Reason
		}
	}
	return reason
}
