package gateway

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"earshot"
)

// Some clients follow no answer to another node: LiveKit's SDKs know one URL, and
// take others from LiveKit's own cloud only. What they ask for at the wrong node
// is passed on to the one that has it, over the same URL as clients use. Media
// never comes this way: the owner's answer names its own addresses.

const (
	// headerForwarded goes along with what another node has passed on. A request
	// that has it is not passed on again, whoever sent it.
	headerForwarded = "Earshot-Forwarded"
	// forwardedFor is how far the clocks of two nodes may be apart, and for how
	// long the header is good: it lets its bearer past the limit of an address.
	forwardedFor = 5 * time.Minute
	// maxForwarded bounds the header, in bytes.
	maxForwarded = 1024
)

// forwarded is what a node says of a request that it passes on.
type forwarded struct {
	To       string             `json:"to"`                 // the URL of the node that shall answer
	Instance earshot.InstanceID `json:"instance,omitempty"` // that the first node has chosen; empty: one is to be opened
	Address  string             `json:"address"`            // of the client
	At       int64              `json:"at"`                 // Unix seconds
}

// seal writes f for the other nodes, who alone have the key.
func (ks *Keys) seal(f *forwarded) string {
	text, err := json.Marshal(f)
	if err != nil { // strings and a number
		panic(err)
	}
	body := base64.RawURLEncoding.EncodeToString(text)
	return body + "." + base64.RawURLEncoding.EncodeToString(ks.forwardMAC(body))
}

// unseal reads what another node sealed for the node of url; nil where it did not.
func (ks *Keys) unseal(value, url string, now time.Time) *forwarded {
	if len(value) > maxForwarded || url == "" {
		return nil
	}
	body, signature, _ := strings.Cut(value, ".")
	mac, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil || !hmac.Equal(mac, ks.forwardMAC(body)) {
		return nil
	}
	text, err := base64.RawURLEncoding.DecodeString(body)
	f := &forwarded{}
	if err != nil || json.Unmarshal(text, f) != nil || f.To != url {
		return nil
	}
	if age := now.Sub(time.Unix(f.At, 0)); age > forwardedFor || age < -forwardedFor {
		return nil
	}
	return f
}

// forwardMAC is by a key of its own, derived from the one that nodes share: what
// is sealed here is no token, and no token is good here.
func (ks *Keys) forwardMAC(body string) []byte {
	secret, _ := ks.renewal.sign.([]byte)
	key := hmac.New(sha256.New, secret)
	key.Write([]byte("earshot forward 1"))
	mac := hmac.New(sha256.New, key.Sum(nil))
	mac.Write([]byte(body))
	return mac.Sum(nil)
}

// arrival is how a request came: from its client, or by another node.
type arrival struct {
	uri, bearer string
	address     string // of the client
	passed      bool   // it must not be passed on again
	instance    earshot.InstanceID
	openHere    bool // another node chose this one to open an instance
}

// arrivalOf reads how a request came. counted: the node that passed it on has
// held its client's address to the limit.
func (g *Gateway) arrivalOf(c *fiber.Ctx, now time.Time) (a arrival, counted bool) {
	a = arrival{
		uri: strings.Clone(c.OriginalURL()), bearer: strings.Clone(c.Get(fiber.HeaderAuthorization)), address: strings.Clone(c.IP()),
	}
	value := c.Get(headerForwarded)
	a.passed = value != ""
	if g.fleet == nil || !a.passed {
		return a, false
	}
	f := g.keys.unseal(value, g.fleet.cfg.URL, now)
	if f == nil {
		return a, false
	}
	a.address, a.instance, a.openHere = f.Address, f.Instance, f.Instance == ""
	return a, true
}

// header is what a request that is passed on begins with.
func (a *arrival) header(g *Gateway, away *misdirected, now time.Time) http.Header {
	h := http.Header{headerForwarded: {g.keys.seal(&forwarded{away.url, away.instance, a.address, now.Unix()})}}
	if a.bearer != "" {
		h[fiber.HeaderAuthorization] = []string{a.bearer}
	}
	return h
}

// elsewhere reports where to pass on what failed with err; nil: nowhere.
func (a *arrival) elsewhere(err error) (away *misdirected) {
	if a.passed || !errors.As(err, &away) {
		return nil
	}
	return away
}

// settled is err for a client whose request is not passed on once more: two
// nodes differ on who has the instance, which ends within seconds.
func (a *arrival) settled(err error) error {
	var away *misdirected
	if errors.As(err, &away) {
		return earshot.Errorf(earshot.CodeUnavailable, "instance %s is changing its node; join again in a second", away.instance)
	}
	return err
}

// host returns an instance that is opened here if need be; misdirected where
// another node has it.
func (g *Gateway) host(id earshot.InstanceID, world string) (*Instance, error) {
	if g.fleet == nil || g.cfg.Cluster.spans(world) {
		return g.run(id, world)
	}
	ctx, cancel := context.WithTimeout(context.Background(), joinDeadline)
	defer cancel()
	return g.fleet.at(ctx, id, world, false)
}

// hosted returns an instance that runs here, nil for one that does not run;
// misdirected where another node has it.
func (g *Gateway) hosted(id earshot.InstanceID, world string) (*Instance, error) {
	if g.fleet != nil && !g.cfg.Cluster.spans(world) {
		if owner := g.fleet.ownerOf(id); owner != "" && owner != g.fleet.ID() {
			return nil, g.fleet.elsewhere(id, owner)
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.instances[id], nil
}

// forwardCall has another node answer a call of LiveKit's room service.
func (g *Gateway) forwardCall(c *fiber.Ctx, call *roomCall, away *misdirected) error {
	ctx, cancel := context.WithTimeout(context.Background(), joinDeadline)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, away.url+call.uri, bytes.NewReader(call.body))
	if err != nil {
		return err
	}
	req.Header = call.header(g, away, call.now)
	req.Header.Set(fiber.HeaderContentType, c.Get(fiber.HeaderContentType))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		g.log.Warn("a call could not be passed on", "instance", away.instance, "to", away.url, "error", err)
		return earshot.Errorf(earshot.CodeUnavailable, "the node of instance %s does not answer; try again in a second", away.instance)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxLKDown))
	if err != nil {
		return earshot.Errorf(earshot.CodeUnavailable, "the node of instance %s broke off; try again in a second", away.instance)
	}
	c.Set(fiber.HeaderContentType, resp.Header.Get(fiber.HeaderContentType))
	return c.Status(resp.StatusCode).Send(body)
}

// forwards are the connections of clients that this node passes on. The zero
// forwards has none.
type forwards struct {
	mu     sync.Mutex
	closed bool
	open   map[*lkForward]struct{}
}

// add keeps f until it ends; false where the node is shutting down.
func (fs *forwards) add(f *lkForward) bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.closed {
		return false
	}
	if fs.open == nil {
		fs.open = make(map[*lkForward]struct{})
	}
	fs.open[f] = struct{}{}
	return true
}

func (fs *forwards) remove(f *lkForward) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	delete(fs.open, f)
}

// count is how many there are.
func (fs *forwards) count() int {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return len(fs.open)
}

// close ends all, and refuses more: their clients come back by another node, to
// sessions that have gone on.
func (fs *forwards) close() {
	fs.mu.Lock()
	fs.closed = true
	all := make([]*lkForward, 0, len(fs.open))
	for f := range fs.open {
		all = append(all, f)
	}
	fs.mu.Unlock()
	for _, f := range all {
		f.stop()
	}
}
