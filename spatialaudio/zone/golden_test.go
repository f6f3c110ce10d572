package zone_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"math"
	"os"
	"testing"

	"earshot"
	"earshot/spatialaudio/zone"
)

var update = flag.Bool("update", false, "write testdata/zones.json anew")

const goldenFile = "testdata/zones.json"

// golden is the table that gateway/web/test reads too.
type golden struct {
	About string               `json:"about"`
	Sets  map[string]zone.List `json:"sets"`
	Cases []goldenCase         `json:"cases"`
}

type goldenCase struct {
	Set       string     `json:"set"`
	Talker    [3]float32 `json:"talker"`
	Listener  [3]float32 `json:"listener"`
	In        []string   `json:"in"`     // zones of the listener
	Reverb    string     `json:"reverb"` // at the listener
	Open      bool       `json:"open"`
	Allowed   bool       `json:"allowed"`
	GainDB    float64    `json:"gain_db"`
	WallDB    float64    `json:"wall_db"`
	Megaphone string     `json:"megaphone"` // id; "" is none
	Amplified float64    `json:"amplified"`
	Gain      float64    `json:"gain"` // of a voice at 0.25
	Cutoff    float64    `json:"cutoff"`
}

func goldenSets() map[string]zone.List {
	return map[string]zone.List{
		"none": {},
		"plaza": {
			{ID: "meeting", Title: "Meeting room", Kind: zone.KindRoom, Shape: box(-8, -4, 6, 5, 30), Fade: 0.5, Isolation: 30, Occlusion: 6, Reverb: zone.ReverbRoom},
			{ID: "table", Kind: zone.KindTable, Shape: round(6, 3, 2), Fade: 0.4, Sealed: true, Reverb: zone.ReverbDry},
			{ID: "stage", Kind: zone.KindStage, Shape: zone.Shape{Form: zone.FormPolygon, Height: 5, Corners: [][2]float64{{-4, -14}, {4, -14}, {5, -11}, {0, -9}, {-5, -11}}},
				Fade: 0.5, Gain: 4, Megaphone: &zone.Megaphone{Gain: -9}, Speak: &zone.Speak{Who: zone.SpeakPerformers}},
			{ID: "library", Kind: zone.KindQuiet, Shape: box(9, 11, 10, 8, -15), Fade: 1, Gain: -10, Isolation: 18, Occlusion: 4, Reverb: zone.ReverbHall, Speak: &zone.Speak{Who: zone.SpeakNobody}},
			{ID: "study", Kind: zone.KindRoom, Shape: box(10, 11, 3, 3, -15), Fade: 0.3, Isolation: 40, Occlusion: 3, Speak: &zone.Speak{Who: zone.SpeakEverybody}},
			{ID: "desk", Kind: zone.KindMegaphone, Shape: round(-6, 12, 1.5), Fade: 0.25, Megaphone: &zone.Megaphone{To: "library", Gain: -15}},
		},
		"overlapping": {
			{ID: "a", Kind: zone.KindRoom, Shape: zone.Shape{Form: zone.FormPolygon, Floor: -1, Height: 3.5, Corners: [][2]float64{{0, 0}, {0, 8}, {8, 8}, {8, 0}}}, Fade: 1, Isolation: 12, Occlusion: 5, Gain: 9},
			{ID: "b", Kind: zone.KindRoom, Shape: round(8, 8, 4), Fade: 1, Isolation: 20, Occlusion: 7, Gain: 8, Reverb: zone.ReverbCathedral},
			{ID: "c", Kind: zone.KindRoom, Shape: box(4, 4, 8, 8, 0), Isolation: 6, Reverb: zone.ReverbBooth},
		},
	}
}

