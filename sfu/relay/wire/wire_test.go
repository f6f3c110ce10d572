package wire

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"

	"earshot"
)

func TestDatagramRoundTrip(t *testing.T) {
	var b Batch
	b.Begin()
	media := []Media{
		{Number: 7, Codec: 1, HasLevel: true, Voice: true, Level: -127, Marker: true, Seq: 65535, Timestamp: 1 << 31, SSRC: 0xdeadbeef, Payload: []byte("opus")},
		{Number: 4095, Codec: 5, Layer: 2, Seq: 1, Descriptor: []byte{1, 2, 3}, Payload: []byte{0}},
		{Number: 1, Codec: 2, Padding: 255, Seq: 2},
		{Number: 1, Codec: 1, HasLevel: true, Seq: 2, Payload: make([]byte, 300)},
	}
	for i := range media {
		b.Add(media[i].Append(b.Room(media[i].Size())))
	}
	pose := Pose{Channel: 3, Index: 9, Seq: 8, Age: 255, Payload: []byte("snapshot")}
	b.Add(pose.Append(b.Room(pose.Size()), KindRoot))
	b.Add(AppendMissing(b.Room(MissingSize(2)), []uint32{1, 1 << 31}))
	datagram := b.Seal(1<<32-1, 77)
	r, err := ParseDatagram(datagram)
	if err != nil || r.Seq != 1<<32-1 || r.Time != 77 {
		t.Fatalf("ParseDatagram() = %+v, %v", r, err)
	}
	for i := range media {
		kind, body, ok := r.Next()
		var got Media
		if err := got.Parse(body); !ok || kind != KindMedia || err != nil || !reflect.DeepEqual(got, media[i]) {
			t.Errorf("record %d is %+v, %v, want %+v", i, got, err, media[i])
		}
	}
	kind, body, _ := r.Next()
	var got Pose
	if err := got.Parse(body); kind != KindRoot || err != nil || !reflect.DeepEqual(got, pose) {
		t.Errorf("pose is %+v, %v", got, err)
	}
	kind, body, _ = r.Next()
	if seqs, err := ParseMissing(nil, body); kind != KindMissing || err != nil || !reflect.DeepEqual(seqs, []uint32{1, 1 << 31}) {
		t.Errorf("missing are %v, %v", seqs, err)
	}
	if _, _, ok := r.Next(); ok {
		t.Error("a record too many")
	}
}

// A batch takes what fits, and one packet that is longer alone.
func TestBatchIsBounded(t *testing.T) {
	var b Batch
	b.Begin()
	long := Media{Codec: 2, Payload: make([]byte, MaxPayload)}
	if !long.Fits() {
		t.Fatal("the longest packet does not fit")
	}
	if room := b.Room(long.Size()); room == nil {
		t.Error("no room for the longest packet in an empty batch")
	}
	short := Media{Codec: 1, Payload: make([]byte, 80)}
	for {
		room := b.Room(short.Size())
		if room == nil {
			break
		}
		b.Add(short.Append(room))
	}
	if b.Len() < 11 || len(b.Seal(0, 0)) > BatchBytes {
		t.Errorf("%d packets in %d bytes", b.Len(), len(b.Seal(0, 0)))
	}
	if b.Strike(KindMedia, 0) != b.Len() || b.Strike(KindMedia, 0) != 0 || b.Strike(KindPose, 0) != 0 {
		t.Error("Strike counts wrong")
	}
	if bytes.Contains(b.Seal(0, 0)[HeadBytes+RecordBytes:], []byte{1 << 4}) {
		t.Error("something is left of what was struck")
	}
}

