package gateway

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"earshot/sfu"
)

// withMedia replaces the media of a node by media of another configuration.
func withMedia(t *testing.T, change func(*sfu.Config)) func(*Deps) {
	return func(d *Deps) {
		ended, end := context.WithCancel(t.Context())
		end()
		if err := d.SFU.Run(ended); err != nil {
			t.Error(err)
		}
		cfg := sfu.DefaultConfig()
		cfg.UDP, cfg.Loopback = "127.0.0.1:0", true
		change(&cfg)
		var err error
		if d.SFU, err = sfu.New(cfg, sfu.Deps{Log: d.Log}); err != nil {
			t.Fatal(err)
		}
	}
}

// The credentials name whom the token names, and end with it.
func TestICEServers(t *testing.T) {
	t.Parallel()
	n := startNodeWith(t, nil, nil, withMedia(t, func(c *sfu.Config) { c.TURN.TCP = "127.0.0.1:0" }))
	token := n.token(nil)
	claims, err := n.keys.Verify(token, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	status, body, header := n.do(http.MethodGet, "/v1/ice", token, "", nil)
	var list iceList
	if err := json.Unmarshal(body, &list); err != nil || status != http.StatusOK {
		t.Fatalf("GET /v1/ice = %d %s", status, body)
	}
	if header.Get("Cache-Control") != "no-store" || list.Expires != claims.Expires.UTC().Format(time.RFC3339) {
		t.Errorf("%s expires %s, want %v and not to be stored", body, list.Expires, claims.Expires)
	}
	if len(list.Servers) != 1 || !strings.HasSuffix(list.Servers[0].Username, ":"+string(claims.Participant())) ||
		!strings.HasPrefix(list.Servers[0].URLs[0], "turn:127.0.0.1:") || list.Servers[0].Credential == "" {
		t.Errorf("servers are %+v", list.Servers)
	}
	if status, body, _ := n.do(http.MethodGet, "/v1/ice", "", "", nil); status != http.StatusUnauthorized {
		t.Errorf("GET /v1/ice without a token = %d %s, want 401", status, body)
	}
}

func TestNoICEServers(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	if status, body, _ := n.do(http.MethodGet, "/v1/ice", n.token(nil), "", nil); status != http.StatusOK || !strings.Contains(string(body), `"ice_servers":[]`) {
		t.Errorf("GET /v1/ice = %d %s, want an empty list", status, body)
	}
}
