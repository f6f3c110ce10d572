package gateway

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/presence/federation"
	"earshot/presence/federation/conformance"
)

// company is an operator with a node of its own.
type company struct {
	name, region string
	key          ed25519.PrivateKey
	private      string // file
	public       string // PEM
}

func newOperator(t *testing.T, name, region string) company {
	t.Helper()
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	der2, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), name+".pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return company{name, region, key, file, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der2}))}
}

// start runs the operator's node.
func (o *company) start(t *testing.T, change func(*Config)) *node {
	t.Helper()
	listener := listen(t)
	return startNodeWith(t, func(c *Config) {
		c.Worlds = map[string]WorldConfig{"plaza": DefaultWorld(), "tavern": DefaultWorld(), "cellar": DefaultWorld()}
		c.Federation.Operator, c.Federation.Region, c.Federation.PrivateKeyFile = o.name, o.region, o.private
		c.Federation.URL, c.Federation.Poll = "http://"+listener.Addr().String(), time.Second
		change(c)
	}, nil, func(d *Deps) { d.Listener = listener })
}

// pair is alpha, which exports plaza and tavern to beta, and beta, which asks.
func pair(t *testing.T, export map[string]FederationExport) (alpha, beta *node, as company) {
	t.Helper()
	a, b := newOperator(t, "alpha", "eu"), newOperator(t, "beta", "eu")
	alpha = a.start(t, func(c *Config) {
		c.Federation.Worlds = export
		c.Federation.Peers = []FederationPeer{{Operator: "beta", Region: "eu", PublicKey: b.public, Export: []string{"plaza", "tavern"}}}
	})
	beta = b.start(t, func(c *Config) {
		c.Federation.Peers = []FederationPeer{{Operator: "alpha", Region: "eu", PublicKey: a.public, URLs: []string{alpha.url}, Names: true}}
	})
	return alpha, beta, b
}

var modest = map[string]FederationExport{"plaza": {Regions: []string{"eu", "us"}}, "tavern": {Regions: []string{"*"}, Names: true, Places: true}}

// toldAt is what a participant at beta is told.
func toldAt(n *node, token string) federatedOperator {
	n.t.Helper()
	status, body, _ := n.do(http.MethodGet, "/v1/federation/people", token, "", nil)
	var list federatedList
	if status != http.StatusOK || json.Unmarshal(body, &list) != nil || len(list.Operators) != 1 {
		n.t.Fatalf("%d %s", status, body)
	}
	return list.Operators[0]
}

// patientlyTold asks until there are as many people as wanted.
func patientlyTold(n *node, token string, people int) (op federatedOperator) {
	n.t.Helper()
	eventually(n.t, "people of the other operator", func() bool {
		pause(400 * time.Millisecond) // within the rate of asking
		op = toldAt(n, token)
		return len(op.People) == people
	})
	return op
}

// Whoever implements the specification passes this; a node does.
func TestFederationConforms(t *testing.T) {
	t.Parallel()
	alpha, _, as := pair(t, modest)
	for _, name := range []string{"ada", "bea", "cid", "dan", "eva"} {
		alpha.guest(name, nil)
	}
	alpha.guest("fay", func(c *Claims) { c.World = "tavern" })
	conformance.Run(t, conformance.Target{Origin: alpha.url, Operator: "beta", Key: as.key})
}

// People of one operator are told of those of another, by pseudonyms, within the
// bounds that each world sets; blocks hold both ways, and who is not to be seen is
// not told of.
func TestFederation(t *testing.T) {
	t.Parallel()
	alpha, beta, _ := pair(t, modest)
	ada := alpha.guest("ada", nil)
	alpha.guest("fay", func(c *Claims) { c.World = "tavern" })
	alpha.guest("cellarer", func(c *Claims) { c.World = "cellar" })
	alpha.guest("guest of a party", of("in_plaza_party"))
	troll := alpha.guest("troll", nil)
	in := alpha.plaza()
	in.mu.Lock()
	s := in.members[troll.id()]
	in.mu.Unlock()
	in.isolateNow(s, sanctions{muted: true, isolated: true})

	zoe := beta.guest("zoe", nil)
	token := beta.token(func(c *Claims) { c.Subject, c.Name = "zoe", "zoe" })
	op := patientlyTold(beta, token, 2)
	if op.Operator != "alpha" || op.Region != "eu" || len(op.Worlds) != 2 || op.Worlds[0] != (federation.World{Name: "plaza", Title: op.Worlds[0].Title, People: 1}) {
		t.Errorf("told of %+v", op)
	}
	who := map[string]federatedPerson{}
	for _, p := range op.People {
		who[p.World] = p
	}
	if p := who["plaza"]; p.Name != "" || p.Cell != nil || p.Instance != "in_plaza" || strings.Contains(string(ada.id()), string(p.Participant)[len("pa_alpha_"):]) {
		t.Errorf("of the plaza, which exports neither names nor places: %+v", p)
	}
	if p := who["tavern"]; p.Name != "fay" || p.Cell == nil {
		t.Errorf("of the tavern, which exports both: %+v", p)
	}

	zoe.say(&protocol.Block{Participant: who["plaza"].Participant, Blocked: true})
	expect[*protocol.Blocked](zoe)
	if op := patientlyTold(beta, token, 1); op.Worlds[0].People != 0 {
		t.Errorf("who blocked somebody is told of %+v", op)
	}
	fay := alpha.names0("fay", "tavern")
	if err := fay.in.block(fay, federation.Foreign("beta", strings.Repeat("a", 16)), true); err != nil {
		t.Fatal(err)
	}
	patientlyTold(beta, token, 0)
	ada.conn.Close()
}

