package gateway

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"earshot"
	"earshot/gateway/livekit"
	"earshot/gateway/protocol"
)

// The API keys of LiveKit's SDKs are our keys of HS256, and no others.
func TestLiveKitSecrets(t *testing.T) {
	ks := testKeys(t)
	if secret, ok := ks.livekitSecret("main"); !ok || string(secret) != testSecret {
		t.Errorf("main: %t", ok)
	}
	for _, id := range []string{"ed", "missing", "", renewalKeyID} {
		if secret, ok := ks.livekitSecret(id); ok {
			t.Errorf("%q is an API key of %d bytes", id, len(secret))
		}
	}
	// What the node signs for itself is not taken for an application's word.
	renewed, _, err := ks.Renew(&Claims{Issuer: "main", Subject: "ada", Name: "Ada", World: "plaza", Expires: tokenNow.Add(time.Hour), IssuedAt: tokenNow, AuthTime: tokenNow}, tokenNow)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := livekit.Verify(renewed, ks.livekitSecret, tokenNow); earshot.CodeOf(err) != earshot.CodeUnauthenticated {
		t.Errorf("a renewal is an access token: %v", err)
	}
}

// A token says in LiveKit's words what its grants say in ours, and no more.
func TestIssueLiveKit(t *testing.T) {
	ks := testKeys(t)
	key := Key{ID: "main", Secret: testSecret}
	claims := Claims{Subject: "ada", Name: "Ada", World: "plaza", Kind: KindNPC, Expires: tokenNow.Add(time.Hour)}
	for grants, want := range map[string]struct {
		join, admin, create, mic, cam, data, sub bool
	}{
		"publish.audio subscribe chat": {join: true, mic: true, data: true, sub: true},
		"publish.video":                {join: true, cam: true},
		"publish.audio publish.video":  {join: true, mic: true, cam: true},
		"subscribe publish.pose":       {join: true, sub: true},
		"moderate":                     {admin: true},
		"admin":                        {admin: true, create: true},
		"record design inference":      {},
	} {
		claims.Grants = strings.Fields(grants)
		token, err := IssueLiveKit(key, claims, tokenNow)
		if err != nil {
			t.Fatal(err)
		}
		got, err := livekit.Verify(token, ks.livekitSecret, tokenNow)
		if err != nil {
			t.Fatal(err)
		}
		v := &got.Video
		if v.RoomJoin != want.join || v.RoomAdmin != want.admin || v.RoomCreate != want.create || v.RoomList != want.create || v.Room != "plaza" ||
			v.MayPublish(livekit.SourceMicrophone) != want.mic || v.MayPublish(livekit.SourceCamera) != want.cam ||
			v.MayPublishData() != want.data || v.MaySubscribe() != want.sub {
			t.Errorf("%s: %+v", grants, v)
		}
		if got.Identity != "ada" || got.Kind != "agent" || earshot.ParticipantFor(got.Key, got.Identity) != (&Claims{Issuer: "main", Subject: "ada"}).Participant() {
			t.Errorf("%s: %+v", grants, got)
		}
	}
	_, public := edKey(t)
	for name, tc := range map[string]struct {
		key    Key
		change func(*Claims)
	}{
		"no world":       {key, func(c *Claims) { c.World = "" }},
		"no name":        {key, func(c *Claims) { c.Name = "" }},
		"unknown grants": {key, func(c *Claims) { c.Grants = []string{"fly"} }},
		"a week":         {key, func(c *Claims) { c.Expires = tokenNow.Add(7 * 24 * time.Hour) }},
		"a key of EdDSA": {Key{ID: "ed", Algorithm: AlgorithmEdDSA, PublicKey: public}, func(*Claims) {}},
	} {
		c := claims
		c.Grants = []string{protocol.GrantChat}
		tc.change(&c)
		if _, err := IssueLiveKit(tc.key, c, tokenNow); err == nil {
			t.Errorf("%s: issued", name)
		}
	}
}

// A server without keys gives LiveKit's SDKs tokens too.
func TestDevelopmentTokensForLiveKit(t *testing.T) {
	t.Parallel()
	n := startNode(t, func(c *Config) { c.Keys = nil })
	status, body, _ := n.do("GET", "/v1/dev/token?form=livekit&name=Ada&sub=ada", "", "", nil)
	_, token, _ := strings.Cut(string(body), `"token":"`)
	token, _, _ = strings.Cut(token, `"`)
	claims, err := livekit.Verify(token, n.keys.livekitSecret, time.Now())
	if status != http.StatusOK || err != nil || claims.Identity != "ada" || claims.AdminOf("plaza") != nil || !claims.Video.RoomJoin {
		t.Fatalf("%d %s: %+v, %v", status, body, claims, err)
	}
	status, body, _ = n.do("POST", "/twirp/livekit.RoomService/ListRooms", token, "application/json", []byte("{}"))
	if status != http.StatusOK || !slices.Contains([]string{"{}", `{"rooms":null}`}, string(body)) {
		t.Errorf("ListRooms: %d %s", status, body)
	}
}
