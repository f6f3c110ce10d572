package loadtest

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"earshot"
	"earshot/gateway/protocol"
)

// distrust is for how long after a node fell silent nobody is sent there by
// others: they may take seconds to learn what its people know already.
const distrust = 6 * time.Second

// route is where one participant joins next, among the nodes they heard of. It
// follows the rules of the web client's nodes.js. Not safe for concurrent use.
type route struct {
	home     string
	nodes    []string           // the first is next
	instance earshot.InstanceID // to ask for; empty: any
	asked    earshot.InstanceID // what the caller wanted

	dead string // the node that fell silent at since
	when time.Time
}

func newRoute(home string, instance earshot.InstanceID) *route {
	home = origin(home)
	return &route{home: home, nodes: []string{home}, instance: instance, asked: instance}
}

// next is the node to join at.
func (r *route) next() string { return r.nodes[0] }

// welcomed notes that node let us in.
func (r *route) welcomed(node string, w *protocol.Welcome) {
	r.instance = r.asked
	if len(w.Alternates) > 0 {
		r.instance = w.Instance
	}
	r.dead = ""
	r.told(node, w.Alternates)
}

// told notes which other nodes there are; node is the one that has us.
func (r *route) told(node string, alternates []string) {
	r.nodes = []string{origin(node)}
	r.add(alternates...)
	r.add(r.home)
}

// sent notes that the server ended it, and perhaps where to go.
func (r *route) sent(bye *protocol.Bye) {
	if bye.URL == "" {
		return
	}
	r.instance = bye.Instance
	rest := r.nodes
	r.nodes = []string{origin(bye.URL)}
	r.add(rest...)
}

// fell notes that the node that had us went silent.
func (r *route) fell(node string, now time.Time) {
	r.dead, r.when = origin(node), now
	if i := slices.Index(r.nodes, r.dead); i >= 0 && len(r.nodes) > 1 {
		r.nodes = append(slices.Delete(r.nodes, i, i+1), r.dead)
	}
}

// failed notes that joining did not work. It reports whether trying again may.
func (r *route) failed(err error) bool {
	var told *earshot.Error
	if !errors.As(err, &told) { // nobody answered: the next
		r.nodes = append(r.nodes[1:], r.nodes[0])
		return true
	}
	switch told.Code {
	case earshot.CodeNotFound:
		r.instance = r.asked
	case earshot.CodePermissionDenied, earshot.CodeUnauthenticated, earshot.CodeInvalidArgument:
		return false
	}
	return true
}

// trusts reports whether to go where another node sends us.
func (r *route) trusts(location string, now time.Time) bool {
	return r.dead == "" || origin(location) != r.dead || now.Sub(r.when) > distrust
}

func (r *route) add(nodes ...string) {
	for _, n := range nodes {
		if n = origin(n); !slices.Contains(r.nodes, n) {
			r.nodes = append(r.nodes, n)
		}
	}
}

// origin is the scheme and host of a URL.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return strings.TrimRight(address, "/")
	}
	return u.Scheme + "://" + u.Host
}
