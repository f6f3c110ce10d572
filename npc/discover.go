package npc

import (
	"cmp"
	"context"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ollama/ollama/api"
	"github.com/ollama/ollama/types/model"

	"earshot"
)

const (
	// foundID is the backend that discovery registers.
	foundID = "ollama"
	// foundEvery is how often to look.
	foundEvery = 5 * time.Second
	// foundLease is how long it stays after it last answered.
	foundLease = 20 * time.Second
	// maxFound bounds the models taken over, the larger ones first.
	maxFound = 16
	// maxFoundBytes is the largest file of a model that is taken unasked: one
	// that an ordinary machine answers with in time. Larger ones are for those
	// who configure them.
	maxFoundBytes = 8 << 30
	// defaultContext is what Ollama loads a model with, in tokens, unless its
	// operator or the model says less.
	defaultContext = 4096
)

// DefaultDiscover is where Ollama listens unless told otherwise.
const DefaultDiscover = "http://127.0.0.1:11434"

// Finding says what discovery knows of Ollama at its usual address.
type Finding struct {
	URL    string   // where it looked; "" where it does not look
	Models []string // it may talk with, larger ones first; none: nobody answers, or has a model

	looked bool
}

// discover registers the Ollama that answers at cfg.Discover, for as long as
// it does. One that is configured as a backend is left alone.
func (in *Inference) discover(ctx context.Context) {
	cfg := BackendConfig{ID: foundID, API: "ollama", URL: in.cfg.Discover}
	cfg = cfg.withDefaults()
	c, err := newClient(cfg)
	if err != nil {
		return // Validate has seen the address
	}
	defer c.close()
	cfg.Models = in.search.models(ctx, c)
	finding := &Finding{URL: in.cfg.Discover, Models: names(cfg.Models)}
	finding.looked = ctx.Err() == nil
	old := in.finding.Swap(finding)
	if len(cfg.Models) == 0 {
		if finding.looked && (!old.looked || len(old.Models) > 0) {
			in.log.Info("no Ollama with a model answers: unless other model servers do, NPCs speak their scripted lines", "url", in.cfg.Discover)
		}
		return
	}
	now := time.Now()
	if slices.Equal(old.Models, finding.Models) {
		if _, err := in.Renew(foundID, foundLease, now); earshot.CodeOf(err) != earshot.CodeNotFound {
			return
		}
	}
	if _, err := in.Register(cfg, foundLease, now); err != nil {
		in.log.Warn("cannot use the Ollama that was found", "url", in.cfg.Discover, "err", err)
		return
	}
	in.log.Info("found Ollama: NPCs speak through it", "url", in.cfg.Discover, "models", finding.Models)
}

// Found says what discovery found when it last looked.
func (in *Inference) Found() Finding { return *in.finding.Load() }

// discovers reports whether to look for an Ollama at all.
func (c *Config) discovers() bool {
	return c.Discover != "" && !slices.ContainsFunc(c.Backends, func(b BackendConfig) bool {
		return b.ID == foundID || sameServer(b.URL, c.Discover)
	})
}

func sameServer(a, b string) bool {
	x, errX := url.Parse(a)
	y, errY := url.Parse(b)
	return errX == nil && errY == nil && x.Port() == y.Port() && local(x.Hostname()) == local(y.Hostname())
}

func local(host string) string {
	if host == "localhost" || host == "::1" {
		return "127.0.0.1"
	}
	return host
}

// search is what discovery keeps from one look to the next.
type search struct {
	running atomic.Bool
	next    time.Time // when to look again; the goroutine of Run owns it

	// The look under way owns these.
	seen  []string // digests
	found []ModelConfig
}

// begin reports whether to look now: only then, and until the look has ended,
// nobody else does.
func (s *search) begin(now time.Time) bool {
	if now.Before(s.next) || !s.running.CompareAndSwap(false, true) {
		return false
	}
	s.next = now.Add(foundEvery)
	return true
}

// models lists the models that can talk, the larger ones first. It asks for
// their details only when the list has changed.
func (s *search) models(ctx context.Context, c *client) []ModelConfig {
	var have api.ListResponse
	if c.call(ctx, inventoryBudget, "api/tags", nil, &have) != nil {
		s.seen = nil
		return nil
	}
	seen := make([]string, len(have.Models))
	for i, m := range have.Models {
		seen[i] = m.Name + " " + m.Digest
	}
	if s.seen == nil || !slices.Equal(seen, s.seen) {
		s.seen, s.found = seen, describeModels(ctx, c, have.Models)
	}
	return s.found
}

func describeModels(ctx context.Context, c *client, all []api.ListModelResponse) (found []ModelConfig) {
	list := slices.DeleteFunc(all, func(m api.ListModelResponse) bool {
		return m.RemoteHost != "" || m.Size > maxFoundBytes
	})
	slices.SortFunc(list, func(a, b api.ListModelResponse) int {
		return cmp.Or(cmp.Compare(b.Size, a.Size), cmp.Compare(a.Name, b.Name))
	})
	for _, m := range list {
		if len(found) == maxFound {
			break
		}
		var shown api.ShowResponse
		if c.call(ctx, inventoryBudget, "api/show", &api.ShowRequest{Model: m.Name}, &shown) != nil || !talks(&shown) {
			continue
		}
		found = append(found, ModelConfig{
			Name: strings.TrimSuffix(m.Name, ":latest"), Upstream: m.Name, Context: contextOf(&shown),
			Quantisation: m.Details.QuantizationLevel, Size: int(m.Size >> 20),
		})
	}
	return found
}

// talks reports whether a model is for conversation: those for embeddings are
// not.
func talks(m *api.ShowResponse) bool {
	return len(m.Capabilities) == 0 || slices.Contains(m.Capabilities, model.CapabilityCompletion)
}

// contextOf is what a conversation with a model may have, in tokens.
func contextOf(m *api.ShowResponse) int {
	for line := range strings.Lines(m.Parameters) { // of its Modelfile, which go before all else
		if f := strings.Fields(line); len(f) == 2 && f[0] == "num_ctx" {
			if n, err := strconv.Atoi(f[1]); err == nil && n > 0 {
				return n
			}
		}
	}
	for key, value := range m.ModelInfo {
		if n, ok := value.(float64); ok && strings.HasSuffix(key, ".context_length") && n >= 1 && n < math.MaxInt32 {
			return min(int(n), defaultContext)
		}
	}
	return defaultContext
}

func names(models []ModelConfig) []string {
	list := make([]string, len(models))
	for i := range models {
		list[i] = models[i].Name
	}
	return list
}
