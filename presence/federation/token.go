package federation

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"earshot"
)

// The bounds of a token.
const (
	MaxTokenBytes = 4096
	MaxLife       = 5 * time.Minute  // from iat to exp
	Skew          = 30 * time.Second // that the clocks of two operators may differ
	MaxWorlds     = 64
	minNonce      = 16 // bytes of jti
	maxNonce      = 64
)

// Scope is all that a token of this version may be for.
const Scope = "presence:read"

// Claims are what a token says. Who asks signs it: its peer has the public key
// in its configuration, and with it the worlds it may ask for. The token narrows
// that to one question, to one peer, now.
type Claims struct {
	Issuer   string   `json:"iss"` // operator who asks
	Audience string   `json:"aud"` // origin that is asked
	Scope    string   `json:"scope"`
	Worlds   []string `json:"worlds,omitempty"` // empty: all that it may ask for
	Nonce    string   `json:"jti"`              // 16 to 64 bytes that never come again
	IssuedAt int64    `json:"iat"`              // Unix seconds
	Expires  int64    `json:"exp"`
}

// header is the only one there is: what names another algorithm or type is not
// read any further.
var header = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"EdDSA","typ":"earshot-federation+jwt"}`))

// Sign returns a token: a compact JWS (RFC 7515) by Ed25519 (RFC 8037).
func Sign(key ed25519.PrivateKey, c *Claims) (string, error) {
	body, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	signed := header + "." + base64.RawURLEncoding.EncodeToString(body)
	return signed + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, []byte(signed))), nil
}

// Verify checks everything about a token but that it is new: see Replays. keyOf
// returns the public key of an operator. The *earshot.Error is unauthenticated,
// and says what is wrong only of tokens whose signature is right.
func Verify(token string, keyOf func(operator string) (ed25519.PublicKey, bool), audience string, now time.Time) (*Claims, error) {
	refused := earshot.Errorf(earshot.CodeUnauthenticated, "federation: not a token of a peer: send Authorization: Bearer with one signed by your operator's key (docs/federation.md)")
	if len(token) > MaxTokenBytes {
		return nil, refused
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 || parts[0] != header {
		return nil, refused
	}
	body, err1 := base64.RawURLEncoding.DecodeString(parts[1])
	signature, err2 := base64.RawURLEncoding.DecodeString(parts[2])
	c := &Claims{}
	if err1 != nil || err2 != nil || json.Unmarshal(body, c) != nil {
		return nil, refused
	}
	key, ok := keyOf(c.Issuer)
	if !ok || len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, []byte(parts[0]+"."+parts[1]), signature) {
		return nil, refused
	}
	if problem := c.problem(audience, now); problem != "" {
		return nil, earshot.Errorf(earshot.CodeUnauthenticated, "federation: %s", problem)
	}
	return c, nil
}

// problem says what is wrong with claims that are truly a peer's; empty: nothing.
func (c *Claims) problem(audience string, now time.Time) string {
	issued, expires := time.Unix(c.IssuedAt, 0), time.Unix(c.Expires, 0)
	switch {
	case c.Audience != audience:
		return "the token is for another audience (aud): name the origin that is asked"
	case c.Scope != Scope:
		return "the token is for another scope: use " + Scope
	case c.IssuedAt <= 0 || c.Expires <= c.IssuedAt || expires.Sub(issued) > MaxLife:
		return "the token is good for too long: at most 300 seconds from iat to exp"
	case now.Before(issued.Add(-Skew)):
		return "the token is from the future: compare the clocks"
	case !now.Before(expires.Add(Skew)):
		return "the token has expired: sign one for each request"
	case len(c.Nonce) < minNonce || len(c.Nonce) > maxNonce:
		return "jti has to have 16 to 64 bytes"
	case len(c.Worlds) > MaxWorlds:
		return "worlds names more than 64"
	}
	return ""
}

// Allows reports whether a token reaches a world.
func (c *Claims) Allows(world string) bool {
	return len(c.Worlds) == 0 || slices.Contains(c.Worlds, world)
}

// MaxReplays bounds how many tokens of one peer are remembered: a peer that signs
// more within their life has to wait.
const MaxReplays = 8192

// Replays remembers which tokens of one peer were used, until they expire.
type Replays struct {
	used  map[string]int64 // when each expires, Unix seconds, the skew included
	swept int64
}

// Use takes a token in. The *earshot.Error is unauthenticated for one that was
// used before, resource_exhausted where too many are remembered.
func (r *Replays) Use(c *Claims, now time.Time) error {
	if r.used == nil {
		r.used = make(map[string]int64)
	}
	if at := now.Unix(); at > r.swept {
		r.swept = at
		for nonce, until := range r.used {
			if until < at {
				delete(r.used, nonce)
			}
		}
	}
	if _, again := r.used[c.Nonce]; again {
		return earshot.Errorf(earshot.CodeUnauthenticated, "federation: this token was used before: sign one for each request")
	}
	if len(r.used) >= MaxReplays {
		return earshot.Errorf(earshot.CodeResourceExhausted, "federation: %d tokens of yours are still good: ask less often", MaxReplays)
	}
	r.used[c.Nonce] = c.Expires + int64(Skew/time.Second)
	return nil
}
