package conformance

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"earshot"
	"earshot/presence/federation"
)

// Run tests an implementation.
func Run(t *testing.T, target Target) {
	for _, part := range []struct {
		name string
		test func(*testing.T, *Target)
	}{
		{"who may ask", whoMayAsk},
		{"tokens of another form", otherForms},
		{"a token is good once", onlyOnce},
		{"a page", onePage},
		{"what changed since", sinceCursor},
		{"pages add up", pagesAddUp},
		{"a token narrows", narrowed},
		{"malformed questions", malformedQuestions},
	} {
		t.Run(part.name, func(t *testing.T) { part.test(t, &target) })
	}
}

func whoMayAsk(t *testing.T, target *Target) {
	refused(t, target.send(t, as(""), nil), http.StatusUnauthorized, earshot.CodeUnauthenticated)
	refused(t, target.send(t, as("Basic Zm9vOmJhcg=="), nil), http.StatusUnauthorized, earshot.CodeUnauthenticated)
	seconds := func(d time.Duration) int64 { return int64(d / time.Second) }
	for name, change := range map[string]func(*federation.Claims){
		"an unknown operator": func(c *federation.Claims) { c.Issuer = "nobody-by-this-name" },
		"no operator":         func(c *federation.Claims) { c.Issuer = "" },
		"another audience":    func(c *federation.Claims) { c.Audience = "https://elsewhere.example" },
		"no audience":         func(c *federation.Claims) { c.Audience = "" },
		"another scope":       func(c *federation.Claims) { c.Scope = "presence:write" },
		"expired": func(c *federation.Claims) {
			c.IssuedAt -= seconds(3 * time.Minute)
			c.Expires -= seconds(3 * time.Minute)
		},
		"from the future": func(c *federation.Claims) {
			c.IssuedAt += seconds(2 * time.Minute)
			c.Expires += seconds(2 * time.Minute)
		},
		"good for ten minutes": func(c *federation.Claims) { c.Expires = c.IssuedAt + seconds(10*time.Minute) },
		"good for ever":        func(c *federation.Claims) { c.Expires = 1 << 60 },
		"never issued":         func(c *federation.Claims) { c.IssuedAt = 0 },
		"without jti":          func(c *federation.Claims) { c.Nonce = "" },
		"with a short jti":     func(c *federation.Claims) { c.Nonce = "1" },
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, target.send(t, target.bearer(t, change), nil), http.StatusUnauthorized, earshot.CodeUnauthenticated)
		})
	}
	_, wrong, _ := ed25519.GenerateKey(nil)
	c := target.claims()
	token, err := federation.Sign(wrong, &c)
	if err != nil {
		t.Fatal(err)
	}
	refused(t, target.send(t, as("Bearer "+token), nil), http.StatusUnauthorized, earshot.CodeUnauthenticated)
}

func otherForms(t *testing.T, target *Target) {
	parts := strings.Split(target.token(t, nil), ".")
	public := target.Key.Public().(ed25519.PublicKey)
	named := func(header string) string { return base64.RawURLEncoding.EncodeToString([]byte(header)) }
	for name, token := range map[string]string{
		"alg none":             named(`{"alg":"none","typ":"earshot-federation+jwt"}`) + "." + parts[1] + ".",
		"the key in the token": named(fmt.Sprintf(`{"alg":"EdDSA","typ":"earshot-federation+jwt","jwk":{"x":"%x"}}`, public)) + "." + parts[1] + "." + parts[2],
		"HS256":                named(`{"alg":"HS256","typ":"JWT"}`) + "." + parts[1] + "." + parts[2],
		"no signature":         parts[0] + "." + parts[1] + ".",
		"a changed signature":  parts[0] + "." + parts[1] + "." + strings.Repeat("A", len(parts[2])),
		"two parts":            parts[0] + "." + parts[1],
		"no token":             "abc",
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, target.send(t, as("Bearer "+token), nil), http.StatusUnauthorized, earshot.CodeUnauthenticated)
		})
	}
}

func onlyOnce(t *testing.T, target *Target) {
	token := target.token(t, nil)
	if a := target.send(t, as("Bearer "+token), nil); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	refused(t, target.send(t, as("Bearer "+token), nil), http.StatusUnauthorized, earshot.CodeUnauthenticated)
}

