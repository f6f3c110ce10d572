package zone_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"earshot"
	"earshot/spatialaudio/zone"
)

func box(x, z, width, depth, yaw float64) zone.Shape {
	return zone.Shape{Form: zone.FormBox, Height: 4, Center: [2]float64{x, z}, Size: [2]float64{width, depth}, Yaw: yaw}
}

func round(x, z, r float64) zone.Shape {
	return zone.Shape{Form: zone.FormCylinder, Height: 4, Center: [2]float64{x, z}, Radius: r}
}

func mustSet(t testing.TB, list ...zone.Zone) *zone.Set {
	t.Helper()
	s, err := zone.New(list)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// at is where somebody of usual height has their head.
func at(s *zone.Set, x, z float32) *zone.Spot {
	spot := new(zone.Spot)
	s.Locate(earshot.Vec3{X: x, Y: 1.6, Z: z}, spot)
	return spot
}

// hears is Hear from (ax, az) at (bx, bz).
func hears(s *zone.Set, ax, az, bx, bz float32) zone.Path {
	return s.Hear(at(s, ax, az), at(s, bx, bz))
}

func TestWallsTakeFromAVoice(t *testing.T) {
	s := mustSet(t,
		zone.Zone{ID: "room", Kind: zone.KindRoom, Shape: box(0, 0, 6, 6, 0), Fade: 0.5, Isolation: 30, Occlusion: 6},
		zone.Zone{ID: "booth", Kind: zone.KindTable, Shape: round(0, 0, 1), Fade: 0.25, Isolation: 12},
	)
	for _, c := range []struct {
		what           string
		ax, az, bx, bz float32
		want           float64
	}{
		{"both outside, nothing between", -9, 5, 9, 5, 0},
		{"both in the room", -2, 0, 2, 2, 0},
		{"from the room outside", 2, 0, 9, 0, 30},
		{"from outside into the room", 9, 0, 2, 0, 30},
		{"a quarter of a metre inside of the door", 2, 0, 2.75, 0, 15},
		{"through the room", -9, 0, 9, 0, 12},
		{"through a corner of it", -9, 2.75, 9, 2.75, 6},
		{"from the booth into the room", 0, 0, 2, 0, 12},
		{"from the booth outside", 0, 0, 9, 0, 42},
	} {
		p := hears(s, c.ax, c.az, c.bx, c.bz)
		if math.Abs(p.WallDB-c.want) > 1e-6 || !p.Open {
			t.Errorf("%s: %v dB, open %v, want %v dB and open", c.what, p.WallDB, p.Open, c.want)
		}
	}
	over := new(zone.Spot)
	s.Locate(earshot.Vec3{X: 0, Y: 6, Z: 0}, over)
	if p := s.Hear(over, at(s, 9, 0)); over.In != 0 || p.WallDB != 0 {
		t.Errorf("above the room: in %b, %v dB, want outside", over.In, p.WallDB)
	}
}

func TestSealedZonesShut(t *testing.T) {
	s := mustSet(t,
		zone.Zone{ID: "table", Kind: zone.KindTable, Shape: round(0, 0, 2), Fade: 0.5, Sealed: true},
		zone.Zone{ID: "horn", Kind: zone.KindMegaphone, Shape: box(20, 0, 2, 2, 0), Megaphone: &zone.Megaphone{Gain: -6}},
		zone.Zone{ID: "desk", Kind: zone.KindMegaphone, Shape: box(40, 0, 2, 2, 0), Sealed: true, Megaphone: &zone.Megaphone{To: "table", Gain: -20}},
	)
	for _, c := range []struct {
		what           string
		ax, az, bx, bz float32
		open, allowed  bool
		gain           float64 // of a voice at gain 0.1
	}{
		{"within the table", 0, 0, 1, 0, true, true, 0.1},
		{"out of the table", 0, 0, 3, 0, false, false, 0},
		{"into the table", 3, 0, 0, 0, false, false, 0},
		{"by the megaphone to all", 20, 0, 400, 0, true, true, math.Pow(10, -0.3)},
		{"by the megaphone into the table", 20, 0, 0, 0, false, true, math.Pow(10, -0.3)},
		{"from the sealed desk to the table", 40, 0, 0, 0, false, true, 0.1},
		{"from the sealed desk to others", 40, 0, 30, 0, false, false, 0},
		{"to the sealed desk", 0, 0, 40, 0, false, false, 0},
	} {
		p := hears(s, c.ax, c.az, c.bx, c.bz)
		gain, _ := p.Gain(0.1)
		if p.Open != c.open || p.Allowed() != c.allowed || math.Abs(gain-c.gain) > 1e-9 {
			t.Errorf("%s: open %v, allowed %v, gain %v; want %v, %v, %v", c.what, p.Open, p.Allowed(), gain, c.open, c.allowed, c.gain)
		}
	}
}

func TestTheInnermostDecides(t *testing.T) {
	s := mustSet(t,
		zone.Zone{ID: "library", Kind: zone.KindQuiet, Shape: box(0, 0, 20, 20, 0), Reverb: zone.ReverbHall, Speak: &zone.Speak{Who: zone.SpeakNobody}},
		zone.Zone{ID: "study", Kind: zone.KindRoom, Shape: box(5, 0, 4, 4, 0), Reverb: zone.ReverbDry, Speak: &zone.Speak{Who: zone.SpeakEverybody}},
		zone.Zone{ID: "rug", Kind: zone.KindTable, Shape: round(-5, 0, 1)},
		zone.Zone{ID: "stage", Kind: zone.KindStage, Shape: box(0, 40, 4, 4, 0), Speak: &zone.Speak{Who: zone.SpeakPerformers}},
		zone.Zone{ID: "desk", Kind: zone.KindStage, Shape: box(0, 60, 4, 4, 0), Speak: &zone.Speak{Who: zone.SpeakListed, Grants: []string{"moderate"}, Participants: []earshot.ParticipantID{ada}}},
	)
	anybody, performer := zone.Speaker{}, zone.Speaker{Grants: []string{"chat", zone.GrantPerform}}
	for _, c := range []struct {
		x, z   float32
		who    zone.Speaker
		may    bool
		reverb string
	}{
		{0, 0, anybody, false, zone.ReverbHall},
		{5, 0, anybody, true, zone.ReverbDry},
		{-5, 0, anybody, false, zone.ReverbHall},
		{99, 0, anybody, true, zone.ReverbDry},
		{0, 40, anybody, false, zone.ReverbDry},
		{0, 40, performer, true, zone.ReverbDry},
		{0, 40, zone.Speaker{Performer: true}, true, zone.ReverbDry},
		{0, 60, performer, false, zone.ReverbDry},
		{0, 60, zone.Speaker{Grants: []string{"moderate"}}, true, zone.ReverbDry},
		{0, 60, zone.Speaker{ID: ada}, true, zone.ReverbDry},
	} {
		in := at(s, c.x, c.z).In
		if may := s.MaySpeak(in, c.who); may != c.may || s.Reverb(in) != c.reverb {
			t.Errorf("%+v at (%v, %v): may speak %v with reverb %s, want %v with %s", c.who, c.x, c.z, may, s.Reverb(in), c.may, c.reverb)
		}
	}
	if public := s.Zones().Public()[4].Speak; public.Who != zone.SpeakListed || public.Grants != nil || public.Participants != nil {
		t.Errorf("others are told %+v, want only that somebody is listed", public)
	}
}

var ada = earshot.ParticipantFor("test", "ada")

// A designer is told what is wrong, and where.
func TestListsAreRefused(t *testing.T) {
	good := zone.Zone{ID: "room", Kind: zone.KindRoom, Shape: box(0, 0, 4, 4, 0), Fade: 0.5}
	polygon := func(corners ...[2]float64) func(*zone.Zone) {
		return func(z *zone.Zone) { z.Shape = zone.Shape{Form: zone.FormPolygon, Height: 4, Corners: corners} }
	}
	for want, change := range map[string]func(*zone.Zone){
		"zones[0].id":                func(z *zone.Zone) { z.ID = "My room" },
		"zones[0].kind":              func(z *zone.Zone) { z.Kind = "hall" },
		"zones[0].title":             func(z *zone.Zone) { z.Title = strings.Repeat("x", 65) },
		"zones[0].gain":              func(z *zone.Zone) { z.Gain = 13 },
		"zones[0].isolation":         func(z *zone.Zone) { z.Isolation = math.NaN() },
		"zones[0].occlusion":         func(z *zone.Zone) { z.Occlusion = -1 },
		"zones[0].reverb":            func(z *zone.Zone) { z.Reverb = "bathroom" },
		"zones[0].fade: 3 m is more": func(z *zone.Zone) { z.Fade = 3 },
		"zones[0].shape.form":        func(z *zone.Zone) { z.Shape.Form = "sphere" },
		"zones[0].shape.height":      func(z *zone.Zone) { z.Shape.Height = 0 },
		"zones[0].shape.center":      func(z *zone.Zone) { z.Shape.Center[1] = math.Inf(1) },
		"zones[0].shape.size":        func(z *zone.Zone) { z.Shape.Size[0] = 0 },
		"zones[0].shape: a box has":  func(z *zone.Zone) { z.Shape.Radius = 2 },
		"zones[0].shape.radius":      func(z *zone.Zone) { z.Shape = round(0, 0, -1) },
		"corners: 2, use 3":          polygon([2]float64{0, 0}, [2]float64{4, 0}),
		"corners[3]: the polygon is not convex": polygon([2]float64{0, 0}, [2]float64{4, 0}, [2]float64{4, 4},
			[2]float64{3, 1}),
		"the border crosses itself": polygon([2]float64{0, 3}, [2]float64{1.8, -2.4}, [2]float64{-2.9, 0.9},
			[2]float64{2.9, 0.9}, [2]float64{-1.8, -2.4}),
		"corners[1]: is less than":     polygon([2]float64{0, 0}, [2]float64{0, 0}, [2]float64{4, 4}),
		"zones[0].speak.who":           func(z *zone.Zone) { z.Speak = &zone.Speak{Who: "me"} },
		"zones[0].speak: lists nobody": func(z *zone.Zone) { z.Speak = &zone.Speak{Who: zone.SpeakListed} },
		"zones[0].speak: grants and":   func(z *zone.Zone) { z.Speak = &zone.Speak{Who: zone.SpeakNobody, Grants: []string{"moderate"}} },
		"zones[0].speak.participants[0": func(z *zone.Zone) {
			z.Speak = &zone.Speak{Who: zone.SpeakListed, Participants: []earshot.ParticipantID{"ada"}}
		},
		"zones[0].megaphone.gain":       func(z *zone.Zone) { z.Megaphone = &zone.Megaphone{Gain: 1} },
		"zones[0].megaphone.to: is the": func(z *zone.Zone) { z.Megaphone = &zone.Megaphone{To: "room"} },
		"there is no zone \"nowhere\"":  func(z *zone.Zone) { z.Megaphone = &zone.Megaphone{To: "nowhere"} },
	} {
		z := good
		change(&z)
		err := zone.List{z}.Validate()
		if earshot.CodeOf(err) != earshot.CodeInvalidArgument || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate = %v, want %s … %s", err, earshot.CodeInvalidArgument, want)
		}
	}
	if err := (zone.List{good, good}).Validate(); err == nil || !strings.Contains(err.Error(), "zones[1].id: room is there twice") {
		t.Errorf("Validate of two of one name = %v", err)
	}
	if err := make(zone.List, zone.MaxZones+1).Validate(); err == nil {
		t.Error("65 zones were accepted")
	}
}

// A list that is read over another keeps nothing of it, and a misspelt member
// is an error.
func TestJSONIsStrictAndFresh(t *testing.T) {
	list := zone.List{{ID: "old", Kind: zone.KindRoom, Gain: 6, Speak: &zone.Speak{Who: zone.SpeakNobody}}}
	before := list
	text := `[{"id":"new","kind":"table","shape":{"form":"cylinder","floor":0,"height":3,"center":[1,2],"radius":2},"fade":0.5,"sealed":true}]`
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		t.Fatal(err)
	}
	if list[0].Gain != 0 || list[0].Speak != nil || before[0].ID != "old" {
		t.Errorf("read %+v over %+v", list[0], before[0])
	}
	if got, _ := json.Marshal(list); string(got) != text {
		t.Errorf("written again:\n%s, want\n%s", got, text)
	}
	if err := json.Unmarshal([]byte(`[{"id":"new","isolaton":3}]`), &list); err == nil {
		t.Error("a misspelt member was accepted")
	}
	if err := json.Unmarshal([]byte(`null`), &list); err != nil || list == nil || len(list) != 0 {
		t.Errorf("null = %v, %v, want an empty list", list, err)
	}
}
