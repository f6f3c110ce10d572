package library

import (
	"context"
	"encoding/json"
	"regexp"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"earshot"
	"earshot/npc/store"
)

// Bounds of what is kept.
const (
	MaxVersions = 200      // of one NPC; the oldest go
	MaxPlace    = 16 << 10 // bytes of JSON
	MaxNote     = 200      // runes of a note, which is one line
	maxBy       = 64       // runes of who published
)

// AnyVersion as ifVersion publishes over whatever is the newest.
const AnyVersion = -1

// Library keeps the versions of all NPCs' personas.
type Library struct {
	store store.Store

	// mu guards watchers. It is never held across a call into the store.
	mu       sync.Mutex
	watchers map[chan struct{}]bool
}

// New returns the library in a store.
func New(s store.Store) *Library {
	return &Library{store: s, watchers: map[chan struct{}]bool{}}
}

// Draft is what a designer wants to publish.
type Draft struct {
	YAML  []byte          // a persona file
	Place json.RawMessage // where the NPC stands; nil: as in the version before
	Note  string          // why; one line
	By    string          // who
}

// Meta describes a version.
type Meta struct {
	Version int       `json:"version"` // from 1
	At      time.Time `json:"at"`
	By      string    `json:"by"`
	Note    string    `json:"note"`
}

// Version is one with its contents.
type Version struct {
	Meta
	YAML  []byte
	Place json.RawMessage // nil: none was ever given
}

// History is what there was of an NPC.
type History struct {
	Versions []Meta // newest first
	Dropped  int    // how many older ones are gone, because only MaxVersions are kept
	Deleted  bool   // it left the world
}

// Entry is an NPC in a list.
type Entry struct {
	World string
	ID    string
	Meta  // of the newest version
}

// Publish makes a draft the newest version and returns its number. ifVersion
// must be the number of the newest one so far, 0 where there is none or the
// NPC was deleted, or AnyVersion. Errors: earshot.Problems for a broken draft,
// aborted where another version is the newest, invalid_argument for the rest.
// After an error the version that runs stays.
func (l *Library) Publish(ctx context.Context, world, id string, d Draft, ifVersion int, now time.Time) (int, error) {
	if report := Check(d.YAML); len(report.Problems) > 0 {
		return 0, report.Problems
	}
	if err := d.validate(); err != nil {
		return 0, err
	}
	return l.publish(ctx, world, id, d, ifVersion, now)
}

func (l *Library) publish(ctx context.Context, world, id string, d Draft, ifVersion int, now time.Time) (int, error) {
	h, err := l.head(ctx, world, id)
	if err != nil {
		return 0, err
	}
	fresh := ifVersion == 0 && (h.Deleted || h.newest() == 0)
	if ifVersion != AnyVersion && ifVersion != h.newest() && !fresh {
		return 0, outdated(id, ifVersion, h)
	}
	if d.Place == nil && h.newest() > 0 {
		before, err := l.text(ctx, h, h.newest())
		if err != nil {
			return 0, err
		}
		d.Place = before.Place
	}
	kept := keptVersion{Meta: Meta{h.newest() + 1, now.UTC().Truncate(time.Millisecond), d.By, d.Note}}
	if err := l.write(ctx, h, &kept, text{string(d.YAML), d.Place}); err != nil {
		return 0, err
	}
	gone := h.add(kept)
	if err := l.save(ctx, h); err != nil {
		l.erase(ctx, h, kept) // nobody refers to it
		return 0, err
	}
	for _, old := range gone {
		l.erase(ctx, h, old)
	}
	l.tell(ctx)
	return kept.Version, nil
}

func outdated(id string, ifVersion int, h *head) error {
	if ifVersion == 0 {
		return earshot.Errorf(earshot.CodeAborted, "there is an NPC %s already, version %d: give another id", id, h.newest())
	}
	return earshot.Errorf(earshot.CodeAborted, "%s is at version %d by %q, not %d: load it and make the change again", id, h.newest(), h.by(), ifVersion)
}

