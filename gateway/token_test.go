package gateway

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"earshot"
	"earshot/gateway/protocol"
)

var tokenNow = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

const testSecret = "a secret of the tests, 32 bytes and more"

// edKey returns a fixed Ed25519 key and its public half in PEM.
func edKey(t testing.TB) (ed25519.PrivateKey, string) {
	t.Helper()
	private := ed25519.NewKeyFromSeed([]byte("seed of the tests, 32 bytes long"))
	der, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	return private, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func testKeys(t testing.TB) *Keys {
	t.Helper()
	_, public := edKey(t)
	ks, err := NewKeys([]Key{
		{ID: "main", Secret: testSecret},
		{ID: "other", Secret: "base64:" + Secret(base64.StdEncoding.EncodeToString([]byte(strings.Repeat("o", 32))))},
		{ID: "ed", Algorithm: AlgorithmEdDSA, PublicKey: public},
	})
	if err != nil {
		t.Fatal(err)
	}
	return ks
}

// goodClaims is the JSON of a token that is accepted; tests change members.
func goodClaims() jwt.MapClaims {
	return jwt.MapClaims{
		"iss": "main", "sub": "ada@example.org", "name": "Ada", "world": "plaza",
		"grants": []string{"publish.audio", "subscribe"},
		"iat":    tokenNow.Unix(), "exp": tokenNow.Add(time.Hour).Unix(),
	}
}

// sign makes a token of any claims, as an application would.
func sign(t testing.TB, method jwt.SigningMethod, key any, header map[string]any, claims jwt.Claims) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claims)
	for name, value := range header {
		token.Header[name] = value
	}
	signed, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func hs256(t testing.TB, claims jwt.Claims) string {
	return sign(t, jwt.SigningMethodHS256, []byte(testSecret), map[string]any{"kid": "main"}, claims)
}

func TestVerifyAccepts(t *testing.T) {
	ks := testKeys(t)
	private, _ := edKey(t)
	edClaims := goodClaims()
	edClaims["iss"] = "ed"
	fractional := goodClaims()
	fractional["exp"] = float64(tokenNow.Unix()) + 10.5
	atLimits := goodClaims()
	atLimits["sub"], atLimits["name"] = strings.Repeat("s", 128), strings.Repeat("ü", 32)
	atLimits["exp"] = tokenNow.Add(24 * time.Hour).Unix()
	skewed := goodClaims()
	skewed["iat"], skewed["nbf"] = tokenNow.Add(29*time.Second).Unix(), tokenNow.Add(29*time.Second).Unix()
	justExpired := goodClaims()
	justExpired["exp"] = tokenNow.Add(-29 * time.Second).Unix()
	emoji := goodClaims()
	emoji["name"] = "👩‍🚀 Ada"

	for name, token := range map[string]string{
		"HS256":                   hs256(t, goodClaims()),
		"EdDSA":                   sign(t, jwt.SigningMethodEdDSA, private, map[string]any{"kid": "ed"}, edClaims),
		"iss instead of kid":      sign(t, jwt.SigningMethodHS256, []byte(testSecret), nil, goodClaims()),
		"base64 secret":           sign(t, jwt.SigningMethodHS256, []byte(strings.Repeat("o", 32)), nil, with("iss", "other")),
		"instance for world":      hs256(t, with("world", nil, "instance", "in_plaza-2")),
		"fractional exp":          hs256(t, fractional),
		"limits of the length":    hs256(t, atLimits),
		"clock ahead by 29 s":     hs256(t, skewed),
		"expired 29 s ago":        hs256(t, justExpired),
		"unknown claims":          hs256(t, with("aud", "elsewhere", "scope", 7)),
		"joiner in a name":        hs256(t, emoji),
		"orig_iss changes little": hs256(t, with("orig_iss", "other")),
	} {
		claims, err := ks.Verify(token, tokenNow)
		if err != nil {
			t.Errorf("%s: Verify = %v, want accepted", name, err)
			continue
		}
		if claims.Kind != KindPerson || claims.Expires.IsZero() || claims.AuthTime.IsZero() || claims.Issuer == "other" && name != "base64 secret" {
			t.Errorf("%s: Verify = %+v, want complete claims of the signing key", name, claims)
		}
	}
}

// with returns goodClaims with members replaced, or removed where nil.
func with(pairs ...any) jwt.MapClaims {
	c := goodClaims()
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == nil {
			delete(c, pairs[i].(string))
		} else {
			c[pairs[i].(string)] = pairs[i+1]
		}
	}
	return c
}