// Three datagrams are lost: they are asked for twice at most, not before they
// may just be late, and not when it is too late.
func TestRepairAsks(t *testing.T) {
	var r Repair
	now := time.Unix(1000, 0)
	come := func(seqs ...uint32) {
		for _, s := range seqs {
			if !r.Came(s, now) {
				t.Errorf("Came(%d) = false", s)
			}
		}
	}
	ask := func(after time.Duration, want ...uint32) {
		t.Helper()
		now = now.Add(after)
		if got := r.Missing(nil, 20*time.Millisecond, now); !reflect.DeepEqual(got, want) {
			t.Errorf("Missing() = %v, want %v", got, want)
		}
	}
	come(1<<32-2, 1<<32-1, 3) // 0, 1, 2 are missed
	ask(time.Millisecond)
	come(1)
	ask(Reorder, 0, 2)
	ask(Reorder)
	come(2)
	ask(30*time.Millisecond+Reorder, 0)
	ask(time.Second)
	if r.Came(1, now) || r.Came(1<<32-2, now) {
		t.Error("what came before is new again")
	}
	come(0, 4, 4+10*RepairWindow) // a pause is no loss
	ask(Reorder)
	if r.Came(5, now) {
		t.Error("one too old to know is new")
	}
}

func TestMessageRoundTrip(t *testing.T) {
	all := []*Message{
		{Hello: &Hello{Version: Version, Node: "nd_a"}},
		{Open: &Open{Channel: 1, Instance: "in_plaza", Incarnation: 1<<64 - 1, Answer: true}},
		{Joined: &Joined{Channel: 1, People: []Person{{
			ID: "pa_ada", Index: 3, At: 1 << 60, Name: "Ada", Kind: "person", Grants: []string{"chat"}, Pose: []byte{1},
			Tracks: []Track{{ID: "tr_x", Source: "camera", Layers: 3}}, Blocks: []earshot.ParticipantID{"pa_bob"}, Flags: Flags{Muted: true},
		}}}},
		{Want: &Want{Add: []Wanted{{Channel: 2, Number: 7, Track: "tr_x", Top: 2}}, Drop: []uint16{1}}},
		{Block: &Block{By: "pa_ada", Other: "pa_bob", On: true, Order: 9}},
		{Tell: &Tell{From: "pa_ada", To: []earshot.ParticipantID{"pa_bob"}, Data: []byte(`{"type":"chat"}`)}},
		{Coast: &Coast{Channel: 3, Instance: "in_plaza", Incarnation: 1<<64 - 1, Over: true}},
		{Visitors: &Visitors{Channel: 4, To: 3, Instance: "in_market", People: []Visitor{{ID: "pa_ada", Index: 9, Name: "Ada", Kind: "person", Blocks: []earshot.ParticipantID{"pa_bob"}, Root: make([]byte, VisitorBytes)}}}},
		{Gone: &Gone{Channel: 4, People: []earshot.ParticipantID{"pa_ada"}, All: true}},
		{Shun: &Shun{Channel: 4, By: "pa_ada", Other: "pa_bob", On: true, Order: 1 << 60}},
	}
	var stream []byte
	for _, m := range all {
		var err error
		if stream, err = Append(stream, m); err != nil {
			t.Fatal(err)
		}
	}
	r := bytes.NewReader(stream)
	for i, want := range all {
		if got, err := Read(r); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("message %d is %+v, %v", i, got, err)
		}
	}
}

func TestMessagesAreLimited(t *testing.T) {
	for _, body := range []string{
		`{"open":{"instance":"nd_a"}}`,
		`{"hello":{},"ack":{}}`,
		`{"left":{"participant":"tr_x"}}`,
		`{"coast":{"instance":"nd_a"}}`, `{"visitors":{"people":[]}}`, `{"gone":{},"shun":{}}`,
		`{"visitors":{"instance":"in_a","people":[{"id":"x"}]}}`, `{"gone":{"people":["x"]}}`, `{"shun":{"by":"pa_a","other":""}}`,
		`{"clock":{"layer":-1}}`, `{"key_frame":{"layer":4}}`,
		`{"joined":{"people":[{"id":"pa_a","tracks":[{"layers":0}]}]}}`,
		`{"look":{"at":[` + strings.Repeat("1,", MaxWants) + `1]}}`,
		`[]`, `{"ack":`, strings.Repeat(" ", MaxMessage+1),
	} {
		if m, err := ParseMessage([]byte(body)); earshot.CodeOf(err) != earshot.CodeInvalidArgument && earshot.CodeOf(err) != earshot.CodeResourceExhausted {
			t.Errorf("ParseMessage(%.60s) = %+v, %v, want an *earshot.Error", body, m, err)
		}
	}
	if _, err := ParseMessage([]byte(`{"of_a_later_version":{}}`)); err != nil {
		t.Errorf("a message of a later version: %v", err)
	}
}

