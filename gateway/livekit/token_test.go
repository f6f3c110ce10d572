package livekit

import (
	"encoding/base64"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"earshot"
)

var tokenNow = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

const testSecret = "a secret of the tests, 32 bytes and more"

func testSecrets(id string) ([]byte, bool) {
	return []byte(testSecret), id == "main"
}

// goodClaims is the JSON of a token as livekit-server-sdk makes it.
func goodClaims() jwt.MapClaims {
	return jwt.MapClaims{
		"iss": "main", "sub": "ada", "name": "Ada", "metadata": `{"team":1}`,
		"attributes": map[string]string{"earshot.audio": "binaural"},
		"video":      map[string]any{"roomJoin": true, "room": "plaza", "canPublishSources": []string{"microphone"}},
		"nbf":        tokenNow.Unix(), "exp": tokenNow.Add(6 * time.Hour).Unix(), "jti": "ada",
	}
}

func with(pairs ...any) jwt.MapClaims {
	claims := goodClaims()
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == nil {
			delete(claims, pairs[i].(string))
		} else {
			claims[pairs[i].(string)] = pairs[i+1]
		}
	}
	return claims
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
	return sign(t, jwt.SigningMethodHS256, []byte(testSecret), nil, claims)
}

func TestVerifyReadsWhatAnSDKSigns(t *testing.T) {
	got, err := Verify(hs256(t, goodClaims()), testSecrets, tokenNow)
	want := &Claims{
		Key: "main", Identity: "ada", Name: "Ada", Metadata: `{"team":1}`,
		Attributes: map[string]string{"earshot.audio": "binaural"},
		Video:      VideoGrant{RoomJoin: true, Room: "plaza", CanPublishSources: []string{"microphone"}},
		NotBefore:  got.NotBefore, Expires: got.Expires,
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("Verify = %+v, %v, want %+v", got, err, want)
	}
	if !got.NotBefore.Equal(tokenNow) || !got.Expires.Equal(tokenNow.Add(6*time.Hour)) {
		t.Errorf("from %v to %v", got.NotBefore, got.Expires)
	}
}

func TestVerifyAccepts(t *testing.T) {
	for name, claims := range map[string]jwt.MapClaims{
		"a server's token":     {"iss": "main", "exp": tokenNow.Add(time.Minute).Unix(), "video": map[string]any{"roomList": true}},
		"no grants at all":     with("video", nil),
		"null grants":          with("video", map[string]any{}),
		"cloud's claims":       with("sip", map[string]any{"admin": true}, "roomConfig", map[string]any{"name": "x"}),
		"just expired":         with("exp", tokenNow.Add(-29*time.Second).Unix()),
		"slightly ahead":       with("nbf", tokenNow.Add(29*time.Second).Unix()),
		"a fractional exp":     with("exp", float64(tokenNow.Unix())+10.5),
		"the limits of length": with("sub", strings.Repeat("s", MaxIdentityBytes), "name", strings.Repeat("n", MaxNameBytes)),
	} {
		if _, err := Verify(hs256(t, claims), testSecrets, tokenNow); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	good := hs256(t, goodClaims())
	parts := strings.Split(good, ".")
	payload := func(json string) string {
		return parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(json)) + "." + parts[2]
	}
	unsigned := sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil, goodClaims())
	attributes := map[string]string{}
	for i := range MaxAttributes + 1 {
		attributes[strings.Repeat("a", i+1)] = ""
	}
	for name, tc := range map[string]struct{ token, want string }{
		"nothing":             {"", "not an access token"},
		"noise":               {"a.b.c", "not an access token"},
		"two parts":           {parts[0] + "." + parts[1], "not an access token"},
		"too long":            {strings.Repeat("a", MaxTokenBytes+1), "shorten"},
		"alg none":            {unsigned, "HS256"},
		"alg none, signed":    {sign(t, jwt.SigningMethodHS256, []byte(testSecret), map[string]any{"alg": "none"}, goodClaims()), "HS256"},
		"alg HS512":           {sign(t, jwt.SigningMethodHS512, []byte(testSecret), nil, goodClaims()), "HS256"},
		"an unknown alg":      {sign(t, jwt.SigningMethodHS256, []byte(testSecret), map[string]any{"alg": "hs256"}, goodClaims()), "HS256"},
		"critical extensions": {sign(t, jwt.SigningMethodHS256, []byte(testSecret), map[string]any{"crit": []string{"x"}}, goodClaims()), "crit"},
		"another's key":       {hs256(t, with("iss", "foreign")), `"foreign", which is no API key`},
		"no key":              {hs256(t, with("iss", nil)), "no API key"},
		"another's secret":    {sign(t, jwt.SigningMethodHS256, []byte(strings.Repeat("x", 32)), nil, goodClaims()), "signature"},
		"another's body":      {payload(`{"iss":"main","exp":1795262400,"video":{"roomAdmin":true}}`), "signature"},
		"no signature":        {parts[0] + "." + parts[1] + ".", "signature"},
		"expired":             {hs256(t, with("exp", tokenNow.Add(-31*time.Second).Unix())), "expired"},
		"no exp":              {hs256(t, with("exp", nil)), "no exp"},
		"exp of another age":  {hs256(t, with("exp", -1e30)), "expired"},
		"exp without end":     {hs256(t, with("exp", 1e30)), "expired"},
		"a week":              {hs256(t, with("exp", tokenNow.Add(7*24*time.Hour).Unix())), "more than 24 h"},
		"not yet":             {hs256(t, with("nbf", tokenNow.Add(31*time.Second).Unix())), "not valid yet"},
		"not yet, by iat":     {hs256(t, with("iat", tokenNow.Add(31*time.Second).Unix())), "not valid yet"},
		"never":               {hs256(t, with("nbf", 1e30)), "not valid yet"},
		"a long identity":     {hs256(t, with("sub", strings.Repeat("s", MaxIdentityBytes+1))), "identity"},
		"a line in it":        {hs256(t, with("sub", "a\nb")), "identity"},
		"a long name":         {hs256(t, with("name", strings.Repeat("n", MaxNameBytes+1))), "name"},
		"a bell in it":        {hs256(t, with("name", "\a")), "name"},
		"many attributes":     {hs256(t, with("attributes", attributes)), "attributes"},
		"attributes a list":   {hs256(t, with("attributes", []string{"a"})), "not an access token"},
		"grants a list":       {hs256(t, with("video", []string{"roomJoin"})), "not an access token"},
		"exp a word":          {hs256(t, with("exp", "tomorrow")), "not an access token"},
	} {
		claims, err := Verify(tc.token, testSecrets, tokenNow)
		if claims != nil || err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: Verify = %v, %v, want an error with %q", name, claims, err, tc.want)
			continue
		}
		code := earshot.CodeOf(err)
		if code != earshot.CodeUnauthenticated && !(name == "too long" && code == earshot.CodeInvalidArgument) {
			t.Errorf("%s: code %s", name, code)
		}
		if strings.Contains(err.Error(), testSecret) || tc.token != "" && strings.Contains(err.Error(), tc.token) {
			t.Errorf("%s: the error repeats what is secret: %v", name, err)
		}
	}
}

