package format

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"
)

func sampleManifest() *Manifest {
	return &Manifest{
		Version: Version, ID: "in_plaza-20261121T170000Z", Instance: "in_plaza", World: "plaza", State: StateComplete,
		Started:      time.Date(2026, 11, 21, 17, 0, 0, 0, time.UTC),
		Participants: []*Participant{{ID: "pa_ada", Name: "Ada", Kind: "person", Present: []Span{{From: 0, To: 10}}}},
		Tracks: []*Track{{
			ID: "pa_ada-microphone", Participant: "pa_ada", Source: "microphone", Codec: "opus", File: "pa_ada-microphone.ogg",
			Gaps: []Span{{From: 1, To: 2, Why: GapPause}}, Muted: []Span{},
		}},
		Failures: []Failure{},
	}
}

func TestManifestRoundTrip(t *testing.T) {
	want := sampleManifest()
	b, err := want.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseManifest(b)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, want %+v", got, want)
	}
}

func TestManifestRefuses(t *testing.T) {
	for name, change := range map[string]func(*Manifest){
		"of version 2":       func(m *Manifest) { m.Version = 2 },
		"in its folder":      func(m *Manifest) { m.Tracks[0].File = "../../etc/passwd" },
		"no name of a file":  func(m *Manifest) { m.Tracks[0].File = "" },
		"codec":              func(m *Manifest) { m.Tracks[0].Codec = "mp3" },
		"pose log is called": func(m *Manifest) { m.Poses.File = "/dev/zero" },
		"has no id":          func(m *Manifest) { m.Participants[0].ID = "ada" },
		"begins at":          func(m *Manifest) { m.Tracks[0].OffsetMS = -1 },
	} {
		m := sampleManifest()
		change(m)
		b, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseManifest(b); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestPlainName(t *testing.T) {
	for name, want := range map[string]bool{
		"pa_a-microphone.ogg": true, "in_plaza-20261121T170000Z-2": true, "": false, ".": false, "..": false, ".x": false,
		"a/b": false, `a\b`: false, "a\x00": false, "a b": false, strings.Repeat("a", 201): false, "é": false,
	} {
		if got := PlainName(name); got != want {
			t.Errorf("PlainName(%q) = %v, want %v", name, got, want)
		}
	}
}

func FuzzManifest(f *testing.F) {
	b, err := sampleManifest().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"earshot_recording":1,"tracks":[null]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ParseManifest(b)
		if err != nil {
			return
		}
		for _, track := range m.Tracks {
			if !PlainName(track.File) {
				t.Fatalf("file %q", track.File)
			}
		}
		if _, err := m.Encode(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestPoseLogRoundTrip(t *testing.T) {
	var w PoseWriter
	entries := []PoseEntry{
		{MS: 0, Who: 0, Kind: PoseMoved, Snapshot: []byte("eighteen bytes ...")},
		{MS: 100, Who: 300, Kind: PoseLevel, Level: 23, Talking: true},
		{MS: 100, Who: 1, Kind: PoseMoved, Snapshot: []byte{}},
		{MS: 3_600_000, Who: 1, Kind: PoseLevel, Level: 127},
	}
	b := w.AppendHeader(nil)
	for i := range entries {
		b = w.Append(b, &entries[i])
	}
	for n := range len(b) + 1 {
		r, err := NewPoseReader(bytes.NewReader(b[:n]))
		if (err == nil) != (n >= len(poseMagic)) {
			t.Fatalf("%d bytes: %v", n, err)
		}
		if err != nil {
			continue
		}
		var e PoseEntry
		i := 0
		for ; r.Next(&e) == nil; i++ {
			if !reflect.DeepEqual(e, entries[i]) && !(len(e.Snapshot) == 0 && e.MS == entries[i].MS && e.Who == entries[i].Who) {
				t.Fatalf("entry %d: %+v, want %+v", i, e, entries[i])
			}
		}
		if n == len(b) && i != len(entries) {
			t.Errorf("%d entries, want %d", i, len(entries))
		}
		if err := r.Next(&e); !errors.Is(err, io.EOF) {
			t.Errorf("at the end: %v", err)
		}
	}
}

func FuzzPoseReader(f *testing.F) {
	f.Add([]byte(poseMagic + "\x01\x02\x80\x00\x04\x02ab"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := NewPoseReader(bytes.NewReader(b))
		if err != nil {
			return
		}
		var e PoseEntry
		last := int64(0)
		for r.Next(&e) == nil {
			if e.MS < last || e.Who < 0 || e.Who >= maxPoseWho || len(e.Snapshot) > 255 {
				t.Fatalf("%+v after %d ms", e, last)
			}
			last = e.MS
		}
	})
}