func onePage(t *testing.T, target *Target) {
	a := target.send(t, target.bearer(t, nil), nil)
	if a.status != http.StatusOK || !strings.HasPrefix(a.header.Get("Content-Type"), "application/json") {
		t.Fatalf("%d, Content-Type %q", a.status, a.header.Get("Content-Type"))
	}
	if !strings.Contains(a.header.Get("Cache-Control"), "no-store") {
		t.Errorf("Cache-Control %q, want no-store", a.header.Get("Cache-Control"))
	}
	p := target.page(t, nil)
	if !p.Full {
		t.Error("a first question is answered with changes only")
	}
	if len(p.Worlds) == 0 {
		t.Error("no world is exported to this peer: nothing can be tested of it")
	}
	for i := 1; i < len(p.Worlds); i++ {
		if p.Worlds[i-1].Name >= p.Worlds[i].Name {
			t.Error("worlds are not sorted")
		}
	}
	if p.At < time.Now().Add(-time.Hour).UnixMilli() || p.At > time.Now().Add(time.Hour).UnixMilli() {
		t.Errorf("at is %d: milliseconds since 1970?", p.At)
	}
	if len(p.Gone) > 0 {
		t.Error("everything is told, and that somebody has gone")
	}
}

func sinceCursor(t *testing.T, target *Target) {
	first := target.page(t, nil)
	for first.More {
		first = target.page(t, url.Values{"cursor": {first.Cursor}})
	}
	next := target.page(t, url.Values{"cursor": {first.Cursor}})
	if next.Full {
		t.Error("a cursor of a moment ago gets everything anew")
	}
	for _, foreign := range []string{"not-a-cursor", first.Cursor + "x", strings.Repeat("z", federation.MaxCursor)} {
		if p := target.page(t, url.Values{"cursor": {foreign}}); !p.Full {
			t.Errorf("cursor %q, which is none, gets changes only", foreign)
		}
	}
	if len(first.Worlds) > 1 { // it is of another question
		if p := target.page(t, url.Values{"cursor": {first.Cursor}}, first.Worlds[0].Name); !p.Full {
			t.Error("a cursor of all worlds gets the changes of one")
		}
	}
}

// pagesAddUp reads everybody two at a time and at once. People may come and go in
// between: then it is tried again.
func pagesAddUp(t *testing.T, target *Target) {
	for range 5 {
		whole := target.everybody(t, federation.MaxPeople)
		few := target.everybody(t, max(1, len(whole)/8))
		again := target.everybody(t, federation.MaxPeople)
		if fmt.Sprint(whole) != fmt.Sprint(again) {
			continue
		}
		if fmt.Sprint(whole) != fmt.Sprint(few) {
			t.Errorf("in small pages there are %d people, at once %d", len(few), len(whole))
		}
		return
	}
	t.Log("people come and go too often to compare")
}

// everybody reads all pages.
func (target *Target) everybody(t *testing.T, limit int) map[federation.Ref]string {
	t.Helper()
	all := map[federation.Ref]string{}
	query := url.Values{"limit": {fmt.Sprint(limit)}}
	for n := range federation.MaxTold {
		p := target.page(t, query)
		if len(p.Set)+len(p.Gone) > limit {
			t.Fatalf("%d people in a page of %d", len(p.Set)+len(p.Gone), limit)
		}
		if p.Full != (n == 0) {
			t.Fatalf("page %d: full is %v", n, p.Full)
		}
		for _, g := range p.Gone {
			delete(all, g)
		}
		for _, s := range p.Set {
			text, _ := json.Marshal(s)
			all[federation.Ref{World: s.World, ID: s.ID}] = string(text)
		}
		if !p.More {
			break
		}
		query.Set("cursor", p.Cursor)
	}
	return all
}

func narrowed(t *testing.T, target *Target) {
	worlds := target.page(t, nil).Worlds
	for _, w := range worlds {
		p := target.page(t, nil, w.Name)
		if len(p.Worlds) != 1 || p.Worlds[0].Name != w.Name {
			t.Errorf("asked for %s, told of %+v", w.Name, p.Worlds)
		}
		for _, s := range p.Set {
			if s.World != w.Name {
				t.Errorf("asked for %s, told of somebody in %s", w.Name, s.World)
			}
		}
	}
	if p := target.page(t, nil, "no-such-world-here"); len(p.Worlds) != 0 || len(p.Set) != 0 {
		t.Errorf("asked for a world that is not exported, told of %+v", p.Worlds)
	}
}

func malformedQuestions(t *testing.T, target *Target) {
	for _, query := range []url.Values{
		{"limit": {"0"}}, {"limit": {"-1"}}, {"limit": {"501"}}, {"limit": {"many"}},
		{"cursor": {strings.Repeat("z", federation.MaxCursor+1)}},
	} {
		refused(t, target.send(t, target.bearer(t, nil), query), http.StatusBadRequest, earshot.CodeInvalidArgument)
	}
}
