package gateway

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"earshot"
	"earshot/presence/cluster"
	"earshot/presence/store"
)

// What a node asks of the store is counted, and how many members it wrote.
func TestMeteredStore(t *testing.T) {
	reg := prometheus.NewRegistry()
	s := newMeteredStore(store.NewMemory(), reg)
	for _, op := range []cluster.Op{
		cluster.Survey{}, cluster.Find{Participant: "pa_a"},
		cluster.Put{Instance: "in_a", Node: "nd_a", Set: make([]cluster.Presence, 2), Gone: []earshot.ParticipantID{"pa_b"}},
	} {
		_, _ = s.Do(t.Context(), op) // refused or not, it was asked
	}
	_, _ = s.Friends(t.Context(), "pa_a")
	got := map[string]float64{}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			got[name] = m.GetCounter().GetValue()
		}
	}
	for name, want := range map[string]float64{
		"earshot_store_operations_total read survey": 1, "earshot_store_operations_total read find": 1, "earshot_store_operations_total write put": 1,
		"earshot_store_operations_total read friends": 1, "earshot_store_members_written_total": 3,
	} {
		if got[name] != want {
			t.Errorf("%s = %v, want %v", name, got[name], want)
		}
	}
}
