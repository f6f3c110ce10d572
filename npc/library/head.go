package library

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"earshot"
	"earshot/npc/store"
)

// Keys: headsPrefix + world/id is what there is of an NPC; textsPrefix +
// world/id/name/0, 1, ... are the pieces of a version's text; serialKey changes
// with every change.
const (
	headsPrefix = "personas/heads/"
	textsPrefix = "personas/texts/"
	serialKey   = "personas/serial"

	format = 1 // of heads; no other is read
	piece  = store.MaxValue
)

// head is what a compare-and-set changes.
type head struct {
	Format   int           `json:"format"`
	Deleted  bool          `json:"deleted,omitempty"`
	Dropped  int           `json:"dropped,omitempty"`
	Versions []keptVersion `json:"versions"` // oldest first

	world, id string
	revision  uint64
}

// keptVersion is a version and where its text is.
type keptVersion struct {
	Meta
	Name  string `json:"name"` // of the text, random
	Bytes int    `json:"bytes"`
	Hash  string `json:"sha256"`
}

// text is the contents of a version, as JSON cut into pieces.
type text struct {
	YAML  string          `json:"yaml"`
	Place json.RawMessage `json:"place,omitempty"`
}

func (h *head) newest() int {
	if len(h.Versions) == 0 {
		return 0
	}
	return h.Versions[len(h.Versions)-1].Version
}

func (h *head) by() string {
	if len(h.Versions) == 0 {
		return ""
	}
	return h.Versions[len(h.Versions)-1].By
}

// add makes a version the newest and returns those that are dropped for it.
func (h *head) add(v keptVersion) (gone []keptVersion) {
	h.Deleted = false
	h.Versions = append(h.Versions, v)
	if over := len(h.Versions) - MaxVersions; over > 0 {
		gone = slices.Clone(h.Versions[:over])
		h.Versions = slices.Clone(h.Versions[over:])
		h.Dropped += over
	}
	return gone
}

// head reads that of an NPC, an empty one where there is none.
func (l *Library) head(ctx context.Context, world, id string) (*head, error) {
	if err := checkNames(world, id); err != nil {
		return nil, err
	}
	v, err := l.store.Get(ctx, headsPrefix+world+"/"+id)
	if earshot.CodeOf(err) == earshot.CodeNotFound {
		return &head{Format: format, world: world, id: id}, nil
	}
	if err != nil {
		return nil, err
	}
	h := &head{world: world, id: id, revision: v.Revision}
	if err := json.Unmarshal(v.Data, h); err != nil || h.Format != format {
		return nil, earshot.Errorf(earshot.CodeFailedPrecondition, "the history of %s in %s cannot be read by this Earshot: format %d, %v", id, world, h.Format, err)
	}
	return h, nil
}

// known is head, but not_found where there is none.
func (l *Library) known(ctx context.Context, world, id string) (*head, error) {
	h, err := l.head(ctx, world, id)
	if err == nil && h.newest() == 0 {
		return nil, earshot.Errorf(earshot.CodeNotFound, "there is no NPC %s in %s", id, world)
	}
	return h, err
}

func (l *Library) heads(ctx context.Context, world string) (all []*head, err error) {
	prefix := headsPrefix
	if world != "" {
		if err := checkNames(world, "x"); err != nil {
			return nil, err
		}
		prefix += world + "/"
	}
	keys, err := l.store.List(ctx, prefix)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		world, id, _ := strings.Cut(strings.TrimPrefix(key, headsPrefix), "/")
		h, err := l.head(ctx, world, id)
		if err != nil {
			return nil, err
		}
		all = append(all, h)
	}
	return all, nil
}

func (l *Library) save(ctx context.Context, h *head) error {
	data, err := marshal(h)
	if err != nil {
		return err
	}
	_, err = l.store.Put(ctx, headsPrefix+h.world+"/"+h.id, data, h.revision, 0)
	if earshot.CodeOf(err) == earshot.CodeAborted {
		return earshot.Errorf(earshot.CodeAborted, "%s was changed by somebody else meanwhile: load it and make the change again", h.id)
	}
	return err
}

// write stores a text under a new name and notes in v where it is.
func (l *Library) write(ctx context.Context, h *head, v *keptVersion, t text) error {
	data, err := marshal(t)
	if err != nil {
		return err
	}
	hash := sha256.Sum256(data)
	v.Name, v.Bytes, v.Hash = itoa(v.Version)+"."+rand.Text(), len(data), hex.EncodeToString(hash[:])
	n := 0
	for part := range slices.Chunk(data, piece) {
		if _, err := l.store.Put(ctx, h.texts(v.Name)+itoa(n), part, 0, 0); err != nil {
			l.erase(ctx, h, *v)
			return err
		}
		n++
	}
	return nil
}

// text reads that of a version.
func (l *Library) text(ctx context.Context, h *head, version int) (Version, error) {
	at := slices.IndexFunc(h.Versions, func(v keptVersion) bool { return v.Version == version })
	if at < 0 {
		return Version{}, earshot.Errorf(earshot.CodeNotFound, "there is no version %d of %s; there are %d to %d", version, h.id, h.Versions[0].Version, h.newest())
	}
	v := h.Versions[at]
	var data []byte
	for n := 0; len(data) < v.Bytes; n++ {
		part, err := l.store.Get(ctx, h.texts(v.Name)+itoa(n))
		if err != nil {
			return Version{}, err
		}
		data = append(data, part.Data...)
	}
	hash := sha256.Sum256(data)
	var t text
	if hex.EncodeToString(hash[:]) != v.Hash || json.Unmarshal(data, &t) != nil {
		return Version{}, earshot.Errorf(earshot.CodeInternal, "version %d of %s is broken in the store", version, h.id)
	}
	return Version{Meta: v.Meta, YAML: []byte(t.YAML), Place: t.Place}, nil
}

// erase removes a text that nobody refers to any more. Failing is harmless: it
// only takes room.
func (l *Library) erase(ctx context.Context, h *head, v keptVersion) {
	_, _ = l.store.Erase(context.WithoutCancel(ctx), h.texts(v.Name))
}

func (h *head) texts(name string) string {
	return textsPrefix + h.world + "/" + h.id + "/" + name + "/"
}

// marshal is json.Marshal without the escapes for HTML, which would make heads
// larger than they need be.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, earshot.Errorf(earshot.CodeInternal, "library: %v", err)
	}
	return b.Bytes(), nil
}

func itoa(n int) string { return strconv.Itoa(n) }

// problemsOf are those of an error of package persona.
func problemsOf(err error) earshot.Problems {
	var all earshot.Problems
	if errors.As(err, &all) {
		return all
	}
	return earshot.Problems{{Message: message(err)}}
}

func message(err error) string {
	var e *earshot.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return err.Error()
}
