package memory

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"time"

	"earshot"
)

// version is that of the encoding. Decode reads no other.
const version = 1

// MaxEncoded is the longest record that is read, in bytes.
const MaxEncoded = 256 << 10

// stored is a Record as JSON.
type stored struct {
	Version   int       `json:"version"`
	Summary   string    `json:"summary,omitempty"`
	Through   int       `json:"through,omitempty"`
	Turns     []Turn    `json:"turns,omitempty"`
	FirstTurn int       `json:"first_turn,omitempty"`
	Notes     []Note    `json:"notes,omitempty"`
	Goals     []string  `json:"goals,omitempty"`
	Seen      time.Time `json:"seen"`
}

// Encode writes a record as JSON. Equal records give equal bytes.
func (r *Record) Encode() ([]byte, error) {
	whole := *r
	whole.bound()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(stored{version, whole.Summary, whole.Through, whole.Turns, whole.FirstTurn, whole.Notes, whole.Goals, whole.Seen})
	if err != nil {
		return nil, earshot.Errorf(earshot.CodeInternal, "a memory cannot be written: %v", err)
	}
	return b.Bytes(), nil
}

// Decode reads what Encode wrote. The bytes are not trusted: what is over a
// bound is cut, what is no such JSON is an error, failed_precondition.
func Decode(data []byte) (*Record, error) {
	if len(data) > MaxEncoded {
		return nil, earshot.Errorf(earshot.CodeFailedPrecondition, "a memory of %d bytes, at most %d are read", len(data), MaxEncoded)
	}
	var s stored
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return nil, earshot.Errorf(earshot.CodeFailedPrecondition, "a memory that cannot be read: %v", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, earshot.Errorf(earshot.CodeFailedPrecondition, "a memory that cannot be read: something after it")
	}
	if s.Version != version {
		return nil, earshot.Errorf(earshot.CodeFailedPrecondition, "a memory of version %d, this Earshot reads version %d", s.Version, version)
	}
	r := &Record{s.Summary, s.Through, s.Turns, s.FirstTurn, s.Notes, s.Goals, s.Seen}
	r.bound()
	return r, nil
}

// bound holds everything within its limits.
func (r *Record) bound() {
	r.Summary = clip(oneLine(r.Summary), MaxSummary)
	if over := len(r.Turns) - MaxTurns; over > 0 {
		r.Turns = r.Turns[over:]
		r.FirstTurn += over
	}
	r.FirstTurn = min(max(r.FirstTurn, 0), maxTurn)
	r.Through = min(max(r.Through, 0), r.FirstTurn+len(r.Turns))
	r.Turns = slices.Clone(r.Turns)
	for i := range r.Turns {
		t := &r.Turns[i]
		t.Text, t.Speaker, t.At = clip(t.Text, MaxText), clip(oneLine(t.Speaker), maxSpeaker), moment(t.At)
	}
	r.Notes = slices.Clone(r.Notes[max(0, len(r.Notes)-MaxNotes):])
	for i := range r.Notes {
		r.Notes[i].bound()
	}
	r.Notes = slices.DeleteFunc(r.Notes, func(n Note) bool { return n.Text == "" })
	r.Goals = slices.Clone(r.Goals[max(0, len(r.Goals)-MaxGoals):])
	for i := range r.Goals {
		r.Goals[i] = clip(r.Goals[i], 64)
	}
	r.Seen = moment(r.Seen)
}

func (n *Note) bound() {
	n.Text, n.At = clip(oneLine(n.Text), MaxNote), moment(n.At)
	n.Importance = min(max(n.Importance, 1), 10)
	n.Kind = Kind(clip(oneLine(string(n.Kind)), maxKind))
}

// maxTurn bounds the count of turns, so that it never overflows.
const maxTurn = 1 << 40

// moment is a time in UTC to the millisecond; one that JSON cannot hold is the
// zero time.
func moment(t time.Time) time.Time {
	t = t.UTC().Truncate(time.Millisecond)
	if t.Year() < 1 || t.Year() > 9000 {
		return time.Time{}
	}
	return t
}
