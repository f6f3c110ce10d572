package gateway

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"earshot"
	"earshot/presence/cluster"
	"earshot/presence/docket"
	"earshot/presence/store"
)

// nearMetrics are those of questions about who is near whom.
type nearMetrics struct {
	asks        *prometheus.CounterVec // by page and code, "ok" for success
	subscribers prometheus.Gauge
	ended       *prometheus.CounterVec // subscribers the server ended, by code
}

func newNearMetrics(reg prometheus.Registerer) *nearMetrics {
	m := &nearMetrics{
		asks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "earshot_presence_asks_total", Help: "Questions about who is near whom by page and code, \"ok\" for success.",
		}, []string{"page", "code"}),
		subscribers: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "earshot_presence_subscribers", Help: "Connections that are told who is near.",
		}),
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "earshot_presence_subscribers_ended_total", Help: "Connections that the server ended by code: resource_exhausted is a slow reader.",
		}, []string{"code"}),
	}
	reg.MustRegister(m.asks, m.subscribers, m.ended)
	return m
}

// meteredStore counts what a node asks of the store.
type meteredStore struct {
	store.Store
	operations *prometheus.CounterVec // by kind
	members    prometheus.Counter
}

var _ store.Store = (*meteredStore)(nil)

func newMeteredStore(s store.Store, reg prometheus.Registerer) *meteredStore {
	m := &meteredStore{
		Store: s,
		operations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "earshot_store_operations_total", Help: "What this node asked of the shared store, by operation and whether it may write.",
		}, []string{"operation", "access"}),
		members: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "earshot_store_members_written_total", Help: "Members of instances in what this node wrote: who came, moved or went.",
		}),
	}
	reg.MustRegister(m.operations, m.members)
	return m
}

// Do implements store.Store.
func (m *meteredStore) Do(ctx context.Context, op cluster.Op) (cluster.Reply, error) {
	name, writes := store.NameOf(op)
	m.count(name, writes)
	if put, ok := op.(cluster.Put); ok {
		m.members.Add(float64(len(put.Set) + len(put.Gone)))
	}
	return m.Store.Do(ctx, op)
}

// Send implements store.Store.
func (m *meteredStore) Send(ctx context.Context, to earshot.NodeID, message []byte) error {
	m.count("send", true)
	return m.Store.Send(ctx, to, message)
}

// Befriend implements store.Store.
func (m *meteredStore) Befriend(ctx context.Context, who earshot.ParticipantID, friends []earshot.ParticipantID, on bool, at cluster.Stamp) error {
	m.count("befriend", true)
	return m.Store.Befriend(ctx, who, friends, on, at)
}

// Friends implements store.Store.
func (m *meteredStore) Friends(ctx context.Context, who earshot.ParticipantID) ([]earshot.ParticipantID, error) {
	m.count("friends", false)
	return m.Store.Friends(ctx, who)
}

// Enter implements store.Store.
func (m *meteredStore) Enter(ctx context.Context, name string, entries []docket.Entry) error {
	m.count("enter", true)
	return m.Store.Enter(ctx, name, entries)
}

// ReadDocket implements store.Store.
func (m *meteredStore) ReadDocket(ctx context.Context, name string, after docket.Head) (docket.Page, error) {
	m.count("read_docket", false)
	return m.Store.ReadDocket(ctx, name, after)
}

func (m *meteredStore) count(operation string, writes bool) {
	access := "read"
	if writes {
		access = "write"
	}
	m.operations.WithLabelValues(operation, access).Inc()
}
