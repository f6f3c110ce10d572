package conformance

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"earshot"
	"earshot/presence/federation"
)

// Target is the implementation under test.
type Target struct {
	Origin   string             // of the server, and the audience of tokens
	Operator string             // as whom it is asked: a peer of the server's
	Key      ed25519.PrivateKey // of that peer
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// claims are those of a token that should be taken.
func (target *Target) claims() federation.Claims {
	now := time.Now()
	return federation.Claims{
		Issuer: target.Operator, Audience: target.Origin, Scope: federation.Scope, Nonce: nonce(),
		IssuedAt: now.Unix(), Expires: now.Add(time.Minute).Unix(),
	}
}

func nonce() string {
	b := make([]byte, 16)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// token signs claims, changed by change.
func (target *Target) token(t *testing.T, change func(*federation.Claims)) string {
	t.Helper()
	c := target.claims()
	if change != nil {
		change(&c)
	}
	token, err := federation.Sign(target.Key, &c)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// bearer makes an Authorization header anew for each attempt: a token is good once.
func (target *Target) bearer(t *testing.T, change func(*federation.Claims)) func() string {
	return func() string { return "Bearer " + target.token(t, change) }
}

// as is a header that stays.
func as(authorization string) func() string { return func() string { return authorization } }

// send asks with an Authorization header, and waits where the server says that it
// is asked too often.
func (target *Target) send(t *testing.T, authorization func() string, query url.Values) answer {
	t.Helper()
	client := http.Client{Timeout: 15 * time.Second}
	for range 10 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target.Origin+federation.Path+"?"+query.Encode(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if value := authorization(); value != "" {
			req.Header.Set("Authorization", value)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(io.LimitReader(resp.Body, 2*federation.MaxPageBytes))
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != http.StatusTooManyRequests {
			return answer{resp.StatusCode, resp.Header, body}
		}
		seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
		if err != nil || seconds < 1 || seconds > 60 {
			t.Fatalf("429 with Retry-After %q: want 1 to 60 seconds", resp.Header.Get("Retry-After"))
		}
		select {
		case <-time.After(time.Duration(seconds) * time.Second):
		case <-t.Context().Done():
		}
	}
	t.Fatal("the server says for ever that it is asked too often")
	return answer{}
}

// page asks rightly, and checks the answer against every rule of a page: no field
// of another name, so that nothing is told that the specification does not know.
func (target *Target) page(t *testing.T, query url.Values, worlds ...string) *federation.Page {
	t.Helper()
	a := target.send(t, target.bearer(t, func(c *federation.Claims) { c.Worlds = worlds }), query)
	if a.status != http.StatusOK {
		t.Fatalf("%d %s, want 200", a.status, a.body)
	}
	p, err := federation.Decode(a.body)
	if err != nil {
		t.Fatal(err)
	}
	strict := json.NewDecoder(bytes.NewReader(a.body))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&federation.Page{}); err != nil {
		t.Errorf("the page has what version %d does not know: %v", federation.Version, err)
	}
	return p
}

// refused expects an error of the common form.
func refused(t *testing.T, a answer, status int, code earshot.Code) {
	t.Helper()
	var e earshot.Error
	if a.status != status || json.Unmarshal(a.body, &e) != nil || e.Code != code || e.Message == "" {
		t.Errorf("%d %s, want %d with code %s and a message", a.status, a.body, status, code)
	}
}