func TestGrants(t *testing.T) {
	no, yes := false, true
	for _, tc := range []struct {
		name               string
		grant              VideoGrant
		mic, cam, data, in bool
	}{
		{"everything unless said", VideoGrant{}, true, true, true, true},
		{"no publishing is no data either", VideoGrant{CanPublish: &no}, false, false, false, true},
		{"data alone", VideoGrant{CanPublish: &no, CanPublishData: &yes}, false, false, true, true},
		{"no data", VideoGrant{CanPublishData: &no}, true, true, false, true},
		{"a microphone", VideoGrant{CanPublishSources: []string{SourceMicrophone}}, true, false, true, true},
		{"sources do not undo", VideoGrant{CanPublish: &no, CanPublishSources: []string{SourceCamera}}, false, false, false, true},
		{"no listening", VideoGrant{CanSubscribe: &no}, true, true, true, false},
	} {
		v := &tc.grant
		if v.MayPublish(SourceMicrophone) != tc.mic || v.MayPublish(SourceCamera) != tc.cam || v.MayPublishData() != tc.data || v.MaySubscribe() != tc.in {
			t.Errorf("%s: microphone %t, camera %t, data %t, subscribe %t", tc.name,
				v.MayPublish(SourceMicrophone), v.MayPublish(SourceCamera), v.MayPublishData(), v.MaySubscribe())
		}
	}
	if (&VideoGrant{}).MayUpdateOwnMetadata() || !(&VideoGrant{CanUpdateOwnMetadata: &yes}).MayUpdateOwnMetadata() {
		t.Error("MayUpdateOwnMetadata must be asked for")
	}
}