func TestVerifyRefuses(t *testing.T) {
	ks := testKeys(t)
	private, public := edKey(t)
	kid := func(id any) map[string]any { return map[string]any{"kid": id} }
	good := hs256(t, goodClaims())
	body := strings.Split(good, ".")
	inOneDay := tokenNow.Add(24*time.Hour + 31*time.Second).Unix()

	for _, tc := range []struct {
		name, token string
		code        earshot.Code
		says        string
	}{
		{"empty", "", earshot.CodeUnauthenticated, "JSON Web Token"},
		{"not a token", "hello", earshot.CodeUnauthenticated, "JSON Web Token"},
		{"two parts", body[0] + "." + body[1], earshot.CodeUnauthenticated, "JSON Web Token"},
		{"four parts", good + ".x", earshot.CodeUnauthenticated, "JSON Web Token"},
		{"padded", body[0] + "=." + body[1] + "." + body[2], earshot.CodeUnauthenticated, "JSON Web Token"},
		{"too long", strings.Repeat("a", protocol.MaxTokenBytes+1), earshot.CodeInvalidArgument, "at most 4096"},
		{"expired", hs256(t, with("exp", tokenNow.Add(-31*time.Second).Unix())), earshot.CodeUnauthenticated, "expired 31s ago"},
		{"expired in another age", hs256(t, with("exp", -1e300)), earshot.CodeUnauthenticated, "expired"},
		{"without exp", hs256(t, with("exp", nil)), earshot.CodeUnauthenticated, "no exp"},
		{"exp is text", hs256(t, with("exp", "soon")), earshot.CodeUnauthenticated, "JSON Web Token"},
		{"too long lived", hs256(t, with("exp", inOneDay)), earshot.CodeUnauthenticated, "24 h ahead"},
		{"never expires", hs256(t, with("exp", 1e300)), earshot.CodeUnauthenticated, "expire"},
		{"not before", hs256(t, with("nbf", tokenNow.Add(31*time.Second).Unix())), earshot.CodeUnauthenticated, "not valid yet"},
		{"issued ahead", hs256(t, with("iat", tokenNow.Add(31*time.Second).Unix())), earshot.CodeUnauthenticated, "not valid yet"},
		{"signed in ahead", hs256(t, with("auth_time", tokenNow.Add(31*time.Second).Unix())), earshot.CodeUnauthenticated, "auth_time"},
		{"wrong secret", sign(t, jwt.SigningMethodHS256, []byte("another secret, also long enough!!"), kid("main"), goodClaims()), earshot.CodeUnauthenticated, "signature"},
		{"no signature", body[0] + "." + body[1] + ".", earshot.CodeUnauthenticated, "signature"},
		{"signature of other claims", body[0] + "." + strings.Split(hs256(t, with("name", "Eve")), ".")[1] + "." + body[2], earshot.CodeUnauthenticated, "signature"},
		{"unknown kid", sign(t, jwt.SigningMethodHS256, []byte(testSecret), kid("nobody"), goodClaims()), earshot.CodeUnauthenticated, `"nobody"`},
		{"kid is a number", sign(t, jwt.SigningMethodHS256, []byte(testSecret), kid(7), goodClaims()), earshot.CodeUnauthenticated, "not configured"},
		{"neither kid nor iss", sign(t, jwt.SigningMethodHS256, []byte(testSecret), nil, with("iss", nil)), earshot.CodeUnauthenticated, "not configured"},
		{"iss of another key", hs256(t, with("iss", "other")), earshot.CodeUnauthenticated, `iss is "other"`},
		{"kid without iss", hs256(t, with("iss", nil)), earshot.CodeUnauthenticated, "set iss"},
		{"renewal not signed by the node", sign(t, jwt.SigningMethodHS256, []byte(testSecret), kid(renewalKeyID), with("iss", renewalKeyID)), earshot.CodeUnauthenticated, "signature"},
		{"alg none", sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, kid("main"), goodClaims()), earshot.CodeUnauthenticated, `"none"`},
		{"alg HS512", sign(t, jwt.SigningMethodHS512, []byte(testSecret), kid("main"), goodClaims()), earshot.CodeUnauthenticated, `"HS512"`},
		{"alg RS256", segment(t, map[string]any{"alg": "RS256", "kid": "main"}) + "." + body[1] + "." + body[2], earshot.CodeUnauthenticated, `"RS256"`},
		{"alg unheard of", segment(t, map[string]any{"alg": "XX9", "kid": "main"}) + "." + body[1] + "." + body[2], earshot.CodeUnauthenticated, "algorithm"},
		{"public key as a secret", sign(t, jwt.SigningMethodHS256, []byte(public), kid("ed"), with("iss", "ed")), earshot.CodeUnauthenticated, "signs with EdDSA"},
		{"EdDSA under an HS256 key", sign(t, jwt.SigningMethodEdDSA, private, kid("main"), goodClaims()), earshot.CodeUnauthenticated, "signs with HS256"},
		{"critical extensions", sign(t, jwt.SigningMethodHS256, []byte(testSecret), map[string]any{"kid": "main", "crit": []string{"exp"}}, goodClaims()), earshot.CodeUnauthenticated, "crit"},
		{"without sub", hs256(t, with("sub", nil)), earshot.CodeUnauthenticated, "sub"},
		{"sub too long", hs256(t, with("sub", strings.Repeat("s", 129))), earshot.CodeUnauthenticated, "129 bytes"},
		{"sub not UTF-8", hs256(t, with("sub", "a\xff")), earshot.CodeUnauthenticated, "UTF-8"},
		{"sub is a number", hs256(t, with("sub", 7)), earshot.CodeUnauthenticated, "JSON Web Token"},
		{"without name", hs256(t, with("name", nil)), earshot.CodeUnauthenticated, "name"},
		{"blank name", hs256(t, with("name", " \u3000")), earshot.CodeUnauthenticated, "blank"},
		{"name too long", hs256(t, with("name", strings.Repeat("n", 33))), earshot.CodeUnauthenticated, "33 characters"},
		{"name with a line feed", hs256(t, with("name", "Ada\nadmin")), earshot.CodeUnauthenticated, "control characters"},
		{"name with a NUL", hs256(t, with("name", "Ada\x00")), earshot.CodeUnauthenticated, "control characters"},
		{"name written backwards", hs256(t, with("name", "\u202eadA")), earshot.CodeUnauthenticated, "control characters"},
		{"unknown kind", hs256(t, with("kind", "ghost")), earshot.CodeUnauthenticated, `"ghost"`},
		{"unknown grant", hs256(t, with("grants", []string{"fly"})), earshot.CodePermissionDenied, `"fly"`},
		{"too many grants", hs256(t, with("grants", make([]string, 17))), earshot.CodePermissionDenied, "17 grants"},
		{"grants as text", hs256(t, with("grants", "chat subscribe")), earshot.CodeUnauthenticated, "grants a list"},
		{"neither world nor instance", hs256(t, with("world", nil)), earshot.CodePermissionDenied, "neither"},
		{"bad world", hs256(t, with("world", "../etc")), earshot.CodePermissionDenied, "world"},
		{"bad instance", hs256(t, with("instance", "plaza")), earshot.CodePermissionDenied, "in_"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			claims, err := ks.Verify(tc.token, tokenNow)
			var e *earshot.Error
			if !errors.As(err, &e) || claims != nil {
				t.Fatalf("Verify = %+v, %v, want an *earshot.Error", claims, err)
			}
			if e.Code != tc.code || !strings.Contains(e.Message, tc.says) {
				t.Errorf("Verify = %v, want %s with %q", e, tc.code, tc.says)
			}
			if len(e.Message) < 30 || len(e.Message) > 300 || strings.Contains(e.Message, testSecret) {
				t.Errorf("message %q is not one short line without secrets that says what to do", e.Message)
			}
		})
	}
}

