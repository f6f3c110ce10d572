package gateway

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/presence/federation"
)

// FederationConfig says what this operator tells others about who is in its
// worlds, and whom it asks: docs/federation.md.
type FederationConfig struct {
	// Operator is this operator's name, 1 to 24 of a-z, 0-9 and -. Empty: nobody
	// is told and nobody asked.
	Operator string `yaml:"operator"`
	// Region is where this node stands: what peers say is shown here only if they
	// allow that region.
	Region string `yaml:"region"`
	// URL is the origin at which peers ask this node; tokens are good for it alone.
	// Empty: fleet.url.
	URL string `yaml:"url"`
	// PrivateKeyFile is an Ed25519 key in PEM, the same on all nodes of the
	// operator. Questions are signed with it, and pseudonyms made of it.
	PrivateKeyFile string `yaml:"private_key_file"`
	// Poll is how often peers are asked, and shall ask: 1s to 1m.
	Poll time.Duration `yaml:"poll"`
	// Retain is for how long peers may keep what they were told without a newer
	// word: 2s to 5m, whole seconds.
	Retain time.Duration `yaml:"retain"`
	// Worlds are those of which anybody may be told at all, and how much.
	Worlds map[string]FederationExport `yaml:"worlds"`
	// Peers are the other operators.
	Peers []FederationPeer `yaml:"peers"`
}

// FederationExport is what peers may be told of a world.
type FederationExport struct {
	// Regions are those of peers who may be told, and in which it may be shown; "*":
	// all.
	Regions []string `yaml:"regions"`
	// Names tells what people are called, Places in which 32 m they are.
	Names  bool `yaml:"names"`
	Places bool `yaml:"places"`
}

// FederationPeer is another operator.
type FederationPeer struct {
	Operator string `yaml:"operator"`
	Region   string `yaml:"region"` // by contract: where it keeps and shows what it is told
	// PublicKey of the peer: Ed25519 in PEM, or the file.
	PublicKey     string `yaml:"public_key"`
	PublicKeyFile string `yaml:"public_key_file"`
	// Export are the worlds of which it is told; each must be among Worlds.
	Export []string `yaml:"export"`
	// URLs are the origins of its nodes, which are asked who is there; none: it
	// is not asked. Names takes in what people are called.
	URLs  []string `yaml:"urls"`
	Names bool     `yaml:"names"`
}

// DefaultFederation is none.
func DefaultFederation() FederationConfig {
	return FederationConfig{
		Poll: 2 * time.Second, Retain: time.Minute, Worlds: map[string]FederationExport{}, Peers: []FederationPeer{},
	}
}

func (c *FederationConfig) validate(worlds map[string]WorldConfig, fleet string) error {
	if c.Operator == "" {
		return nil
	}
	switch {
	case !federation.ValidOperator(c.Operator):
		return invalid("federation.operator: %q is not a name of 1 to 24 of a-z, 0-9 and -", c.Operator)
	case !federation.ValidRegion(c.Region):
		return invalid("federation.region: %q is not a name of 1 to 24 of a-z, 0-9 and -", c.Region)
	case c.PrivateKeyFile == "":
		return invalid("federation.private_key_file: missing; make one with: openssl genpkey -algorithm ed25519")
	case c.Poll < time.Second || c.Poll > time.Minute:
		return invalid("federation.poll: %v is outside 1s to 1m", c.Poll)
	case c.Retain < c.Poll || c.Retain < 2*time.Second || c.Retain > federation.MaxRetain*time.Second:
		return invalid("federation.retain: %v is outside 2s to 5m, or shorter than poll", c.Retain)
	case len(c.Worlds) > federation.MaxWorlds:
		return invalid("federation.worlds: %d, at most %d", len(c.Worlds), federation.MaxWorlds)
	case c.origin(fleet) == "" && slices.ContainsFunc(c.Peers, func(p FederationPeer) bool { return len(p.Export) > 0 }):
		return invalid("federation.url: missing; the origin at which peers ask, such as https://voice.example.org")
	}
	if c.URL != "" && !isOrigin(c.URL) {
		return invalid("federation.url: %q is not an origin, such as https://voice.example.org", c.URL)
	}
	for name, x := range c.Worlds {
		if _, ok := worlds[name]; !ok {
			return invalid("federation.worlds: there is no world %q here", name)
		}
		if len(x.Regions) == 0 || len(x.Regions) > federation.MaxRegions {
			return invalid("federation.worlds.%s.regions: %d, at least one (\"*\" is all of them) and at most %d", name, len(x.Regions), federation.MaxRegions)
		}
		for _, r := range x.Regions {
			if r != "*" && !federation.ValidRegion(r) {
				return invalid("federation.worlds.%s.regions: %q is not a name of 1 to 24 of a-z, 0-9 and -", name, r)
			}
		}
	}
	return c.validatePeers()
}