func goldenCases() (cases []goldenCase) {
	spots := map[string][][3]float32{
		"none": {{0, 1.625, 0}, {9, 1.5, -4}},
		"plaza": {
			{0, 1.625, 0}, {-8, 1.625, -4}, {-6.5, 1.25, -5.5}, {-14, 1.625, -9}, {6, 1.625, 3}, {7.5, 1.25, 3.5}, {7.875, 1.625, 3}, {9, 1.625, 2},
			{0, 1.75, -12}, {3.5, 1.625, -11.25}, {9, 1.625, 11}, {10, 1.625, 11}, {13.25, 1.625, 10}, {20, 1.625, 11}, {-6, 1.625, 12}, {-7.375, 1.625, 12}, {9, 7, 11},
		},
		"overlapping": {
			{-2, 1.625, 4}, {0.25, 1.625, 4}, {4, 1.625, 4}, {7, 1.625, 7}, {11, 1.625, 8}, {14, 1.625, 12}, {4, 2.125, 4}, {-3, 1.625, 11}, {12, 1.625, -1},
		},
	}
	for _, set := range []string{"none", "plaza", "overlapping"} {
		for _, talker := range spots[set] {
			for _, listener := range spots[set] {
				cases = append(cases, goldenCase{Set: set, Talker: talker, Listener: listener})
			}
		}
	}
	return cases
}

// answer fills in what c says of its talker and listener.
func (c *goldenCase) answer(s *zone.Set) {
	talker, listener := spot(s, vec(c.Talker)), spot(s, vec(c.Listener))
	p := s.Hear(talker, listener)
	c.In, c.Reverb = []string{}, s.Reverb(listener.In)
	for i, z := range s.Zones() {
		if listener.In.Has(i) {
			c.In = append(c.In, z.ID)
		}
		if p.Megaphone == i {
			c.Megaphone = z.ID
		}
	}
	c.Open, c.Allowed, c.GainDB, c.WallDB, c.Amplified = p.Open, p.Allowed(), p.GainDB, p.WallDB, p.Amplified
	c.Gain, _ = p.Gain(0.25)
	c.Cutoff = zone.Cutoff(p.WallDB)
}

func vec(a [3]float32) earshot.Vec3 { return earshot.Vec3{X: a[0], Y: a[1], Z: a[2]} }

func TestGoldenZones(t *testing.T) {
	if *update {
		writeGolden(t)
	}
	raw, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	var table golden
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&table); err != nil {
		t.Fatalf("%s: %v", goldenFile, err)
	}
	if want := len(goldenCases()); len(table.Cases) != want {
		t.Fatalf("%s has %d cases, want %d: run go test ./spatialaudio/zone -update", goldenFile, len(table.Cases), want)
	}
	for i, want := range table.Cases {
		s := mustSet(t, table.Sets[want.Set]...)
		got := goldenCase{Set: want.Set, Talker: want.Talker, Listener: want.Listener}
		got.answer(s)
		near := math.Abs(got.GainDB-want.GainDB) < 1e-9 && math.Abs(got.WallDB-want.WallDB) < 1e-9 &&
			math.Abs(got.Amplified-want.Amplified) < 1e-9 && math.Abs(got.Gain-want.Gain) < 1e-9 && math.Abs(got.Cutoff-want.Cutoff) < 1e-6
		if !near || got.Open != want.Open || got.Allowed != want.Allowed || got.Megaphone != want.Megaphone ||
			got.Reverb != want.Reverb || len(got.In) != len(want.In) {
			t.Errorf("case %d: %+v, want %+v", i, got, want)
		}
	}
}

func writeGolden(t *testing.T) {
	table := golden{
		About: "Written by: go test ./spatialaudio/zone -update. Heads in metres; the gain is of a voice that would come at 0.25 without zones.",
		Sets:  goldenSets(), Cases: goldenCases(),
	}
	var b bytes.Buffer
	b.WriteString("{\n\"about\": " + compact(t, table.About) + ",\n\"sets\": " + compact(t, table.Sets) + ",\n\"cases\": [\n")
	for i := range table.Cases {
		table.Cases[i].answer(mustSet(t, table.Sets[table.Cases[i].Set]...))
		if i > 0 {
			b.WriteString(",\n")
		}
		b.WriteString(compact(t, table.Cases[i]))
	}
	b.WriteString("\n]}\n")
	if err := os.WriteFile(goldenFile, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func compact(t *testing.T, v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
