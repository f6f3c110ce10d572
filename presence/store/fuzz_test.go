package store

import (
	"bytes"
	"reflect"
	"testing"

	"earshot"
	"earshot/presence/cluster"
)

// What the store's channels carry was written by somebody: it is read within
// bounds, and what is read is what was meant.
func FuzzDelta(f *testing.F) {
	p := member("pa_a", 1<<63+1)
	f.Add(appendDelta(nil, &cluster.Delta{Node: "nd_a", Epoch: 9, Seq: 7, Full: true, Set: []cluster.Presence{p, {Participant: "pa_b"}}, Gone: []earshot.ParticipantID{"pa_c"}}))
	f.Add(appendDelta(nil, &cluster.Delta{}))
	f.Add([]byte{codecVersion, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		d, ok := readDelta("in_x", b)
		if !ok {
			return
		}
		again, ok := readDelta("in_x", appendDelta(nil, &d))
		if !ok || !reflect.DeepEqual(again, d) {
			t.Errorf("%+v became %+v", d, again)
		}
	})
}

func FuzzPresence(f *testing.F) {
	p := member("pa_a", 1<<63+1)
	f.Add(stampText(p.Stamp()) + "\n" + string(appendPresence(nil, &p)))
	f.Add("\n")
	f.Fuzz(func(t *testing.T, field string) {
		p, ok := readPresence(field)
		if !ok {
			return
		}
		b := appendPresence(nil, &p)
		again, ok := readPresence("\n" + string(b))
		if !ok || !reflect.DeepEqual(again, p) || !bytes.Equal(appendPresence(nil, &again), b) {
			t.Errorf("%+v became %+v", p, again)
		}
	})
}

// A member without a state is as small as it is said to be.
func TestPresenceSize(t *testing.T) {
	p := member("pa_abcdefghijklmnop", 5)
	p.Node, p.State = "nd_abcdefghijklmnop", nil
	if n := len(appendPresence(nil, &p)); n > 80 {
		t.Errorf("a member takes %d bytes", n)
	}
}
