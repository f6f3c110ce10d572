package protocol

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"

	"earshot"
)

// vector is one line of testdata/messages.json; testdata/README.md says what
// its members mean.
type vector struct {
	Name      string          `json:"name"`
	Direction string          `json:"direction"`
	JSON      json.RawMessage `json:"json"`
	Raw       *string         `json:"raw"`
	Error     earshot.Code    `json:"error"`
}

func (v vector) bytes() []byte {
	if v.Raw != nil {
		return []byte(*v.Raw)
	}
	return v.JSON
}

func vectors(t testing.TB) []vector {
	t.Helper()
	data, err := os.ReadFile("testdata/messages.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []vector
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatalf("testdata/messages.json: %v", err)
	}
	seen := map[string]bool{}
	for _, v := range list {
		if key := v.Direction + " " + v.Name; seen[key] {
			t.Fatalf("two vectors are called %q", key)
		} else {
			seen[key] = true
		}
	}
	return list
}

func TestVectors(t *testing.T) {
	for _, v := range vectors(t) {
		t.Run(v.Direction+"/"+v.Name, func(t *testing.T) {
			switch v.Direction {
			case "client":
				checkClient(t, v)
			case "server":
				checkServer(t, v)
			default:
				t.Errorf("direction %q is neither client nor server", v.Direction)
			}
		})
	}
}

func checkClient(t *testing.T, v vector) {
	m, ref, err := Parse(v.bytes())
	if earshot.CodeOf(err) != v.Error {
		t.Fatalf("Parse = %v, want code %q", err, v.Error)
	}
	if err != nil {
		checkActionable(t, err)
		return
	}
	again := EncodeClient(m, ref)
	if v.Raw == nil {
		equalJSON(t, "EncodeClient(Parse)", again, v.JSON)
	}
	m2, ref2, err := Parse(again)
	if err != nil || ref2 != ref || !reflect.DeepEqual(m2, m) {
		t.Errorf("Parse(EncodeClient(%#v, %q)) = %#v, %q, %v", m, ref, m2, ref2, err)
	}
}

func checkServer(t *testing.T, v vector) {
	m, err := Decode(v.bytes())
	if earshot.CodeOf(err) != v.Error {
		t.Fatalf("Decode = %v, want code %q", err, v.Error)
	}
	if err != nil || strings.HasPrefix(v.Name, "unknown members") {
		return
	}
	equalJSON(t, "Encode(Decode)", Encode(m), v.JSON)
}

// checkActionable holds that a refusal is the one wire error and says more
// than that something is invalid.
func checkActionable(t *testing.T, err error) {
	t.Helper()
	var e *earshot.Error
	if !errors.As(err, &e) || len(e.Message) < 20 || len(e.Message) > 300 {
		t.Errorf("error %q is not a short *earshot.Error that says what to do", err)
	}
}

func equalJSON(t *testing.T, what string, got, want []byte) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal(got, &g); err != nil {
		t.Fatalf("%s = %s: %v", what, got, err)
	}
	if err := json.Unmarshal(want, &w); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(g, w) {
		t.Errorf("%s = %s, want %s", what, got, want)
	}
}

// Every message type has a vector in its direction: a type added without one
// fails here.
func TestVectorsCoverEveryType(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range vectors(t) {
		var head struct {
			Type string `json:"type"`
		}
		if v.Error == "" && json.Unmarshal(v.bytes(), &head) == nil {
			seen[v.Direction+" "+head.Type] = true
		}
	}
	client := []ClientMessage{&Join{}, &Ready{}, &Ping{}, &Mute{}, &Publish{}, &SendChat{}, &Block{}, &Gain{}, &Renew{}, &Watch{}, &View{}, &SetAudio{}, &Moderate{}, &Leave{}}
	for _, m := range client {
		if !seen["client "+m.clientType()] {
			t.Errorf("no accepted vector for the client message %q", m.clientType())
		}
	}
	for _, kind := range strings.Fields("welcome joined left near slots speaking muted published layers chat blocked gained token pong error bye audio audible invite") {
		if newServerMessage(kind) == nil || !seen["server "+kind] {
			t.Errorf("no accepted vector, or no decoder, for the server message %q", kind)
		}
	}
}

