package federation

import (
	"crypto/ed25519"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"earshot"
)

var (
	here  = ed25519.NewKeyFromSeed([]byte(strings.Repeat("h", 32)))
	other = ed25519.NewKeyFromSeed([]byte(strings.Repeat("o", 32)))
	now   = time.Unix(1_800_000_000, 0)
)

func keyOf(operator string) (ed25519.PublicKey, bool) {
	return here.Public().(ed25519.PublicKey), operator == "asker"
}

func asking(change func(*Claims)) *Claims {
	c := &Claims{
		Issuer: "asker", Audience: "https://a.example", Scope: Scope, Nonce: "0123456789abcdef",
		IssuedAt: now.Unix(), Expires: now.Unix() + 60,
	}
	if change != nil {
		change(c)
	}
	return c
}

func TestVerify(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*Claims)
		key    ed25519.PrivateKey
		why    string // in the error; empty: it is good
	}{
		"as it should be":     {nil, here, ""},
		"a clock that is off": {func(c *Claims) { c.IssuedAt += 20; c.Expires += 20 }, here, ""},
		"another's key":       {nil, other, "not a token"},
		"nobody's":            {func(c *Claims) { c.Issuer = "stranger" }, here, "not a token"},
		"for another":         {func(c *Claims) { c.Audience = "https://b.example" }, here, "audience"},
		"for more":            {func(c *Claims) { c.Scope = "presence:write" }, here, "scope"},
		"expired":             {func(c *Claims) { c.IssuedAt -= 120; c.Expires -= 120 }, here, "expired"},
		"from the future":     {func(c *Claims) { c.IssuedAt += 40; c.Expires += 40 }, here, "future"},
		"for an hour":         {func(c *Claims) { c.Expires += 3600 }, here, "too long"},
		"for ever":            {func(c *Claims) { c.Expires = 1 << 62 }, here, "too long"},
		"without iat":         {func(c *Claims) { c.IssuedAt = 0 }, here, "too long"},
		"backwards":           {func(c *Claims) { c.Expires = c.IssuedAt - 1 }, here, "too long"},
		"without jti":         {func(c *Claims) { c.Nonce = "" }, here, "jti"},
		"a long jti":          {func(c *Claims) { c.Nonce = strings.Repeat("x", 65) }, here, "jti"},
		"for many worlds":     {func(c *Claims) { c.Worlds = make([]string, MaxWorlds+1) }, here, "worlds"},
	} {
		token, err := Sign(tc.key, asking(tc.change))
		if err != nil {
			t.Fatal(err)
		}
		c, err := Verify(token, keyOf, "https://a.example", now)
		switch {
		case tc.why == "" && (err != nil || c.Issuer != "asker"):
			t.Errorf("%s: %+v, %v", name, c, err)
		case tc.why != "" && (earshot.CodeOf(err) != earshot.CodeUnauthenticated || !strings.Contains(err.Error(), tc.why)):
			t.Errorf("%s: %v, want %q", name, err, tc.why)
		}
	}
}

// No other form of token is read: what names another algorithm is nobody's.
func TestVerifyForms(t *testing.T) {
	good, _ := Sign(here, asking(nil))
	parts := strings.Split(good, ".")
	b64 := base64.RawURLEncoding.EncodeToString
	for name, token := range map[string]string{
		"empty": "", "no signature": parts[0] + "." + parts[1] + ".", "two parts": parts[0] + "." + parts[1],
		"none":      b64([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".",
		"HS256":     b64([]byte(`{"alg":"HS256","typ":"earshot-federation+jwt"}`)) + "." + parts[1] + "." + parts[2],
		"four":      good + ".x",
		"long":      good + strings.Repeat("A", MaxTokenBytes),
		"padded":    parts[0] + "." + parts[1] + "=." + parts[2],
		"not JSON":  parts[0] + "." + b64([]byte("{")) + "." + parts[2],
		"body off":  parts[0] + "." + b64([]byte(`{"iss":"asker"}`)) + "." + parts[2],
		"as header": parts[2] + "." + parts[1] + "." + parts[0],
	} {
		if c, err := Verify(token, keyOf, "https://a.example", now); err == nil {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

func TestReplays(t *testing.T) {
	var r Replays
	c := asking(nil)
	if err := r.Use(c, now); err != nil {
		t.Fatal(err)
	}
	for _, at := range []time.Duration{0, time.Second, 89 * time.Second} { // as long as it would be good
		if err := r.Use(c, now.Add(at)); earshot.CodeOf(err) != earshot.CodeUnauthenticated {
			t.Errorf("again after %v: %v", at, err)
		}
	}
	for i := range MaxReplays {
		c := asking(func(c *Claims) {
			c.Nonce = strings.Repeat("n", 16) + string(rune('a'+i%26)) + time.Duration(i).String()
		})
		if err := r.Use(c, now); (err == nil) != (i < MaxReplays-1) {
			t.Fatalf("token %d: %v", i, err)
		}
	}
	if err := r.Use(asking(func(c *Claims) { c.Nonce = "later later later" }), now.Add(2*time.Minute)); err != nil || len(r.used) != 1 {
		t.Errorf("when all have expired: %v, %d remembered", err, len(r.used))
	}
}

func FuzzVerify(f *testing.F) {
	good, _ := Sign(here, asking(nil))
	f.Add(good)
	f.Add(good[:len(good)-3])
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, token string) {
		c, err := Verify(token, keyOf, "https://a.example", now)
		if err == nil && (c.Issuer != "asker" || c.Expires-c.IssuedAt > 300) {
			t.Errorf("%+v", c)
		}
	})
}

func TestPseudonyms(t *testing.T) {
	ada := earshot.ParticipantFor("main", "ada")
	p, q := NewPseudonyms(here), NewPseudonyms(other)
	id := p.Of("alpha", ada)
	if !ValidID(id) || id != p.Of("alpha", ada) {
		t.Errorf("%q is no lasting pseudonym", id)
	}
	if id == p.Of("beta", ada) || id == q.Of("alpha", ada) || strings.Contains(string(ada), id) || id == p.Of("alpha", earshot.ParticipantFor("main", "bea")) {
		t.Error("two that should differ do not")
	}
	foreign := Foreign("alpha-1", id)
	if !foreign.Valid() || OperatorOf(foreign) != "alpha-1" {
		t.Errorf("%s is of %q", foreign, OperatorOf(foreign))
	}
	for _, ours := range []earshot.ParticipantID{ada, "pa_x", "", "pa_alpha_short", "pa__" + earshot.ParticipantID(id)} {
		if got := OperatorOf(ours); got != "" {
			t.Errorf("%s is of %q, want nobody", ours, got)
		}
	}
}
