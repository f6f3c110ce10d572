package directory

import (
	"fmt"
	"testing"
	"time"

	"earshot"
	"earshot/presence/store"
	"earshot/presence/store/servertest"
)

// kill -9 of a real server: nobody disappears from the view while it is away,
// and a minute's worth of changes is there soon after it is back, empty.
func TestServerKilled(t *testing.T) {
	server := servertest.Start(t)
	open := func() store.Store {
		cfg := store.DefaultConfig()
		cfg.Addresses = []string{server.Address}
		s, err := store.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	var owners []*owner
	for i, node := range []earshot.NodeID{"nd_a", "nd_b", "nd_b"} {
		o := newOwner(t, open(), earshot.InstanceID(fmt.Sprint("in_", i)), node)
		for j := range 20 {
			o.put(who(20*i+j), 1, place(float32(10*i), float32(j)))
		}
		background(t, o.run)
		owners = append(owners, o)
	}
	d := start(t, open())
	d.Watch("plaza")
	converges(t, d, owners)
	server.Kill()
	for i := range 30 {
		<-time.After(50 * time.Millisecond)
		owners[i%3].put(who(20*(i%3)+i%20), 1, place(float32(i), 77))
		if n := d.People("plaza"); n != 60 {
			t.Fatalf("%d people are seen while the server is away, of 60", n)
		}
	}
	owners[0].remove(who(1))
	server.Restart(t)
	back := time.Now()
	converges(t, d, owners)
	t.Logf("right again %v after the server was", time.Since(back).Round(time.Millisecond))
	owners[2].put("pa_new", 1, place(5, 5))
	converges(t, d, owners)
}

func converges(t *testing.T, d *Directory, owners []*owner) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; <-time.After(20 * time.Millisecond) {
		err := same(d, owners...)
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
