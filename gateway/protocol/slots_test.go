package protocol

import (
	"reflect"
	"testing"

	"earshot"
)

// A client that folds every message has what is in all lines.
func TestSlotsUpdate(t *testing.T) {
	in := func(n int, who string) Slot {
		return Slot{Slot: n, MID: "m", Participant: earshot.ParticipantID("pa_" + who)}
	}
	var all Slots
	all.Update(&Slots{Voice: []Slot{in(0, "a"), in(1, "b"), in(2, "")}, Video: []Slot{in(0, "v")}})
	all.Update(&Slots{Voice: []Slot{in(1, "c")}})
	all.Update(&Slots{Voice: []Slot{in(0, "d"), in(2, "a")}, Video: []Slot{in(0, "")}})
	all.Update(&Slots{})
	want := Slots{Voice: []Slot{in(0, "d"), in(1, "c"), in(2, "a")}, Video: []Slot{in(0, "")}}
	if !reflect.DeepEqual(all, want) {
		t.Errorf("folded = %+v, want %+v", all, want)
	}
	var late Slots // whoever missed the first message has what they heard of, in order
	late.Update(&Slots{Voice: []Slot{in(2, "z")}})
	late.Update(&Slots{Voice: []Slot{in(0, "y")}})
	if want := (Slots{Voice: []Slot{in(0, "y"), in(2, "z")}}); !reflect.DeepEqual(late, want) {
		t.Errorf("folded = %+v, want %+v", late, want)
	}
}
