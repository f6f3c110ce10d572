package format

import (
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"time"

	"earshot"
)

// Version of the manifest that this package writes and reads.
const Version = 1

// Names of files in the folder of a recording.
const (
	ManifestName = "manifest.json"
	PosesName    = "poses.log"
)

// PosesFormat names the pose log in a manifest.
const PosesFormat = "earshot-poses-1"

// The states of a recording.
const (
	StateRecording   = "recording"   // going on
	StateComplete    = "complete"    // stopped as it should be
	StateInterrupted = "interrupted" // the process ended first; what is there was found later
)

// Manifest describes a recording. All times in it are milliseconds since
// Started unless they are dates.
type Manifest struct {
	Version      int                `json:"earshot_recording"`
	ID           string             `json:"id"`
	Instance     earshot.InstanceID `json:"instance"`
	World        string             `json:"world"`
	Started      time.Time          `json:"started"`
	StartedBy    string             `json:"started_by"`
	Ended        time.Time          `json:"ended,omitzero"`
	State        string             `json:"state"`
	Reason       string             `json:"reason,omitempty"` // why it ended
	DurationMS   int64              `json:"duration_ms"`
	Bytes        int64              `json:"bytes"`
	Only         Selection          `json:"only,omitzero"`
	Participants []*Participant     `json:"participants"`
	Tracks       []*Track           `json:"tracks"`
	Poses        Poses              `json:"poses"`
	Failures     []Failure          `json:"errors"`
}

// Selection is what of an instance is recorded; the zero value is everything.
type Selection struct {
	Participants []earshot.ParticipantID `json:"participants,omitempty"`
	Sources      []string                `json:"sources,omitempty"` // microphone, camera, screen
}

// Participant is one who was there.
type Participant struct {
	ID      earshot.ParticipantID `json:"id"`
	Name    string                `json:"name"`
	Kind    string                `json:"kind"`
	Present []Span                `json:"present"`
}

// Track is what one source of a participant published, in one file.
type Track struct {
	ID          string                `json:"id"`
	Participant earshot.ParticipantID `json:"participant"`
	Source      string                `json:"source"`
	Codec       string                `json:"codec"`
	File        string                `json:"file"`
	OffsetMS    int64                 `json:"offset_ms"` // when the file's time is 0
	DurationMS  int64                 `json:"duration_ms"`
	Bytes       int64                 `json:"bytes"`
	Width       int                   `json:"width,omitempty"`
	Height      int                   `json:"height,omitempty"`
	Frames      uint64                `json:"frames"` // written: packets of voice, pictures of video
	Lost        uint64                `json:"lost"`   // packets that never came
	Late        uint64                `json:"late"`   // packets that came too late, or twice
	Dropped     uint64                `json:"dropped"`
	Failed      uint64                `json:"failed"` // packets or pictures that could not be written
	Gaps        []Span                `json:"gaps"`
	Muted       []Span                `json:"muted"` // by whom it publishes, by a moderator, or not shown
	LeftOut     int                   `json:"spans_left_out,omitempty"`
}

// Span is a piece of time. To is 0 while it goes on.
type Span struct {
	From int64  `json:"from_ms"`
	To   int64  `json:"to_ms,omitempty"`
	Why  string `json:"why,omitempty"`
}

// Why there is a gap.
const (
	GapPause  = "pause"  // nothing was sent
	GapLost   = "lost"   // what was sent did not come
	GapFailed = "failed" // it could not be written
)

// Poses is the pose log of a recording.
type Poses struct {
	File    string `json:"file"`
	Format  string `json:"format"`
	Bytes   int64  `json:"bytes"`
	Entries uint64 `json:"entries"`
	Dropped uint64 `json:"dropped"`
}

// Failure is something that could not be done, and what was lost by it.
type Failure struct {
	AtMS    int64  `json:"at_ms"`
	UntilMS int64  `json:"until_ms,omitempty"` // when it could again
	File    string `json:"file,omitempty"`
	What    string `json:"what"` // disk_full, write, limit
	Message string `json:"message"`
	Lost    uint64 `json:"lost,omitempty"` // packets or pictures
}

// What may fail.
const (
	FailDiskFull = "disk_full"
	FailWrite    = "write"
)

// Limits of a manifest that is read.
const (
	MaxManifest     = 16 << 20 // bytes
	maxTracks       = 20_000
	maxParticipants = 20_000
)

// Encode returns the manifest as it stands in its file.
func (m *Manifest) Encode() ([]byte, error) {
	b, err := json.MarshalIndent(m, "", "  ")
	return append(b, '\n'), err
}

// ParseManifest reads a manifest. The error, an *earshot.Error with
// CodeInvalidArgument, says what is wrong with one that this version cannot
// read, or that names files outside its folder.
func ParseManifest(b []byte) (*Manifest, error) {
	if len(b) > MaxManifest {
		return nil, bad("it has %d bytes, at most %d are read", len(b), MaxManifest)
	}
	m := &Manifest{}
	if err := json.Unmarshal(b, m); err != nil {
		return nil, bad("it is not JSON of the right form: %v", err)
	}
	switch {
	case m.Version != Version:
		return nil, bad("it is of version %d, this program reads %d", m.Version, Version)
	case len(m.Tracks) > maxTracks || len(m.Participants) > maxParticipants:
		return nil, bad("it has %d tracks of %d participants, more than can be", len(m.Tracks), len(m.Participants))
	case m.Poses.File != "" && !PlainName(m.Poses.File):
		return nil, bad("its pose log is called %.80q, which is no name of a file in its folder", m.Poses.File)
	}
	for _, p := range m.Participants {
		if p == nil || !p.ID.Valid() {
			return nil, bad("a participant has no id")
		}
	}
	for _, t := range m.Tracks {
		switch {
		case t == nil || !PlainName(t.File):
			return nil, bad("a track has no name of a file in its folder")
		case CodecOf(t.Codec) == None:
			return nil, bad("track %.80q has codec %.40q, which is not known", t.File, t.Codec)
		case t.OffsetMS < 0 || t.OffsetMS > int64(1000*time.Hour/time.Millisecond):
			return nil, bad("track %.80q begins at %d ms", t.File, t.OffsetMS)
		}
	}
	return m, nil
}

func bad(format string, args ...any) error {
	return earshot.Errorf(earshot.CodeInvalidArgument, "manifest: %s", fmt.Sprintf(format, args...))
}

// PlainName reports whether a name is one of a file of a recording: no path,
// nothing hidden, nothing that a shell or a browser would take for more.
func PlainName(name string) bool {
	if name == "" || len(name) > 200 || name[0] == '.' || name != path.Base(name) {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !letter && r != '-' && r != '_' && r != '.'
	})
}