func (c *FederationConfig) validatePeers() error {
	seen := map[string]bool{c.Operator: true}
	for i := range c.Peers {
		p := &c.Peers[i]
		switch {
		case !federation.ValidOperator(p.Operator):
			return invalid("federation.peers[%d].operator: %q is not a name of 1 to 24 of a-z, 0-9 and -", i, p.Operator)
		case seen[p.Operator]:
			return invalid("federation.peers[%d].operator: %s is there twice, or this operator itself", i, p.Operator)
		case !federation.ValidRegion(p.Region):
			return invalid("federation.peers[%d].region: %q is not a name of 1 to 24 of a-z, 0-9 and -", i, p.Region)
		}
		seen[p.Operator] = true
		for _, name := range p.Export {
			x, ok := c.Worlds[name]
			if !ok {
				return invalid("federation.peers[%d].export: %q is not among federation.worlds, which says what may be told of it", i, name)
			}
			if policy := (federation.Policy{Regions: x.Regions}); !policy.Permits(p.Region) {
				return invalid("federation.peers[%d].export: %s may not be told of in region %s: see federation.worlds.%s.regions", i, name, p.Region, name)
			}
		}
		for _, u := range p.URLs {
			if !isOrigin(u) || !strings.HasPrefix(u, "https://") && !isLoopback(u) {
				return invalid("federation.peers[%d].urls: %q is not an origin by https, such as https://voice.example.org", i, u)
			}
		}
	}
	return nil
}

func (c *FederationConfig) origin(fleet string) string {
	if c.URL != "" {
		return c.URL
	}
	return fleet
}

func isOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.Path == "" && u.RawQuery == "" && u.User == nil && u.Fragment == ""
}

func isLoopback(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1" || u.Hostname() == "::1")
}

// federated is this node's part in federation; nil where there is none.
type federated struct {
	g      *Gateway
	cfg    *FederationConfig
	origin string // tokens must be for it
	key    ed25519.PrivateKey
	names  federation.Pseudonyms
	peers  map[string]*federatedPeer
	client *http.Client

	answers, questions *prometheus.CounterVec
}

// federatedPeer is another operator.
type federatedPeer struct {
	cfg    *FederationPeer
	key    ed25519.PublicKey
	export []string // sorted

	// mu guards what follows. It is taken before an Instance's, and not held
	// while the peer is asked.
	mu      sync.Mutex
	rate    protocol.Limiter
	replays federation.Replays
	ledger  *federation.Ledger
	views   []*federation.View // of its URLs, in their order
}

func newFederated(g *Gateway) (*federated, error) {
	cfg := &g.cfg.Federation
	if cfg.Operator == "" {
		return nil, nil
	}
	key, err := readPrivateKey(cfg.PrivateKeyFile)
	if err != nil {
		return nil, within("federation", err)
	}
	f := &federated{
		g: g, cfg: cfg, origin: cfg.origin(g.cfg.Fleet.URL), key: key, names: federation.NewPseudonyms(key),
		peers: make(map[string]*federatedPeer, len(cfg.Peers)), client: federationClient(),
		answers: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "earshot_federation_answers_total", Help: "Questions of other operators by result code.",
		}, []string{"code"}),
		questions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "earshot_federation_questions_total", Help: "Questions to other operators by operator and result code.",
		}, []string{"operator", "code"}),
	}
	g.deps.Metrics.MustRegister(f.answers, f.questions)
	for i := range cfg.Peers {
		p := &cfg.Peers[i]
		text, err := inlineOrFile("public_key", p.PublicKey, p.PublicKeyFile)
		var public ed25519.PublicKey
		if err == nil {
			public, err = parsePublicKey(text)
		}
		if err != nil {
			return nil, within("federation.peers: "+p.Operator, err)
		}
		epoch := make([]byte, 8)
		rand.Read(epoch)
		peer := &federatedPeer{
			cfg: p, key: public, export: slices.Sorted(slices.Values(p.Export)),
			rate: protocol.NewLimiter(federationPerSecond, federationBurst), ledger: federation.NewLedger(hex.EncodeToString(epoch)),
		}
		for range p.URLs {
			peer.views = append(peer.views, federation.NewView(p.Operator, cfg.Region, p.Names))
		}
		f.peers[p.Operator] = peer
	}
	return f, nil
}

// run asks the peers until ctx ends.
func (f *federated) run(ctx context.Context) {
	var all sync.WaitGroup
	for _, p := range f.peers {
		for i := range p.cfg.URLs {
			all.Go(func() { f.follow(ctx, p, i) })
		}
	}
	all.Wait()
	f.client.CloseIdleConnections()
}

// operators lists the peers that are asked, sorted.
func (f *federated) operators() (list []*federatedPeer) {
	for _, p := range f.peers {
		if len(p.views) > 0 {
			list = append(list, p)
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].cfg.Operator < list[j].cfg.Operator })
	return list
}

// keyOf is federation.Verify's: of peers who are told something.
func (f *federated) keyOf(operator string) (ed25519.PublicKey, bool) {
	p := f.peers[operator]
	if p == nil || len(p.export) == 0 {
		return nil, false
	}
	return p.key, true
}

var errNoFederation = earshot.Errorf(earshot.CodeNotFound, "this server takes no part in federation")