// What a JSON vector cannot hold.
func TestParseRefusesBytes(t *testing.T) {
	largest := `{"type":"leave","x":"` + strings.Repeat("x", MaxMessageBytes-23) + `"}`
	if _, _, err := Parse([]byte(largest)); len(largest) != MaxMessageBytes || err != nil {
		t.Errorf("Parse(%d bytes) = %v, want a message of the largest size accepted", len(largest), err)
	}
	for name, data := range map[string]string{
		"one byte too many": largest + " ",
		"bad UTF-8 in chat": "{\"type\":\"chat\",\"text\":\"a\xffb\"}",
		"bad UTF-8 outside": "{\"type\":\"leave\",\"\xc0\xaf\":1}",
		"UTF-16":            "\xff\xfe{\x00}\x00",
		"gzip":              "\x1f\x8b\x08\x00",
	} {
		_, _, err := Parse([]byte(data))
		if earshot.CodeOf(err) != earshot.CodeInvalidArgument {
			t.Errorf("%s: Parse = %v, want invalid_argument", name, err)
			continue
		}
		checkActionable(t, err)
	}
}

func TestParseReturnsRefOfRefusedMessage(t *testing.T) {
	_, ref, err := Parse([]byte(`{"type":"gain","ref":"g1","participant":"pa_a","gain_db":99}`))
	if ref != "g1" || err == nil {
		t.Errorf("Parse = ref %q, %v, want ref g1 and an error", ref, err)
	}
	if _, ref, _ := Parse([]byte(`{"type":"fly","ref":"g2"}`)); ref != "g2" {
		t.Errorf("ref of an unknown type = %q, want g2", ref)
	}
}

func TestEncodeWritesEmptyLists(t *testing.T) {
	for want, m := range map[string]ServerMessage{
		`{"type":"joined","participants":[]}`:    &Joined{},
		`{"type":"slots","voice":[],"video":[]}`: &Slots{},
		`{"type":"near"}`:                        &Near{},
	} {
		if got := string(Encode(m)); got != want {
			t.Errorf("Encode(%T) = %s, want %s", m, got, want)
		}
	}
}

func TestEncodeSurvivesNumbersWithoutJSON(t *testing.T) {
	inf, nan := math.Inf(-1), math.NaN()
	s := &Slots{Voice: []Slot{{MID: "1", Why: &Why{Distance: 1.23456, GainDB: inf, LevelDB: &nan, ScoreDB: math.Inf(1)}}}}
	want := `{"type":"slots","voice":[{"slot":0,"mid":"1","why":{"distance":1.23,"gain_db":-120,"level_db":-120,"score_db":1000000000000,"packets":0}}],"video":[]}`
	if got := string(Encode(s)); got != want {
		t.Errorf("Encode = %s, want %s", got, want)
	}
	if got := string(Encode(&Pong{T: nan})); !strings.Contains(got, `"code":"internal"`) {
		t.Errorf("Encode(pong with NaN) = %s, want an internal error", got)
	}
	for _, m := range []ClientMessage{&Ping{T: nan}, &Gain{Participant: "pa_a", GainDB: inf}} {
		if _, _, err := Parse(EncodeClient(m, "r")); err == nil {
			t.Errorf("a %T that is not finite was accepted", m)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, v := range vectors(f) {
		// Large seeds would keep the fuzzer busy making them small.
		if v.Direction == "client" && len(v.bytes()) < 512 {
			f.Add(v.bytes())
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, ref, err := Parse(data)
		if err != nil {
			if earshot.CodeOf(err) != earshot.CodeInvalidArgument || m != nil || len(ref) > MaxRefBytes {
				t.Fatalf("Parse(%q) = %#v, %q, %v", data, m, ref, err)
			}
			return
		}
		m2, ref2, err := Parse(EncodeClient(m, ref))
		if err != nil && len(data) > MaxMessageBytes/6 {
			return // an escape-free message may grow beyond the limit when it is escaped
		}
		if err != nil || ref2 != ref || !reflect.DeepEqual(m, m2) {
			t.Fatalf("Parse(EncodeClient(%#v, %q)) = %#v, %q, %v", m, ref, m2, ref2, err)
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, v := range vectors(f) {
		if v.Direction == "server" {
			f.Add(v.bytes())
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Decode(data)
		if err != nil {
			return
		}
		once := Encode(m)
		m2, err := Decode(once)
		if err != nil {
			t.Fatalf("Decode(Encode(Decode(%q))) = %v", data, err)
		}
		if twice := Encode(m2); string(twice) != string(once) {
			t.Fatalf("encoded once %s, twice %s", once, twice)
		}
	})
}
