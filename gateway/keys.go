package gateway

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
	"strings"
)

// The algorithms a token may be signed with. No other is accepted, "none" and
// RSA included.
const (
	AlgorithmHS256 = "HS256"
	AlgorithmEdDSA = "EdDSA"
)

const (
	// minSecretBytes is the size of HS256's hash: RFC 7518 section 3.2 asks
	// for a key of at least that.
	minSecretBytes = 32
	maxKeyIDBytes  = 64
	// renewalKeyID names the key by which a node signs renewals. It is made
	// anew at every start and never leaves the process; nodes that share a store
	// derive the same from their keys.
	renewalKeyID = "earshot-renewal"
)

// Secret is a string that is masked wherever it is printed, logged or
// marshalled. Convert it to string to use it.
type Secret string

const masked = "[masked]"

// String implements fmt.Stringer without the secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return masked
}

// GoString implements fmt.GoStringer without the secret.
func (s Secret) GoString() string { return fmt.Sprintf("%q", s.String()) }

// MarshalText implements encoding.TextMarshaler without the secret; JSON and
// YAML use it.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Key verifies tokens, and where it holds what that takes, signs them.
type Key struct {
	// ID is the token's kid and iss: 1 to 64 bytes.
	ID string `yaml:"id"`
	// Algorithm is HS256 (the default) or EdDSA.
	Algorithm string `yaml:"algorithm,omitempty"`
	// Secret of HS256, at least 32 bytes: used as it is, or, where it begins
	// with "base64:", decoded (standard or URL alphabet).
	Secret Secret `yaml:"secret,omitempty"`
	// SecretFile holds the secret instead; a line feed at its end is dropped.
	SecretFile string `yaml:"secret_file,omitempty"`
	// PublicKey of EdDSA: Ed25519 in PEM ("BEGIN PUBLIC KEY"), or the file.
	PublicKey     string `yaml:"public_key,omitempty"`
	PublicKeyFile string `yaml:"public_key_file,omitempty"`
	// PrivateKeyFile is an Ed25519 key in PEM ("BEGIN PRIVATE KEY"). Only
	// signing needs it (earshot token): a server is safer without.
	PrivateKeyFile string `yaml:"private_key_file,omitempty"`
}

// GenerateDevelopmentKey returns a new random HS256 key for a server that has
// none configured.
func GenerateDevelopmentKey() Key { return randomKey("development") }

func randomKey(id string) Key {
	secret := make([]byte, minSecretBytes)
	rand.Read(secret) // never fails since Go 1.24: it aborts the process instead
	return Key{
		ID: id, Algorithm: AlgorithmHS256,
		Secret: Secret("base64:" + base64.StdEncoding.EncodeToString(secret)),
	}
}

// Keys are the keys a node accepts, and the one by which it renews. Immutable:
// safe for concurrent use.
type Keys struct {
	byID    map[string]loadedKey
	renewal loadedKey
}

// loadedKey is a Key with its files read, in the types that jwt wants: verify
// is []byte or ed25519.PublicKey, sign is nil where the key only verifies.
type loadedKey struct {
	id, algorithm string
	verify, sign  any
}

// NewKeys reads and checks keys, files included. The error names the key and
// the field, never a secret.
func NewKeys(keys []Key) (*Keys, error) {
	ks := &Keys{byID: make(map[string]loadedKey)}
	for i, k := range keys {
		loaded, err := k.load()
		if err == nil && k.ID == renewalKeyID {
			err = invalid("id: %q is what the server calls its own key; choose another", k.ID)
		}
		if _, twice := ks.byID[k.ID]; err == nil && twice {
			err = invalid("id: %q is used by an earlier key too; ids must differ", k.ID)
		}
		if err != nil {
			return nil, within(fmt.Sprintf("keys[%d]", i), err)
		}
		ks.byID[k.ID] = loaded
	}
	if len(ks.byID) == 0 {
		return nil, invalid("keys: none is configured, so no token could be verified")
	}
	var err error
	ks.renewal, err = randomKey(renewalKeyID).load()
	ks.byID[renewalKeyID] = ks.renewal
	return ks, err
}

// shareRenewal makes the key for renewals the same on all nodes that have the
// same keys, so that a renewed token is good where an instance has moved. It is
// derived from the HS256 key with the least id, whose holder can sign tokens
// anyway; with Ed25519 keys alone nodes have nothing secret in common, and a
// renewal stays good on its node only, which is reported.
func (ks *Keys) shareRenewal() bool {
	var from *loadedKey
	for id, k := range ks.byID {
		if _, symmetric := k.verify.([]byte); symmetric && id != renewalKeyID && (from == nil || id < from.id) {
			from = &k
		}
	}
	if from == nil {
		return false
	}
	mac := hmac.New(sha256.New, from.verify.([]byte))
	mac.Write([]byte("earshot renewal 1"))
	secret := mac.Sum(nil)
	ks.renewal = loadedKey{id: renewalKeyID, algorithm: AlgorithmHS256, verify: secret, sign: secret}
	ks.byID[renewalKeyID] = ks.renewal
	return true
}

