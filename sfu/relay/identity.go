package relay

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"sync"
	"time"

	"earshot"
)

// protocolName is agreed on by ALPN (RFC 7301): nothing else may answer here.
const protocolName = "earshot-relay/1"

const (
	// leafLife is how long a node's certificate is good, leafEarly how long
	// before now it begins, so that clocks may differ by that.
	leafLife, leafEarly = 24 * time.Hour, time.Hour
	// leafRenew is how old a certificate gets before the next handshake has a
	// new one.
	leafRenew = 6 * time.Hour
)

// Identity proves that a node belongs to the cluster, and checks others. From
// each secret comes the key of a certificate authority (HKDF, RFC 5869, to
// Ed25519): the first signs this node's certificate, all of them vouch for
// others'. So a secret is changed without a cut: put the new one second on every
// node, then first, then take the old one away.
//
// A certificate names one node, by a URI. Whoever has a secret can name any
// node; whoever has not can prove nothing, and learns nothing from a handshake.
type Identity struct {
	node   earshot.NodeID
	roots  *x509.CertPool
	signer *x509.Certificate
	key    ed25519.PrivateKey

	mu   sync.Mutex
	leaf *tls.Certificate
	made time.Time
}

// NewIdentity derives the identity of a node. The secrets are not kept.
func NewIdentity(node earshot.NodeID, secrets []string) (*Identity, error) {
	id := &Identity{node: node, roots: x509.NewCertPool()}
	for i, secret := range secrets {
		seed, err := hkdf.Key(sha256.New, []byte(secret), nil, "earshot relay certificate authority 1", ed25519.SeedSize)
		if err != nil {
			return nil, errors.New("relay: a cluster secret cannot be used")
		}
		key := ed25519.NewKeyFromSeed(seed)
		root, err := newRoot(key)
		if err != nil {
			return nil, fmt.Errorf("relay: certificate authority: %w", err)
		}
		id.roots.AddCert(root)
		if i == 0 {
			id.signer, id.key = root, key
		}
	}
	if id.signer == nil {
		return nil, invalid("secrets: none")
	}
	return id, nil
}

// newRoot returns the certificate of the authority with a key: the same on every
// node but for its signature, which nobody checks.
func newRoot(key ed25519.PrivateKey) (*x509.Certificate, error) {
	public := key.Public().(ed25519.PublicKey)
	name := sha256.Sum256(public)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: fmt.Sprintf("earshot cluster %x", name[:6])},
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// certificate returns this node's, made anew when it has aged.
func (id *Identity) certificate(now time.Time) (*tls.Certificate, error) {
	id.mu.Lock()
	defer id.mu.Unlock()
	if id.leaf != nil && now.Sub(id.made) < leafRenew && !now.Before(id.made.Add(-leafEarly)) {
		return id.leaf, nil
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, URIs: []*url.URL{nodeURI(id.node)},
		NotBefore: now.Add(-leafEarly), NotAfter: now.Add(leafLife), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, id.signer, public, id.key)
	if err != nil {
		return nil, err
	}
	id.leaf, id.made = &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}, now
	return id.leaf, nil
}

func nodeURI(node earshot.NodeID) *url.URL {
	return &url.URL{Scheme: "earshot", Host: "node", Path: "/" + string(node)}
}

// verify returns which node a connection is with, if the cluster vouches for it
// and admits accepts it.
func (id *Identity) verify(state *tls.ConnectionState, usage x509.ExtKeyUsage, now time.Time, admits func(earshot.NodeID) bool) (earshot.NodeID, error) {
	if len(state.PeerCertificates) != 1 {
		return "", errors.New("relay: want exactly one certificate")
	}
	leaf := state.PeerCertificates[0]
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: id.roots, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{usage}}); err != nil {
		return "", errors.New("relay: the certificate is not of this cluster, or out of date: compare the secrets and the clocks of both nodes")
	}
	if len(leaf.URIs) != 1 || leaf.URIs[0].Scheme != "earshot" || leaf.URIs[0].Host != "node" || len(leaf.URIs[0].Path) < 2 {
		return "", errors.New("relay: the certificate names no node")
	}
	node := earshot.NodeID(leaf.URIs[0].Path[1:])
	if !nodeID.MatchString(string(node)) || !admits(node) {
		return "", errors.New("relay: the node is none of the configured peers")
	}
	return node, nil
}

// tlsConfig returns what both ends of a connection use. admits says which nodes
// may be at the other end. Tickets are off: each connection proves itself anew.
func (id *Identity) tlsConfig(server bool, admits func(earshot.NodeID) bool) *tls.Config {
	usage := usageOf(server)
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{protocolName}, SessionTicketsDisabled: true,
		ClientAuth: tls.RequireAnyClientCert, // VerifyConnection checks it
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return id.certificate(time.Now())
		},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return id.certificate(time.Now())
		},
		InsecureSkipVerify: true, // names of hosts say nothing here: VerifyConnection checks who it is
		VerifyConnection: func(state tls.ConnectionState) error {
			_, err := id.verify(&state, usage, time.Now(), admits)
			return err
		},
	}
}

// usageOf is what the other end's certificate must be good for.
func usageOf(server bool) x509.ExtKeyUsage {
	if server {
		return x509.ExtKeyUsageClientAuth
	}
	return x509.ExtKeyUsageServerAuth
}