func segment(t testing.TB, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

func TestIssueRoundTrip(t *testing.T) {
	ks := testKeys(t)
	want := Claims{
		Subject: "ada", Name: "Ada", World: "plaza", Kind: KindBot,
		Grants: []string{protocol.GrantChat, protocol.GrantModerate}, Expires: tokenNow.Add(time.Hour),
	}
	token, expires, err := Issue(Key{ID: "main", Secret: testSecret}, want, tokenNow)
	if err != nil || !expires.Equal(tokenNow.Add(time.Hour)) {
		t.Fatalf("Issue = %q, %v, %v", token, expires, err)
	}
	got, err := ks.Verify(token, tokenNow.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if got.Subject != "ada" || got.Name != "Ada" || got.World != "plaza" || got.Kind != KindBot || got.Issuer != "main" ||
		!got.IssuedAt.Equal(tokenNow) || !got.AuthTime.Equal(tokenNow) || !got.Expires.Equal(expires) {
		t.Errorf("Verify(Issue) = %+v, want %+v", got, want)
	}
	if !got.Can(protocol.GrantChat) || got.Can(protocol.GrantAdmin) {
		t.Errorf("grants = %v", got.Grants)
	}
}

// What Verify would refuse is not issued in the first place.
func TestIssueRefuses(t *testing.T) {
	key := Key{ID: "main", Secret: testSecret}
	_, public := edKey(t)
	good := Claims{Subject: "ada", Name: "Ada", World: "plaza", Expires: tokenNow.Add(time.Hour)}
	for name, change := range map[string]func(c *Claims, k *Key){
		"public half only": func(c *Claims, k *Key) { *k = Key{ID: "ed", Algorithm: AlgorithmEdDSA, PublicKey: public} },
		"short secret":     func(c *Claims, k *Key) { k.Secret = "short" },
		"no name":          func(c *Claims, k *Key) { c.Name = "" },
		"no expiry":        func(c *Claims, k *Key) { c.Expires = time.Time{} },
		"expired":          func(c *Claims, k *Key) { c.Expires = tokenNow.Add(-time.Hour) },
		"two days":         func(c *Claims, k *Key) { c.Expires = tokenNow.Add(48 * time.Hour) },
		"unknown grant":    func(c *Claims, k *Key) { c.Grants = []string{"fly"} },
		"no world":         func(c *Claims, k *Key) { c.World = "" },
	} {
		c, k := good, key
		change(&c, &k)
		if _, _, err := Issue(k, c, tokenNow); err == nil {
			t.Errorf("%s: issued", name)
		}
	}
}

// A person stays the same participant through renewals, which end 24 h after
// they signed in.
func TestRenew(t *testing.T) {
	ks := testKeys(t)
	first, err := ks.Verify(hs256(t, goodClaims()), tokenNow)
	if err != nil {
		t.Fatal(err)
	}
	claims, now := first, tokenNow
	for range 23 {
		now = now.Add(58 * time.Minute)
		token, expires, err := ks.Renew(claims, now)
		if err != nil {
			t.Fatalf("Renew at %v: %v", now, err)
		}
		if claims, err = ks.Verify(token, now); err != nil {
			t.Fatalf("Verify of the renewal at %v: %v", now, err)
		}
		if claims.Participant() != first.Participant() || claims.Issuer != "main" {
			t.Fatalf("the renewal names %s of %q, want %s", claims.Participant(), claims.Issuer, first.Participant())
		}
		if last := tokenNow.Add(24 * time.Hour); expires.After(last) || !claims.AuthTime.Equal(tokenNow) {
			t.Fatalf("the renewal at %v lives until %v, want at most %v", now, expires, last)
		}
	}
	if _, _, err := ks.Renew(claims, tokenNow.Add(24*time.Hour)); earshot.CodeOf(err) != earshot.CodePermissionDenied {
		t.Errorf("Renew 24 h after signing in = %v, want permission_denied", err)
	}
}

func TestRenewalIsOfOneNode(t *testing.T) {
	one, two := testKeys(t), testKeys(t)
	claims, err := one.Verify(hs256(t, goodClaims()), tokenNow)
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := one.Renew(claims, tokenNow)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := two.Verify(token, tokenNow); earshot.CodeOf(err) != earshot.CodeUnauthenticated {
		t.Errorf("another node's Verify = %v, want unauthenticated", err)
	}
}

func TestDevelopmentKey(t *testing.T) {
	a, b := GenerateDevelopmentKey(), GenerateDevelopmentKey()
	if a.Secret == b.Secret {
		t.Error("two development keys are equal")
	}
	if _, err := NewKeys([]Key{a}); err != nil {
		t.Errorf("NewKeys(development key) = %v", err)
	}
}

func FuzzVerify(f *testing.F) {
	ks := testKeys(f)
	good := hs256(f, goodClaims())
	f.Add(good)
	f.Add("..")
	f.Add(good[:len(good)-3])
	f.Add(sign(f, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil, goodClaims()))
	f.Fuzz(func(t *testing.T, token string) {
		claims, err := ks.Verify(token, tokenNow)
		if err == nil && token != good {
			t.Fatalf("Verify(%q) accepted %+v: the fuzzer has no key", token, claims)
		}
		if err != nil && earshot.CodeOf(err) == earshot.CodeInternal {
			t.Fatalf("Verify(%q) = %v, want an *earshot.Error", token, err)
		}
	})
}

// FuzzVerifyClaims signs whatever the fuzzer makes up: the issuer may err too.
func FuzzVerifyClaims(f *testing.F) {
	ks := testKeys(f)
	for _, c := range []jwt.MapClaims{goodClaims(), with("exp", 1e300), with("sub", 1), with("grants", nil), with("name", "\u202e")} {
		data, err := json.Marshal(c)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		signed := segment(t, map[string]any{"alg": "HS256", "kid": "main"}) + "." + base64.RawURLEncoding.EncodeToString(payload)
		signature, err := jwt.SigningMethodHS256.Sign(signed, []byte(testSecret))
		if err != nil {
			t.Fatal(err)
		}
		claims, err := ks.Verify(signed+"."+base64.RawURLEncoding.EncodeToString(signature), tokenNow)
		if err != nil {
			return
		}
		if !claims.Participant().Valid() || claims.Subject == "" || claims.Name == "" || claims.Expires.After(tokenNow.Add(24*time.Hour+time.Minute)) {
			t.Fatalf("Verify accepted %+v of %s", claims, payload)
		}
	})
}