func (k Key) load() (loadedKey, error) {
	if k.ID == "" || len(k.ID) > maxKeyIDBytes {
		return loadedKey{}, invalid("id: has %d bytes, it must have 1 to %d", len(k.ID), maxKeyIDBytes)
	}
	switch k.Algorithm {
	case "", AlgorithmHS256:
		return k.loadHS256()
	case AlgorithmEdDSA:
		return k.loadEdDSA()
	}
	return loadedKey{}, invalid("algorithm: %q is not accepted; use %s or %s", k.Algorithm, AlgorithmHS256, AlgorithmEdDSA)
}

func (k Key) loadHS256() (loadedKey, error) {
	if k.PublicKey != "" || k.PublicKeyFile != "" || k.PrivateKeyFile != "" {
		return loadedKey{}, invalid("algorithm: %s takes a secret; for a public key set algorithm: %s", AlgorithmHS256, AlgorithmEdDSA)
	}
	text, err := inlineOrFile("secret", string(k.Secret), k.SecretFile)
	if err != nil {
		return loadedKey{}, err
	}
	secret := []byte(text)
	if encoded, ok := strings.CutPrefix(text, "base64:"); ok {
		if secret, err = decodeBase64(encoded); err != nil {
			return loadedKey{}, invalid("secret: what follows base64: is not base64")
		}
	}
	if len(secret) < minSecretBytes {
		return loadedKey{}, invalid("secret: has %d bytes, %s needs at least %d; make one with: openssl rand -base64 32", len(secret), AlgorithmHS256, minSecretBytes)
	}
	return loadedKey{id: k.ID, algorithm: AlgorithmHS256, verify: secret, sign: secret}, nil
}

func (k Key) loadEdDSA() (loadedKey, error) {
	if k.Secret != "" || k.SecretFile != "" {
		return loadedKey{}, invalid("algorithm: %s takes a public key, not a secret", AlgorithmEdDSA)
	}
	loaded := loadedKey{id: k.ID, algorithm: AlgorithmEdDSA}
	if k.PrivateKeyFile != "" {
		private, err := readPrivateKey(k.PrivateKeyFile)
		if err != nil {
			return loadedKey{}, err
		}
		loaded.sign, loaded.verify = private, private.Public().(ed25519.PublicKey)
		if k.PublicKey == "" && k.PublicKeyFile == "" {
			return loaded, nil
		}
	}
	text, err := inlineOrFile("public_key", k.PublicKey, k.PublicKeyFile)
	if err != nil {
		return loadedKey{}, err
	}
	public, err := parsePublicKey(text)
	if err != nil {
		return loadedKey{}, err
	}
	if own, ok := loaded.verify.(ed25519.PublicKey); ok && !own.Equal(public) {
		return loadedKey{}, invalid("private_key_file: does not belong to the public key")
	}
	loaded.verify = public
	return loaded, nil
}

func parsePublicKey(text string) (ed25519.PublicKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, invalid("public_key: is not PEM; it begins with -----BEGIN PUBLIC KEY-----")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	public, ok := parsed.(ed25519.PublicKey)
	if err != nil || !ok {
		return nil, invalid("public_key: is not an Ed25519 public key; make one with: openssl pkey -in private.pem -pubout")
	}
	return public, nil
}

func readPrivateKey(file string) (ed25519.PrivateKey, error) {
	text, err := inlineOrFile("private_key", "", file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, invalid("private_key_file: %s is not PEM", file)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	private, ok := parsed.(ed25519.PrivateKey)
	if err != nil || !ok {
		return nil, invalid("private_key_file: %s is not an Ed25519 key; make one with: openssl genpkey -algorithm ed25519", file)
	}
	return private, nil
}

// inlineOrFile returns the value of field, given inline or in field_file.
func inlineOrFile(field, inline, file string) (string, error) {
	switch {
	case inline != "" && file != "":
		return "", invalid("%s and %s_file are both given; keep one", field, field)
	case inline != "":
		return inline, nil
	case file == "":
		return "", invalid("%s is missing; give it, or %s_file", field, field)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return "", invalid("%s_file: %v", field, err)
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r"), nil
}

func decodeBase64(s string) ([]byte, error) {
	s = strings.TrimRight(strings.TrimSpace(s), "=")
	if strings.ContainsAny(s, "-_") {
		return base64.RawURLEncoding.DecodeString(s)
	}
	return base64.RawStdEncoding.DecodeString(s)
}
