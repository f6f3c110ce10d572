package npc

import (
	"bytes"
	"context"
	"crypto/rand"
	"strings"
	"time"

	"earshot"
	"earshot/npc/memory"
	"earshot/npc/store"
)

// MemoryConfig is what an operator may decide about memories.
type MemoryConfig struct {
	// Retention is how long an NPC remembers a player after their last meeting.
	// 0: DefaultRetention. Shorter is kinder; laws may demand it.
	Retention time.Duration `yaml:"retention"`
}

// DefaultRetention is a proposal, not a legal opinion: a month is long enough
// for those who come every week.
const DefaultRetention = 30 * 24 * time.Hour

// maxRetention is what an operator may choose at most.
const maxRetention = 10 * 365 * 24 * time.Hour

// Validate reports the first thing that is wrong, naming the field.
func (c *MemoryConfig) Validate() error {
	if c.Retention != 0 && (c.Retention < time.Minute || c.Retention > maxRetention) {
		return invalid("retention: %v is outside 1m to %v", c.Retention, maxRetention)
	}
	return nil
}

// Memories is Memory over a store. It keeps nothing itself, so several
// processes may share one store.
//
// # Forgetting
//
// Forget puts up a mark for the player first and then erases all. What
// NPCs remember carries the mark it was begun under, and is nothing to whoever
// reads a newer one: so what was on its way while Forget ran is never read
// again. The one who wrote it finds the new mark and erases it; if that process
// dies in between, it is gone after the retention, before the mark is.
type Memories struct {
	store     store.Store
	retention time.Duration
}

var _ Memory = (*Memories)(nil)

// NewMemory returns the memories in a store. cfg must be valid.
func NewMemory(s store.Store, cfg MemoryConfig) *Memories {
	if cfg.Retention == 0 {
		cfg.Retention = DefaultRetention
	}
	return &Memories{store: s, retention: cfg.Retention}
}

// In returns the memories of the NPCs of a world, whose ids are unique only
// there. Its Forget is that of all worlds.
func (m *Memories) In(world string) Memory { return &memoriesIn{m, world} }

type memoriesIn struct {
	*Memories
	world string
}

func (m *memoriesIn) Recall(ctx context.Context, npc string, player earshot.ParticipantID, about string, now time.Time) (Recollection, error) {
	return m.Memories.Recall(ctx, m.world+"/"+npc, player, about, now)
}

func (m *memoriesIn) Remember(ctx context.Context, npc string, player earshot.ParticipantID, now time.Time, e Experience) error {
	return m.Memories.Remember(ctx, m.world+"/"+npc, player, now, e)
}

// Recall implements Memory. npc may have its world before it: world/npc.
func (m *Memories) Recall(ctx context.Context, npc string, player earshot.ParticipantID, about string, now time.Time) (Recollection, error) {
	key, err := memoryKey(npc, player)
	if err != nil {
		return Recollection{}, err
	}
	mark, err := m.mark(ctx, player)
	if err != nil {
		return Recollection{}, err
	}
	r, _, err := m.load(ctx, key, mark)
	if err != nil {
		return Recollection{}, err
	}
	return r.Recall(about, now), nil
}

// maxTries bounds how often Remember begins anew because somebody else wrote.
const maxTries = 16

// Remember implements Memory. Errors are those of the store, and aborted
// where others wrote all the time.
func (m *Memories) Remember(ctx context.Context, npc string, player earshot.ParticipantID, now time.Time, e Experience) error {
	key, err := memoryKey(npc, player)
	if err != nil {
		return err
	}
	mark, err := m.mark(ctx, player)
	if err != nil {
		return err
	}
	for range maxTries {
		revision, err := m.add(ctx, key, mark, now, e)
		if earshot.CodeOf(err) == earshot.CodeAborted {
			continue
		}
		if err != nil {
			return err
		}
		return m.unlessForgotten(ctx, key, player, mark, revision)
	}
	return earshot.Errorf(earshot.CodeAborted, "memory of %s: changed by others %d times meanwhile", npc, maxTries)
}