// Get returns a version; 0 is the newest. Errors are not_found, also for a
// version that was dropped.
func (l *Library) Get(ctx context.Context, world, id string, version int) (Version, error) {
	h, err := l.known(ctx, world, id)
	if err != nil {
		return Version{}, err
	}
	if version == 0 {
		version = h.newest()
	}
	return l.text(ctx, h, version)
}

// History returns what there was of an NPC, also of a deleted one.
func (l *Library) History(ctx context.Context, world, id string) (History, error) {
	h, err := l.known(ctx, world, id)
	if err != nil {
		return History{}, err
	}
	out := History{Dropped: h.Dropped, Deleted: h.Deleted}
	for i := range h.Versions {
		out.Versions = append(out.Versions, h.Versions[len(h.Versions)-1-i].Meta)
	}
	return out, nil
}

// Diff returns what changed in the file from one version to another, 0 being
// the newest, line by line.
func (l *Library) Diff(ctx context.Context, world, id string, from, to int) ([]Hunk, error) {
	x, err := l.Get(ctx, world, id, from)
	if err != nil {
		return nil, err
	}
	y, err := l.Get(ctx, world, id, to)
	if err != nil {
		return nil, err
	}
	return Diff(string(x.YAML), string(y.YAML)), nil
}

// Rollback publishes an old version anew, place included, and returns the
// number that it has now. A version that today's checks refuse is refused.
func (l *Library) Rollback(ctx context.Context, world, id string, version int, note, by string, now time.Time) (int, error) {
	old, err := l.Get(ctx, world, id, version)
	if err != nil {
		return 0, err
	}
	if note == "" {
		note = "back to version " + itoa(old.Version)
	}
	return l.Publish(ctx, world, id, Draft{YAML: old.YAML, Place: old.Place, Note: note, By: by}, AnyVersion, now)
}

// Delete takes an NPC out of its world. The history stays, and publishing
// brings it back.
func (l *Library) Delete(ctx context.Context, world, id string) error {
	h, err := l.known(ctx, world, id)
	if err != nil || h.Deleted {
		return err
	}
	h.Deleted = true
	if err := l.save(ctx, h); err != nil {
		return err
	}
	l.tell(ctx)
	return nil
}

// List returns the NPCs that are in a world, "" for all, by world and id.
func (l *Library) List(ctx context.Context, world string) ([]Entry, error) {
	heads, err := l.heads(ctx, world)
	if err != nil {
		return nil, err
	}
	var all []Entry
	for _, h := range heads {
		if !h.Deleted && h.newest() > 0 {
			all = append(all, Entry{h.world, h.id, h.Versions[len(h.Versions)-1].Meta})
		}
	}
	return all, nil
}

var (
	worldPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)
	idPattern    = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)
)

func checkNames(world, id string) error {
	if !worldPattern.MatchString(world) {
		return earshot.Errorf(earshot.CodeInvalidArgument, "world: %.64q is not a name of 1 to 32 of a-z, 0-9 and -", world)
	}
	if !idPattern.MatchString(id) {
		return earshot.Errorf(earshot.CodeInvalidArgument, "id: %.64q is not 1 to 32 of a-z, 0-9 and -", id)
	}
	return nil
}

func (d *Draft) validate() error {
	switch {
	case len(d.Place) > MaxPlace || d.Place != nil && !json.Valid(d.Place):
		return earshot.Errorf(earshot.CodeInvalidArgument, "place: must be JSON of at most %d bytes", MaxPlace)
	case !line(d.Note, MaxNote):
		return earshot.Errorf(earshot.CodeInvalidArgument, "note: must be one line of at most %d characters", MaxNote)
	case !line(d.By, maxBy):
		return earshot.Errorf(earshot.CodeInvalidArgument, "by: must be one line of at most %d characters", maxBy)
	}
	return nil
}

func line(s string, limit int) bool {
	if !utf8.ValidString(s) || utf8.RuneCountInString(s) > limit {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}