func TestRoomsOfATokenAreItsOwn(t *testing.T) {
	join := &Claims{Identity: "ada", Video: VideoGrant{RoomJoin: true, Room: "plaza"}}
	for _, room := range []string{"", "plaza"} {
		if got, err := join.JoinRoom(room); got != "plaza" || err != nil {
			t.Errorf("JoinRoom(%q) = %q, %v", room, got, err)
		}
	}
	for name, tc := range map[string]struct {
		claims Claims
		room   string
	}{
		"another room":        {*join, "vault"},
		"no roomJoin":         {Claims{Identity: "ada", Video: VideoGrant{Room: "plaza"}}, "plaza"},
		"an admin's":          {Claims{Identity: "ada", Video: VideoGrant{RoomAdmin: true, Room: "plaza"}}, "plaza"},
		"any room":            {Claims{Identity: "ada", Video: VideoGrant{RoomJoin: true}}, "plaza"},
		"nobody":              {Claims{Video: VideoGrant{RoomJoin: true, Room: "plaza"}}, "plaza"},
		"neither here or now": {Claims{}, ""},
	} {
		if room, err := tc.claims.JoinRoom(tc.room); earshot.CodeOf(err) != earshot.CodePermissionDenied {
			t.Errorf("%s: JoinRoom = %q, %v", name, room, err)
		}
	}
	admin := &Claims{Video: VideoGrant{RoomAdmin: true, Room: "plaza"}}
	if err := admin.AdminOf("plaza"); err != nil {
		t.Error(err)
	}
	for name, tc := range map[string]struct {
		claims Claims
		room   string
	}{
		"another room": {*admin, "vault"},
		"no room":      {Claims{Video: VideoGrant{RoomAdmin: true}}, ""},
		"a guest's":    {*join, "plaza"},
	} {
		if err := tc.claims.AdminOf(tc.room); earshot.CodeOf(err) != earshot.CodePermissionDenied {
			t.Errorf("%s: AdminOf = %v", name, err)
		}
	}
}

func TestSign(t *testing.T) {
	yes := true
	claims := Claims{
		Identity: "ada", Name: "Ada", Kind: "agent", Metadata: "m", Attributes: map[string]string{"k": "v"},
		Video: VideoGrant{RoomJoin: true, Room: "plaza", CanPublish: &yes}, Expires: tokenNow.Add(time.Hour),
	}
	token, err := Sign("main", []byte(testSecret), claims, tokenNow)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Verify(token, testSecrets, tokenNow)
	if err != nil {
		t.Fatal(err)
	}
	claims.Key, claims.NotBefore, claims.Expires = "main", got.NotBefore, got.Expires
	if !reflect.DeepEqual(*got, claims) {
		t.Errorf("came back as %+v, want %+v", *got, claims)
	}
	claims.Expires = time.Time{}
	if _, err := Sign("main", []byte(testSecret), claims, tokenNow); err == nil {
		t.Error("signed a token without an end")
	}
	claims.Expires, claims.Metadata = tokenNow.Add(time.Hour), strings.Repeat("m", MaxTokenBytes)
	if _, err := Sign("main", []byte(testSecret), claims, tokenNow); err == nil {
		t.Error("signed a token that nobody would take")
	}
	hook, err := Sign("main", []byte(testSecret), Claims{SHA256: "aGFzaA==", Video: claims.Video, Expires: tokenNow.Add(time.Minute)}, tokenNow)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Verify(hook, testSecrets, tokenNow); err != nil || !reflect.DeepEqual(got.Video, VideoGrant{}) || got.SHA256 != "aGFzaA==" {
		t.Errorf("the token of a webhook says %+v, %v; it must grant nothing", got, err)
	}
}

// FuzzVerify gives the verifier whatever a stranger may send: what it takes
// was signed, is within its limits, and it never panics.
func FuzzVerify(f *testing.F) {
	good := hs256(f, goodClaims())
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add(sign(f, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil, goodClaims()))
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		c, err := Verify(token, testSecrets, tokenNow)
		if (c == nil) == (err == nil) {
			t.Fatalf("Verify = %v, %v", c, err)
		}
		if err != nil && len(err.Error()) > 400 {
			t.Fatalf("an error of %d bytes", len(err.Error()))
		}
	})
}

// FuzzClaims signs whatever claims are given, as an issuer with a key may.
func FuzzClaims(f *testing.F) {
	f.Add([]byte(`{"iss":"main","exp":1795262400,"video":{"roomJoin":true,"room":"plaza"}}`))
	f.Add([]byte(`{"iss":"main","exp":1e400,"nbf":-1e400}`))
	f.Add([]byte(`{"iss":"main","sub":"\u0000","attributes":{"":""}}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		body := "eyJhbGciOiJIUzI1NiJ9." + base64.RawURLEncoding.EncodeToString(payload)
		signature, err := jwt.SigningMethodHS256.Sign(body, []byte(testSecret))
		if err != nil {
			t.Fatal(err)
		}
		c, err := Verify(body+"."+base64.RawURLEncoding.EncodeToString(signature), testSecrets, tokenNow)
		if err != nil {
			return
		}
		if c.Key != "main" || len(c.Identity) > MaxIdentityBytes || len(c.Name) > MaxNameBytes || !c.Expires.After(tokenNow.Add(-time.Minute)) {
			t.Fatalf("took %+v", c)
		}
	})
}
