package store

import (
	"testing"

	"earshot/presence/cluster"
)

// Every operation has a name of its own for figures.
func TestNameOf(t *testing.T) {
	reads := map[string]bool{"read_instance": true, "find": true, "survey": true}
	seen := map[string]bool{}
	for _, op := range []cluster.Op{
		cluster.Claim{}, cluster.Renew{}, cluster.Write{}, cluster.Put{}, cluster.Save{}, cluster.ReadInstance{}, cluster.Release{}, cluster.Reserve{},
		cluster.Cancel{}, cluster.Take{}, cluster.Commit{}, cluster.Touch{}, cluster.Leave{}, cluster.SetOrder{}, cluster.Find{}, cluster.Announce{},
		cluster.Withdraw{}, cluster.Survey{},
	} {
		name, writes := NameOf(op)
		if name == "other" || seen[name] || writes == reads[name] {
			t.Errorf("%T is called %q and writes: %t", op, name, writes)
		}
		seen[name] = true
	}
}
