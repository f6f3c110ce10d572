package gateway

import (
	"encoding/json"
	"net/http"
	"time"

	"earshot"
	"earshot/npc"
)

// maxRegistration bounds what a model server says of itself, in bytes.
const maxRegistration = 64 << 10

// lease is the answer to a registration or renewal.
type lease struct {
	ID      string    `json:"id"`
	Expires time.Time `json:"expires"`
}

// adminRegister takes the description of a model server for the time of a
// lease: ?lease=30s, by default the longest allowed.
func (g *Gateway) adminRegister(w http.ResponseWriter, r *http.Request) {
	var cfg npc.BackendConfig
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRegistration))
	d.DisallowUnknownFields()
	if err := d.Decode(&cfg); err != nil {
		adminError(w, invalid("the body does not describe a backend: %v", err))
		return
	}
	id := r.PathValue("id")
	if cfg.ID == "" {
		cfg.ID = id
	}
	if cfg.ID != id {
		adminError(w, invalid("the body is about backend %.64q, the path about %.64q", cfg.ID, id))
		return
	}
	g.adminLease(w, r, func(d time.Duration) (time.Time, error) {
		return g.deps.Inference.Register(cfg, d, time.Now())
	})
}

// adminRenew prolongs a lease.
func (g *Gateway) adminRenew(w http.ResponseWriter, r *http.Request) {
	g.adminLease(w, r, func(d time.Duration) (time.Time, error) {
		return g.deps.Inference.Renew(r.PathValue("id"), d, time.Now())
	})
}

// adminDeregister ends a lease before its time.
func (g *Gateway) adminDeregister(w http.ResponseWriter, r *http.Request) {
	err := noInference
	if g.deps.Inference != nil {
		err = g.deps.Inference.Deregister(r.PathValue("id"))
	}
	if err != nil {
		adminError(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (g *Gateway) adminLease(w http.ResponseWriter, r *http.Request, take func(time.Duration) (time.Time, error)) {
	if g.deps.Inference == nil {
		adminError(w, noInference)
		return
	}
	var long time.Duration
	if text := r.URL.Query().Get("lease"); text != "" {
		var err error
		if long, err = time.ParseDuration(text); err != nil {
			adminError(w, invalid("lease: %.32q is not a duration such as 30s", text))
			return
		}
	}
	expires, err := take(long)
	if err != nil {
		adminError(w, err)
		return
	}
	adminReply(w, lease{r.PathValue("id"), expires})
}

var noInference error = earshot.Errorf(earshot.CodeUnimplemented, "this server routes to no model servers")
