package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"testing"

	"earshot/presence/cluster"
	"earshot/presence/store"
)

// A client is told where it may measure how far regions are: of nodes that take
// people, a few of each region, and only where there is a choice.
func TestNodesByRegion(t *testing.T) {
	nodes := []cluster.NodeRecord{
		{URL: "https://b", Region: "us"}, {URL: "https://a", Region: "us"}, {URL: "https://c", Region: "us"},
		{URL: "https://d", Region: "eu", Draining: true}, {URL: "https://e", Region: "eu"},
		{URL: "https://f"}, {Region: "eu"}, {URL: "https://g", Region: "a:1,b"},
	}
	want := []nodeEntry{{"eu", "https://e/v1/ping"}, {"us", "https://a/v1/ping"}, {"us", "https://b/v1/ping"}}
	if got := nodesByRegion(nodes); !reflect.DeepEqual(got, want) {
		t.Errorf("nodes %v, want %v", got, want)
	}
	if got := nodesByRegion(nodes[:3]); len(got) != 0 {
		t.Errorf("all in one region: %v, want none", got)
	}
	var many []cluster.NodeRecord
	for i := range 100 {
		many = append(many, cluster.NodeRecord{URL: fmt.Sprintf("https://%d", i), Region: fmt.Sprintf("r%02d", i/4)})
	}
	if got := nodesByRegion(many); len(got) != maxRTTs*nodesPerRegion {
		t.Errorf("25 regions of 4: %d nodes, want %d", len(got), maxRTTs*nodesPerRegion)
	}
}

// Anybody may ask, on any node, and what is named answers. What was measured of it
// is what a join takes.
func TestNodesOverHTTP(t *testing.T) {
	t.Parallel()
	regions := []string{"eu", "us"}
	at := 0
	list := nodesOf(t, store.NewMemory(), 2, func(c *Config) {
		c.Fleet.Region = regions[at]
		at++
	})
	for _, n := range list {
		eventually(t, "all nodes are known", func() bool { return len(n.fleet.Nodes()) == 2 })
		status, body, header := n.do(http.MethodGet, "/v1/nodes", "", "", nil)
		var told struct{ Nodes []nodeEntry }
		if err := json.Unmarshal(body, &told); err != nil || status != http.StatusOK || len(told.Nodes) != 2 {
			t.Fatalf("GET /v1/nodes: %d %s, %v; want two nodes", status, body, err)
		}
		if got := header.Get("Cache-Control"); got != "public, max-age="+nodesFresh {
			t.Errorf("Cache-Control %q", got)
		}
		for _, entry := range told.Nodes {
			resp, err := http.Get(entry.Ping)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusNoContent {
				t.Errorf("%s: %s, want 204", entry.Ping, resp.Status)
			}
		}
		if _, err := rttsOf(told.Nodes[0].Region + ":12," + told.Nodes[1].Region + ":140"); err != nil {
			t.Error(err)
		}
	}
}

// A node alone has no list: a client has nothing to measure.
func TestNodesAlone(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	if status, body, _ := n.do(http.MethodGet, "/v1/nodes", "", "", nil); status != http.StatusOK || string(body) != `{"nodes":[]}` {
		t.Errorf("GET /v1/nodes: %d %s, want an empty list", status, body)
	}
}
