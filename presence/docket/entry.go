package docket

import (
	"crypto/sha1"
	"encoding/hex"
	"strings"
	"time"

	"earshot"
)

// Bounds that every store holds.
const (
	MaxData    = 48 << 10 // bytes of an entry
	MaxEntries = 20_000   // of a docket; of more, those that end first go
	MaxBatch   = 64       // entries that are written or read at once
	MaxIDBytes = 64
	// Kept is how long a docket outlives its last entry.
	Kept = 400 * 24 * time.Hour
)

// Entry is what a node writes down.
type Entry struct {
	ID string
	// For is how long it is kept, from when the store takes it. Said again it is
	// kept until the later end.
	For  time.Duration
	Data []byte
}

// Check returns the problem with an entry that no store takes, an *earshot.Error
// with invalid_argument.
func (e *Entry) Check() error {
	bad := strings.ContainsFunc(e.ID, func(r rune) bool { return r <= ' ' || r > '~' })
	switch {
	case e.ID == "" || len(e.ID) > MaxIDBytes || bad:
		return earshot.Errorf(earshot.CodeInvalidArgument, "docket: %.64q is no id of 1 to %d printed ASCII characters", e.ID, MaxIDBytes)
	case len(e.Data) == 0 || len(e.Data) > MaxData:
		return earshot.Errorf(earshot.CodeInvalidArgument, "docket: an entry of %d bytes; it must be 1 to %d", len(e.Data), MaxData)
	case e.For < time.Millisecond || e.For > Kept:
		return earshot.Errorf(earshot.CodeInvalidArgument, "docket: an entry for %v; it must be 1ms to %v", e.For, Kept)
	}
	return nil
}

// Head is a place in a docket: after entry Seq. The zero Head is its beginning.
type Head struct {
	Seq uint64
	Sum string // see Next
}

// Next returns the head after an entry: its sum is the SHA-1 of the sum before
// and the id, 40 hexadecimal digits. It tells one docket from another; it is no
// defence against who can write to the store.
func (h Head) Next(id string) Head {
	sum := sha1.Sum([]byte(h.Sum + id))
	return Head{h.Seq + 1, hex.EncodeToString(sum[:])}
}

// Placed is an entry as it is read.
type Placed struct {
	Head Head // after it
	ID   string
	Data []byte
}

// News is what is published of an entry that is new.
type News struct {
	Before Head
	Placed
}

// Page is what follows on a head.
type Page struct {
	// Lost: the docket does not have that head. Read from its beginning.
	Lost    bool
	Entries []Placed
	Head    Head // after all of them
	More    bool // there may be more after it
}
