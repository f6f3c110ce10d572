package conformance

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"flag"
	"os"
	"testing"
)

var (
	origin   = flag.String("origin", "", "`URL` of the server to test, without a path")
	operator = flag.String("operator", "", "`name` of the peer as which it is asked")
	key      = flag.String("key", "", "`file` with that peer's Ed25519 key, PEM (PKCS #8)")
)

// TestConformance tests the server that the flags name.
func TestConformance(t *testing.T) {
	if *origin == "" {
		t.Skip("NOT RUN: name a server with -origin, -operator and -key; gateway's tests run this against a node")
	}
	data, err := os.ReadFile(*key)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(data)
	if block == nil {
		t.Fatalf("%s is not PEM", *key)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	private, ok := parsed.(ed25519.PrivateKey)
	if err != nil || !ok {
		t.Fatalf("%s is not an Ed25519 key: %v", *key, err)
	}
	Run(t, Target{Origin: *origin, Operator: *operator, Key: private})
}