func (m *Memories) add(ctx context.Context, key, mark string, now time.Time, e Experience) (uint64, error) {
	r, revision, err := m.load(ctx, key, mark)
	if err != nil {
		return 0, err
	}
	r.Remember(e, now)
	data, err := r.Encode()
	if err != nil {
		return 0, err
	}
	return m.store.Put(ctx, key, append([]byte(mark+"\n"), data...), revision, m.retention)
}

// undoTime is how long erasing what was forgotten meanwhile may take, whoever
// waits for it.
const undoTime = 5 * time.Second

// unlessForgotten erases what was just written if the player asked to be
// forgotten since it was begun.
func (m *Memories) unlessForgotten(ctx context.Context, key string, player earshot.ParticipantID, mark string, revision uint64) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	now, err := m.mark(ctx, player)
	if err != nil || now == mark {
		return err
	}
	err = m.store.Delete(ctx, key, revision)
	if earshot.CodeOf(err) == earshot.CodeAborted {
		return nil // overwritten by who knows the new mark, and took nothing of it
	}
	return err
}

// Forget implements Memory: all that any NPC of any world remembers of the
// player is gone when it returns, and what was being remembered meanwhile is
// never read. What remains is a random mark under the player's id, until the
// retention is over.
func (m *Memories) Forget(ctx context.Context, player earshot.ParticipantID) error {
	if !player.Valid() {
		return notAPlayer(player)
	}
	for range maxTries {
		old, err := m.store.Get(ctx, markKey(player))
		if err != nil && earshot.CodeOf(err) != earshot.CodeNotFound {
			return err
		}
		// It must outlive all that was begun before it.
		_, err = m.store.Put(ctx, markKey(player), []byte(rand.Text()), old.Revision, m.retention+time.Hour)
		if earshot.CodeOf(err) == earshot.CodeAborted {
			continue
		}
		if err == nil {
			_, err = m.store.Erase(ctx, "memory/"+string(player)+"/")
		}
		return err
	}
	return earshot.Errorf(earshot.CodeAborted, "forgetting: others forgot the same player %d times meanwhile", maxTries)
}

// mark returns the mark of the last Forget, "" if there was none.
func (m *Memories) mark(ctx context.Context, player earshot.ParticipantID) (string, error) {
	v, err := m.store.Get(ctx, markKey(player))
	if earshot.CodeOf(err) == earshot.CodeNotFound {
		return "", nil
	}
	return string(v.Data), err
}

// load returns what is kept under a key: nothing, if it was begun before the
// mark.
func (m *Memories) load(ctx context.Context, key, mark string) (*memory.Record, uint64, error) {
	v, err := m.store.Get(ctx, key)
	if earshot.CodeOf(err) == earshot.CodeNotFound {
		return &memory.Record{}, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	begun, data, _ := bytes.Cut(v.Data, []byte("\n"))
	if mark != "" && string(begun) != mark {
		return &memory.Record{}, v.Revision, nil
	}
	r, err := memory.Decode(data)
	return r, v.Revision, err
}

func memoryKey(npc string, player earshot.ParticipantID) (string, error) {
	if !player.Valid() {
		return "", notAPlayer(player)
	}
	world, id, ok := strings.Cut(npc, "/")
	if !ok {
		world, id = "_", npc // no world has this name
	}
	if world == "" || id == "" {
		return "", earshot.Errorf(earshot.CodeInvalidArgument, "%.64q is no NPC: want an id, or world/id", npc)
	}
	return "memory/" + string(player) + "/" + store.Name(world) + "/" + store.Name(id), nil
}

func markKey(player earshot.ParticipantID) string { return "forgotten/" + string(player) }

func notAPlayer(player earshot.ParticipantID) error {
	return earshot.Errorf(earshot.CodeInvalidArgument, "%.64q is no participant", player)
}