func FuzzDatagram(f *testing.F) {
	var b Batch
	b.Begin()
	m := Media{Number: 1, Codec: 5, Descriptor: []byte{1, 2}, HasLevel: true, Payload: []byte("x")}
	b.Add(m.Append(b.Room(m.Size())))
	p := Pose{Payload: []byte("y")}
	b.Add(p.Append(b.Room(p.Size()), KindPose))
	b.Add(AppendMissing(b.Room(MissingSize(1)), []uint32{5}))
	f.Add(bytes.Clone(b.Seal(1, 2)))
	f.Add([]byte{Version, 0, 0, 0, 0, 0, 0, 0, 0, 1, 255, 255})
	f.Fuzz(func(t *testing.T, datagram []byte) {
		r, err := ParseDatagram(datagram)
		if err != nil {
			return
		}
		for kind, body, ok := r.Next(); ok; kind, body, ok = r.Next() {
			var m Media
			if m.Parse(body) == nil {
				var again Media
				if !m.Fits() {
					continue
				}
				if err := again.Parse(m.Append(nil)[RecordBytes:]); err != nil || !reflect.DeepEqual(again, m) {
					t.Fatalf("%+v becomes %+v, %v", m, again, err)
				}
			}
			var p Pose
			if p.Parse(body) == nil && !bytes.Equal(p.Append(nil, kind)[RecordBytes:], body) {
				t.Fatalf("%+v does not come back", p)
			}
			if seqs, err := ParseMissing(nil, body); err == nil && !bytes.Equal(AppendMissing(nil, seqs)[RecordBytes:], body) {
				t.Fatalf("%v does not come back", seqs)
			}
		}
	})
}

func FuzzMessage(f *testing.F) {
	f.Add([]byte(`{"joined":{"channel":1,"people":[{"id":"pa_ada","at":"5","tracks":[{"id":"tr_x","layers":1}],"pose":"AAE="}]}}`))
	f.Add([]byte(`{"want":{"add":[{"number":1,"track":"tr_x","top":2}],"drop":[3]}}`))
	f.Add([]byte(`{"visitors":{"channel":1,"to":2,"instance":"in_plaza","people":[{"id":"pa_ada","index":3,"blocks":["pa_b"]}]}}`))
	f.Add([]byte(`{"shun":{"by":"pa_a","other":"pa_b","on":true,"order":"7"}}`))
	f.Add([]byte(`{"tell":{"from":"pa_a","to":["pa_b"],"data":"e30="}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := ParseMessage(body)
		if err != nil {
			if earshot.CodeOf(err) == earshot.CodeInternal {
				t.Fatalf("%v is no *earshot.Error", err)
			}
			return
		}
		framed, err := Append(nil, m)
		if err != nil {
			return // escapes may make it longer than what came
		}
		if again, err := Read(bytes.NewReader(framed)); err != nil {
			t.Fatalf("%s comes back as %+v, %v", framed, again, err)
		}
	})
}

func FuzzRepair(f *testing.F) {
	f.Add([]byte{1, 2, 9, 3, 255, 0})
	f.Fuzz(func(t *testing.T, steps []byte) {
		var r Repair
		now, seq := time.Unix(0, 0), uint32(1<<32-5)
		came := map[uint32]int{}
		for _, s := range steps {
			now = now.Add(time.Duration(s%8) * time.Millisecond)
			seq += uint32(int8(s))
			if r.Came(seq, now) {
				came[seq]++
			}
			for _, m := range r.Missing(nil, 5*time.Millisecond, now) {
				if came[m] > 0 {
					t.Fatalf("%d is asked for and came", m)
				}
			}
		}
		for seq, n := range came {
			if n > 1 {
				t.Fatalf("%d came as new %d times", seq, n)
			}
		}
	})
}
