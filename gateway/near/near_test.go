package near

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"testing"

	"earshot"
)

// vector is one of testdata/messages.json: what a client sends, with the code of
// its refusal, or what the server sends.
type vector struct {
	Name      string          `json:"name"`
	Direction string          `json:"direction"`
	JSON      json.RawMessage `json:"json"`
	Raw       string          `json:"raw"`
	Error     earshot.Code    `json:"error"`
}

func vectors(t testing.TB) (list []vector) {
	t.Helper()
	data, err := os.ReadFile("testdata/messages.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	for i := range list {
		if list[i].Raw != "" {
			list[i].JSON = []byte(list[i].Raw)
		}
	}
	return list
}

func TestVectors(t *testing.T) {
	for _, v := range vectors(t) {
		if v.Direction == "client" {
			_, err := Parse(v.JSON)
			if (err != nil) != (v.Error != "") || err != nil && !errors.Is(err, &earshot.Error{Code: v.Error}) {
				t.Errorf("%s: %v, want %q", v.Name, err, v.Error)
			}
			continue
		}
		var kind struct{ Type string }
		if err := json.Unmarshal(v.JSON, &kind); err != nil {
			t.Fatal(err)
		}
		msg := map[string]ServerMessage{"snapshot": &Snapshot{}, "delta": &Delta{}, "beat": &Beat{}, "error": &Error{}, "bye": &Bye{}}[kind.Type]
		if err := json.Unmarshal(v.JSON, msg); err != nil {
			t.Fatalf("%s: %v", v.Name, err)
		}
		if got, want := loose(t, Encode(msg)), loose(t, v.JSON); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: encoded as %v, want %v", v.Name, got, want)
		}
	}
}

func loose(t *testing.T, data []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return v
}

func TestParse(t *testing.T) {
	msg, err := Parse([]byte(`{"type":"watch","id":"s","radius":12.5,"friends":true,"at":[1,2,-3]}`))
	want := &Watch{ID: "s", Radius: 12.5, Friends: true, At: &earshot.Vec3{X: 1, Y: 2, Z: -3}}
	if err != nil || !reflect.DeepEqual(msg, want) {
		t.Errorf("%+v %v, want %+v", msg, err, want)
	}
}

func FuzzParse(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add([]byte(v.JSON))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		msg, err := Parse(data)
		if err != nil {
			if earshot.CodeOf(err) != earshot.CodeInvalidArgument {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		if w, ok := msg.(*Watch); ok {
			if !(w.Radius > 0 && w.Radius <= MaxRadius) || w.ID == "" || w.At != nil && !w.At.Finite() {
				t.Fatalf("%+v was taken", w)
			}
		}
	})
}

func person(id string, x float64) Person {
	p := Person{Participant: earshot.ParticipantID(id), Instance: "in_plaza"}
	p.Place(earshot.Vec3{X: float32(x)}, x)
	return p
}

// Somebody walks up, along the edge and away again.
func TestFeed(t *testing.T) {
	f := NewFeed(Watch{ID: "a", Radius: 30})
	for _, step := range []struct {
		x    float64
		want ServerMessage
	}{
		{31, &Snapshot{ID: "a", Seq: 1, Complete: true, People: []Person{}}},
		{30.5, nil},
		{29.9, &Delta{ID: "a", Seq: 2, Complete: true, Came: []Person{person("pa_x", 29.9)}}},
		{30.5, nil},
		{32, &Delta{ID: "a", Seq: 3, Complete: true, Moved: []Person{person("pa_x", 32)}}},
	} {
		if got := f.Update([]Person{person("pa_x", step.x)}, true); !equal(got, step.want) {
			t.Fatalf("at %v m: %+v, want %+v", step.x, got, step.want)
		}
	}
	f.Resync()
	if got, want := f.Update([]Person{person("pa_x", 31)}, true), (&Snapshot{ID: "a", Seq: 4, Complete: true, People: []Person{}}); reflect.DeepEqual(got, want) {
		t.Fatal("a snapshot forgot one who is on the edge")
	}
	if got, want := f.Update(nil, false), (&Delta{ID: "a", Seq: 5, Went: []earshot.ParticipantID{"pa_x"}}); !equal(got, want) {
		t.Fatalf("gone: %+v, want %+v", got, want)
	}
	if got, want := f.Update(nil, true), (&Delta{ID: "a", Seq: 6, Complete: true}); !equal(got, want) {
		t.Fatalf("complete again: %+v, want %+v", got, want)
	}
}

func equal(a, b ServerMessage) bool { return a == nil && b == nil || reflect.DeepEqual(a, b) }

// Whoever applies deltas has what a snapshot would say, within what is too
// little to tell.
func TestFeedSums(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	f := NewFeed(Watch{ID: "a", Radius: 30})
	have, seq := map[earshot.ParticipantID]Person{}, uint64(0)
	for range 2000 {
		var people []Person
		for i := range 100 {
			if random.IntN(3) > 0 {
				people = append(people, person(string(rune('a'+i%26))+string(rune('a'+i/26)), 33*random.Float64()))
			}
		}
		slices.SortFunc(people, func(a, b Person) int { return int(1000 * (a.Distance - b.Distance)) })
		if random.IntN(50) == 0 {
			f.Resync()
		}
		switch m := f.Update(people, true).(type) {
		case *Snapshot:
			clear(have)
			for _, p := range m.People {
				have[p.Participant] = p
			}
			seq++
		case *Delta:
			for _, p := range slices.Concat(m.Came, m.Moved) {
				have[p.Participant] = p
			}
			for _, id := range m.Went {
				delete(have, id)
			}
			seq++
		}
		if f.Seq() != seq || len(have) > MaxPeople || len(have) != len(f.told) {
			t.Fatalf("number %d of %d, %d people of %d", f.Seq(), seq, len(have), len(f.told))
		}
		for _, p := range people[:10] {
			if h, ok := have[p.Participant]; p.Distance <= 30 && (!ok || h.Distance-p.Distance >= movedBy || p.Distance-h.Distance >= movedBy) {
				t.Fatalf("%s at %v m is known at %v (%t)", p.Participant, p.Distance, h.Distance, ok)
			}
		}
	}
}
