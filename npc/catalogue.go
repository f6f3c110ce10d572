package npc

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"earshot"
	"earshot/npc/router"
)

// Catalogue is what is known of the model servers, wherever it comes from: the
// configuration, registrations and probes. It tells the router.
type Catalogue struct {
	tell     func(func(*router.Router)) // runs with the router's mutex held
	maxLease time.Duration
	most     int

	// mu guards entries and what they point to. It is taken before the
	// router's mutex, never after it, and not held across input or output.
	mu      sync.Mutex
	entries map[string]*entry
}

// entry is one model server.
type entry struct {
	cfg     BackendConfig
	server  backend
	client  *client
	expires time.Time // zero: configured, for good

	probing bool
	next    time.Time // when to probe again
	asked   time.Time // last successful probe
	failed  int       // probes in a row
	problem string    // of the last probe, "" if it went well
	known   bool      // the router has it
	missing []string  // models it was said to have, and has not
}

// BackendStatus is what GET /v1/inference/backends says of one backend. It
// holds no address and no secret.
type BackendStatus struct {
	ID          string        `json:"id"`
	API         string        `json:"api"`
	Node        string        `json:"node,omitempty"`
	Region      string        `json:"region,omitempty"`
	Accelerator string        `json:"accelerator,omitempty"`
	MemoryBytes int64         `json:"memory_bytes,omitempty"`
	Price       float64       `json:"price"`
	Labels      []string      `json:"labels,omitempty"`
	Slots       int           `json:"slots"`
	InFlight    int           `json:"in_flight"`
	Concurrency int           `json:"concurrency"`
	State       string        `json:"state"` // of the breaker, or "down"
	RTT         float64       `json:"rtt_ms"`
	Source      string        `json:"source"` // "config" or "lease"
	Expires     *time.Time    `json:"expires,omitempty"`
	Asked       *time.Time    `json:"last_probe,omitempty"`
	Problem     string        `json:"problem,omitempty"` // the kind of failure of the last probe
	Models      []ModelStatus `json:"models"`
}

// ModelStatus is one model of a BackendStatus. Times are in milliseconds and
// predictions: TTFT for an uncached prompt of 512 tokens sent now.
type ModelStatus struct {
	Name         string   `json:"name"`
	Context      int      `json:"context,omitempty"`
	Quantisation string   `json:"quantisation,omitempty"`
	Size         int      `json:"size,omitempty"`
	Capabilities []string `json:"capabilities"`
	Loaded       bool     `json:"loaded"`
	Missing      bool     `json:"missing,omitempty"` // said to be there, and is not
	Known        bool     `json:"known"`             // the prediction rests on enough answers
	Samples      int      `json:"samples"`
	TTFT         float64  `json:"ttft_ms"`
	TPOT         float64  `json:"tpot_ms"`
	Load         float64  `json:"load_ms"`
}

// Register adds a backend for the time of its lease, or takes over a new
// description of one that registered before. A lease of 0 means the longest.
// Configured backends cannot be replaced so. Errors are *earshot.Error:
// invalid_argument, already_exists, resource_exhausted.
func (c *Catalogue) Register(cfg BackendConfig, lease time.Duration, now time.Time) (expires time.Time, err error) {
	if cfg.TokenFile != "" || cfg.TokenEnv != "" || cfg.TLS != (TLSConfig{}) {
		return expires, invalid("a backend that registers itself cannot name files or variables of this node")
	}
	if lease == 0 {
		lease = c.maxLease
	}
	if lease < time.Second || lease > c.maxLease {
		return expires, invalid("lease: %v is outside 1s to %v", lease, c.maxLease)
	}
	expires = now.Add(lease)
	return expires, c.put(cfg, expires)
}

