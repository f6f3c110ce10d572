package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"earshot"
	"earshot/sfu"
)

// serveAdmin serves metrics, profiles and the admin API until ctx ends. The
// listener is private to the operator: it has no authentication.
func (g *Gateway) serveAdmin(ctx context.Context, listener net.Listener) error {
	server := &http.Server{Handler: g.adminRoutes(), ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		_ = server.Close() // profiles under way are cut: nobody waits for them
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	}
}

func (g *Gateway) adminRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(g.deps.Metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !g.ready.Load() {
			adminError(w, earshot.Errorf(earshot.CodeUnavailable, "not accepting joins"))
			return
		}
		_, _ = w.Write([]byte("ready\n"))
	})
	mux.HandleFunc("GET /v1/instances", g.adminInstances)
	mux.HandleFunc("GET /v1/instances/{id}/participants", g.adminParticipants)
	mux.HandleFunc("GET /v1/instances/{id}/pairs", g.adminPairs)
	mux.HandleFunc("GET /v1/instances/{id}/mixed", g.adminMixes)
	mux.HandleFunc("POST /v1/instances/{id}/npcs/{npc}/events", g.adminEvent)
	mux.HandleFunc("PUT /v1/inference/backends/{id}", g.adminRegister)
	mux.HandleFunc("POST /v1/inference/backends/{id}/renew", g.adminRenew)
	mux.HandleFunc("DELETE /v1/inference/backends/{id}", g.adminDeregister)
	g.adminRecordings(mux)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

func (g *Gateway) adminInstances(w http.ResponseWriter, _ *http.Request) {
	list := []instanceEntry{}
	for _, in := range g.running() {
		list = append(list, instanceEntry{in.id, in.size(), in.cfg.Load().Capacity})
	}
	adminReply(w, list)
}

// adminParticipant is what an operator sees of a participant.
type adminParticipant struct {
	ID       earshot.ParticipantID `json:"id"`
	Name     string                `json:"name"`
	Media    bool                  `json:"media"`
	Open     bool                  `json:"open"`
	Position [3]float32            `json:"position"` // metres
}

func (g *Gateway) adminParticipants(w http.ResponseWriter, r *http.Request) {
	in := g.adminInstance(w, r)
	if in == nil {
		return
	}
	list := []adminParticipant{}
	for _, s := range in.live.Load().all {
		pose, _ := in.space.Pose(s.participant)
		list = append(list, adminParticipant{
			s.participant, s.claims.Name, s.media != nil, s.opened.Load(),
			[3]float32{pose.Root.X, pose.Root.Y, pose.Root.Z},
		})
	}
	adminReply(w, list)
}

// adminPair is how many voice packets of a talker a listener was sent.
type adminPair struct {
	Listener earshot.ParticipantID `json:"listener"`
	Talker   earshot.ParticipantID `json:"talker"`
	Track    earshot.TrackID       `json:"track"`
	Packets  uint64                `json:"packets"`
	Slot     *int                  `json:"slot"` // that carries it now, if any
	// How the listener gets that slot, by its last report; none before one.
	Loss        *float64 `json:"loss,omitempty"` // share of packets, 0 to 1
	JitterMs    *float64 `json:"jitter_ms,omitempty"`
	RoundTripMs *float64 `json:"round_trip_ms,omitempty"`
}

// receive fills in how the listener gets a slot.
func (p *adminPair) receive(r *sfu.Reception) {
	if r.At.IsZero() {
		return
	}
	loss, jitter, trip := r.Loss, milliseconds(r.Jitter), milliseconds(r.RoundTrip)
	p.Loss, p.JitterMs = &loss, &jitter
	if r.RoundTrip > 0 {
		p.RoundTripMs = &trip
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// adminPairs lists every pair of an instance whose listener was ever sent a
// packet of the talker. ?listener= and ?talker= narrow it, and then pairs with
// no packet are listed too.
func (g *Gateway) adminPairs(w http.ResponseWriter, r *http.Request) {
	in := g.adminInstance(w, r)
	if in == nil {
		return
	}
	listener := earshot.ParticipantID(r.URL.Query().Get("listener"))
	talker := earshot.ParticipantID(r.URL.Query().Get("talker"))
	all := in.live.Load().all
	list := []adminPair{}
	for _, l := range all {
		if l.media == nil || listener != "" && l.participant != listener {
			continue
		}
		slots := make(map[earshot.TrackID]sfu.SlotState)
		for _, st := range l.media.Voice(nil) {
			if st.Publication != nil {
				slots[st.Publication.ID()] = st
			}
		}
		for _, t := range all {
			mic := t.microphone()
			if t == l || mic == nil || talker != "" && t.participant != talker {
				continue
			}
			pair := adminPair{Listener: l.participant, Talker: t.participant, Track: mic.ID()}
			pair.Packets = l.media.Packets(pair.Track)
			if st, ok := slots[pair.Track]; ok {
				pair.Slot = &st.Slot
				pair.receive(&st.Reception)
			}
			if pair.Packets > 0 || listener != "" && talker != "" {
				list = append(list, pair)
			}
		}
	}
	adminReply(w, list)
}

func (g *Gateway) adminInstance(w http.ResponseWriter, r *http.Request) *Instance {
	g.mu.Lock()
	in := g.instances[earshot.InstanceID(r.PathValue("id"))]
	g.mu.Unlock()
	if in == nil {
		adminError(w, earshot.Errorf(earshot.CodeNotFound, "no such instance; GET /v1/instances lists those that run"))
	}
	return in
}

func adminReply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func adminError(w http.ResponseWriter, err error) {
	status, e := wireError(err)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(e)
}
