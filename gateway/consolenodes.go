package gateway

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
)

const (
	// queryHere says that another node asks, of what this node alone has.
	queryHere = "here"
	// askFor is how long another node may take, and maxAsked how much it may say,
	// in bytes: half a minute of sound fits.
	askFor   = 2 * time.Second
	maxAsked = 4 << 20
)

// nodeAnswer is what another node said; nil bytes where it did not.
type nodeAnswer struct {
	kind string
	body []byte
}

func isHere(c *fiber.Ctx) bool { return c.Query(queryHere) != "" }

// otherNodes are the URLs of the other nodes.
func (f *fleet) otherNodes() (urls []string) {
	if f == nil {
		return nil
	}
	for _, n := range f.Nodes() {
		if n.Node != f.ID() && n.URL != "" {
			urls = append(urls, n.URL)
		}
	}
	slices.Sort(urls)
	return urls
}

// askNodes asks other nodes for a page in the name of who asks here, all at once.
// Only nodes of this fleet are asked, whatever the entries of others name.
func (g *Gateway) askNodes(ctx context.Context, c *fiber.Ctx, urls []string, path string) map[string]nodeAnswer {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	bearer, sign := strings.Clone(c.Get(fiber.HeaderAuthorization)), "?"
	if strings.Contains(path, "?") {
		sign = "&"
	}
	there := g.fleet.otherNodes()
	var (
		mu      sync.Mutex
		asking  sync.WaitGroup
		answers = map[string]nodeAnswer{}
	)
	for _, url := range urls {
		if !slices.Contains(there, url) {
			continue
		}
		asking.Go(func() {
			if a, ok := askNode(ctx, url+path+sign+queryHere+"=1", bearer); ok {
				mu.Lock()
				answers[url] = a
				mu.Unlock()
			}
		})
	}
	asking.Wait()
	return answers
}

func askNode(ctx context.Context, url, bearer string) (a nodeAnswer, ok bool) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return a, false
	}
	req.Header.Set(fiber.HeaderAuthorization, bearer)
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return a, false
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAsked+1))
	if err != nil || len(body) > maxAsked || resp.StatusCode != http.StatusOK {
		return a, false
	}
	return nodeAnswer{resp.Header.Get(fiber.HeaderContentType), body}, true
}