// names0 is the session of somebody by name in the first instance of a world.
func (n *node) names0(name, world string) *session {
	n.mu.Lock()
	in := n.instances[firstOf(world)]
	n.mu.Unlock()
	for _, s := range in.live.Load().all {
		if s.claims.Name == name {
			return s
		}
	}
	n.t.Fatalf("%s is not in %s", name, world)
	return nil
}

// Only who is in an instance here, and seen, is told.
func TestFederatedPeopleAreForThosePresent(t *testing.T) {
	t.Parallel()
	_, beta, _ := pair(t, modest)
	for name, tc := range map[string]struct {
		token  string
		status int
	}{
		"no token":   {"", http.StatusUnauthorized},
		"not there":  {beta.token(func(c *Claims) { c.Subject = "nobody" }), http.StatusPreconditionFailed},
		"may not":    {beta.token(func(c *Claims) { c.Grants = []string{protocol.GrantChat} }), http.StatusForbidden},
		"of another": {startNode(t, nil).token(nil), http.StatusUnauthorized},
	} {
		if status, body, _ := beta.do(http.MethodGet, "/v1/federation/people", tc.token, "", nil); status != tc.status {
			t.Errorf("%s: %d %s, want %d", name, status, body, tc.status)
		}
	}
	alone := startNode(t, nil)
	for _, path := range []string{"/v1/federation/people", federation.Path} {
		if status, body, _ := alone.do(http.MethodGet, path, alone.token(nil), "", nil); status != http.StatusNotFound {
			t.Errorf("%s where there is no federation: %d %s", path, status, body)
		}
	}
}

// A peer whose people may not be shown here, or that is somebody else, tells of
// nobody; one that is gone is forgotten.
func TestFederationForgets(t *testing.T) {
	t.Parallel()
	a, b := newOperator(t, "alpha", "eu"), newOperator(t, "beta", "us")
	alpha := a.start(t, func(c *Config) {
		c.Federation.Worlds = map[string]FederationExport{"plaza": {Regions: []string{"eu"}}}
		c.Federation.Peers = []FederationPeer{{Operator: "beta", Region: "eu", PublicKey: b.public, Export: []string{"plaza"}}}
	})
	alpha.guest("ada", nil)
	beta := b.start(t, func(c *Config) { // it says by contract eu, and is in us
		c.Federation.Peers = []FederationPeer{{Operator: "alpha", Region: "eu", PublicKey: a.public, URLs: []string{alpha.url}}}
	})
	p := beta.federated.peers["alpha"]
	_, err := beta.federated.ask(t.Context(), p, 0)
	if earshot.CodeOf(err) != earshot.CodePermissionDenied || len(beta.federated.list(nil, time.Now()).Operators[0].People) != 0 {
		t.Errorf("in a region that is not allowed: %v", err)
	}
}

func TestFederationConfig(t *testing.T) {
	o := newOperator(t, "alpha", "eu")
	good := func() Config {
		c := DefaultConfig()
		f := &c.Federation
		f.Operator, f.Region, f.URL, f.PrivateKeyFile = "alpha", "eu", "https://a.example", o.private
		f.Worlds = map[string]FederationExport{"plaza": {Regions: []string{"eu"}}}
		f.Peers = []FederationPeer{{Operator: "beta", Region: "eu", PublicKey: o.public, Export: []string{"plaza"}, URLs: []string{"https://b.example"}}}
		return c
	}
	c := good()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	for says, change := range map[string]func(*FederationConfig){
		"federation.operator":               func(f *FederationConfig) { f.Operator = "Alpha" },
		"federation.region":                 func(f *FederationConfig) { f.Region = "" },
		"federation.private_key_file":       func(f *FederationConfig) { f.PrivateKeyFile = "" },
		"federation.url":                    func(f *FederationConfig) { f.URL = "" },
		"federation.poll":                   func(f *FederationConfig) { f.Poll = time.Millisecond },
		"federation.retain":                 func(f *FederationConfig) { f.Retain = time.Hour },
		"no world \"castle\"":               func(f *FederationConfig) { f.Worlds["castle"] = FederationExport{Regions: []string{"eu"}} },
		"worlds.plaza.regions":              func(f *FederationConfig) { f.Worlds["plaza"] = FederationExport{} },
		"peers[0].operator: alpha":          func(f *FederationConfig) { f.Peers[0].Operator = "alpha" },
		"peers[0].region":                   func(f *FederationConfig) { f.Peers[0].Region = "E U" },
		"may not be told of in region us":   func(f *FederationConfig) { f.Peers[0].Region = "us" },
		"is not among federation.worlds":    func(f *FederationConfig) { f.Peers[0].Export = []string{"tavern"} },
		"by https":                          func(f *FederationConfig) { f.Peers[0].URLs = []string{"http://b.example"} },
		"peers[0].urls: \"https://b.ex/x\"": func(f *FederationConfig) { f.Peers[0].URLs = []string{"https://b.ex/x"} },
	} {
		c := good()
		change(&c.Federation)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v does not say %s", err, says)
		}
	}
}
