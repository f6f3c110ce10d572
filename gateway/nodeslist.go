package gateway

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"earshot/presence/cluster"
)

const (
	// nodesPerRegion bounds the nodes listed of a region: one is enough to measure
	// how far it is, a second is for when that one has just gone.
	nodesPerRegion = 2
	// nodesFresh is for how long a list may be kept by who asked, in seconds.
	nodesFresh = "30"
)

// pingPath is the cheapest page there is. It is answered while a node is up, also
// when it lets nobody in any more.
const pingPath = "/v1/ping"

// nodeEntry is a node as GET /v1/nodes tells of it: what a client needs to measure
// how far its region is, and nothing else.
type nodeEntry struct {
	Region string `json:"region"`
	Ping   string `json:"ping"` // a URL that is answered 204 at once
}

// nodeRoutes are the pages by which clients measure how far regions are.
func (g *Gateway) nodeRoutes(v1 fiber.Router) {
	v1.Get("/nodes", g.getNodes)
	v1.Get("/ping", func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderCacheControl, "no-store")
		c.Set("Timing-Allow-Origin", "*")
		return c.SendStatus(http.StatusNoContent)
	})
}

// getNodes lists a node or two of each region, where there are several.
func (g *Gateway) getNodes(c *fiber.Ctx) error {
	list := []nodeEntry{}
	if g.fleet != nil {
		list = nodesByRegion(g.fleet.Nodes())
	}
	c.Set(fiber.HeaderCacheControl, "public, max-age="+nodesFresh)
	return c.JSON(fiber.Map{"nodes": list})
}

// nodesByRegion are nodes that take people, at most nodesPerRegion of each of at
// most maxRTTs regions. It is empty where all are in one: there is nothing to
// choose then.
func nodesByRegion(nodes []cluster.NodeRecord) []nodeEntry {
	nodes = slices.DeleteFunc(slices.Clone(nodes), func(n cluster.NodeRecord) bool {
		return n.Draining || n.URL == "" || n.Region == "" || strings.ContainsAny(n.Region, ":,") // which ?rtt= has between them
	})
	slices.SortFunc(nodes, func(a, b cluster.NodeRecord) int {
		return cmp.Or(cmp.Compare(a.Region, b.Region), cmp.Compare(a.URL, b.URL))
	})
	list := []nodeEntry{}
	regions, of := 0, 0
	for i, n := range nodes {
		if i == 0 || n.Region != nodes[i-1].Region {
			regions, of = regions+1, 0
		}
		if of++; of <= nodesPerRegion && regions <= maxRTTs {
			list = append(list, nodeEntry{n.Region, n.URL + pingPath})
		}
	}
	if regions < 2 {
		return []nodeEntry{}
	}
	return list
}