// Renew prolongs a lease, from now on; 0 means the longest. The error is an
// *earshot.Error: not_found after the lease has ended, upon which the backend
// registers again.
func (c *Catalogue) Renew(id string, lease time.Duration, now time.Time) (expires time.Time, err error) {
	if lease == 0 {
		lease = c.maxLease
	}
	if lease < time.Second || lease > c.maxLease {
		return expires, invalid("lease: %v is outside 1s to %v", lease, c.maxLease)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[id]
	if e == nil || e.expires.IsZero() || now.After(e.expires) {
		return expires, earshot.Errorf(earshot.CodeNotFound, "no lease of a backend %q: register it again", id)
	}
	e.expires = now.Add(lease)
	return e.expires, nil
}

// Deregister ends a lease before its time. What is under way there goes on.
func (c *Catalogue) Deregister(id string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[id]
	if e == nil || e.expires.IsZero() {
		return earshot.Errorf(earshot.CodeNotFound, "no lease of a backend %q", id)
	}
	c.drop(e)
	return nil
}

// put adds a backend, without an end if expires is zero.
func (c *Catalogue) put(cfg BackendConfig, expires time.Time) error {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return err
	}
	server, client, err := cfg.open()
	if err != nil {
		return err
	}
	described, err := cfg.describe()
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.entries[cfg.ID]
	if old != nil && (old.expires.IsZero() || expires.IsZero()) {
		return earshot.Errorf(earshot.CodeAlreadyExists, "a backend %q is configured: choose another id", cfg.ID)
	}
	if old == nil && len(c.entries) >= c.most {
		return earshot.Errorf(earshot.CodeResourceExhausted, "there are %d backends already", len(c.entries))
	}
	c.tell(func(r *router.Router) { err = r.SetBackend(described) })
	if err != nil {
		return err
	}
	if old != nil {
		old.client.close()
	}
	c.entries[cfg.ID] = &entry{cfg: cfg, server: server, client: client, expires: expires, known: true}
	return nil
}

// drop forgets e. The caller holds mu.
func (c *Catalogue) drop(e *entry) {
	delete(c.entries, e.cfg.ID)
	c.tell(func(r *router.Router) { r.RemoveBackend(router.BackendID(e.cfg.ID)) })
	e.client.close()
}

// expire drops the backends whose lease has ended.
func (c *Catalogue) expire(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.entries {
		if !e.expires.IsZero() && now.After(e.expires) {
			c.drop(e)
		}
	}
}

// lookup returns where to send what the router placed on id, and the server's
// own name for the model.
func (c *Catalogue) lookup(id router.BackendID, model string) (e *entry, upstream string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e = c.entries[string(id)]; e == nil {
		return nil, ""
	}
	return e, e.cfg.upstream(model)
}

// alone reports whether no other backend that answers has one of the models.
func (c *Catalogue) alone(id router.BackendID, models []string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.entries {
		if e.cfg.ID == string(id) || !e.known {
			continue
		}
		for i := range e.cfg.Models {
			if slices.Contains(models, e.cfg.Models[i].Name) {
				return false
			}
		}
	}
	return true
}

// close drops all idle connections.
func (c *Catalogue) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.entries {
		e.client.close()
	}
}

// Snapshot returns the catalogue with live estimates, by id.
func (c *Catalogue) Snapshot(now time.Time) []BackendStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	var estimates []router.Estimate
	c.tell(func(r *router.Router) { estimates = r.Estimates(nil, now) })
	out := make([]BackendStatus, 0, len(c.entries))
	for _, e := range c.entries {
		out = append(out, e.status(estimates))
	}
	slices.SortFunc(out, func(a, b BackendStatus) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

func (e *entry) status(estimates []router.Estimate) BackendStatus {
	cfg := &e.cfg
	s := BackendStatus{
		ID: cfg.ID, API: cfg.API, Node: cfg.Node, Region: cfg.Region, Accelerator: cfg.Accelerator,
		MemoryBytes: cfg.MemoryBytes, Price: cfg.Price, Labels: slices.Clone(cfg.Labels), Slots: cfg.Slots,
		State: "down", Source: "config", Problem: e.problem,
	}
	if !e.expires.IsZero() {
		expires := e.expires
		s.Source, s.Expires = "lease", &expires
	}
	if !e.asked.IsZero() {
		asked := e.asked
		s.Asked = &asked
	}
	described, _ := cfg.describe() // was valid when it came in
	for _, m := range described.Models {
		model := ModelStatus{
			Name: m.Name, Context: m.Context, Quantisation: m.Quantisation, Size: m.Size,
			Capabilities: m.Capabilities.Names(), Missing: slices.Contains(e.missing, m.Name),
		}
		for i := range estimates {
			if est := &estimates[i]; string(est.Backend) == cfg.ID && est.Model == m.Name {
				model.take(est)
				s.State, s.InFlight, s.Concurrency, s.RTT = est.State.String(), est.InFlight, est.Concurrency, ms(est.RTT)
			}
		}
		s.Models = append(s.Models, model)
	}
	return s
}

func (m *ModelStatus) take(e *router.Estimate) {
	m.Loaded, m.Known, m.Samples = e.Loaded, e.Known, e.Samples
	m.TTFT, m.TPOT, m.Load = ms(e.TTFT), ms(e.TPOT), ms(e.Load)
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
