package evidence

import (
	"cmp"
	"context"
	"crypto/rand"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"earshot"
)

// Store remembers the last of every voice, and keeps what is asked for.
type Store struct {
	cfg    Config
	deps   Deps
	buffer *buffer
	shelf  shelf

	disk sync.Mutex // held while the shelf is changed

	mu     sync.RWMutex
	kept   map[string]Meta
	bytes  int64
	closed bool
}

// New opens a store: in a folder for this process alone, or in memory. What a
// crash left half, what the journal does not know, and whatever has no key is
// deleted. Errors are invalid_argument, failed_precondition if another process
// has the folder.
func New(cfg Config, deps Deps) (*Store, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Store{cfg: cfg, deps: deps, buffer: newBuffer(cfg), kept: map[string]Meta{}}
	if cfg.Dir == "" {
		s.shelf = &memoryShelf{files: map[string]memoryFile{}}
		return s, nil
	}
	f, err := openFolder(cfg.Dir, cfg.KeyDir)
	if err != nil {
		return nil, err
	}
	s.shelf = f
	if err := s.load(); err != nil {
		f.close()
		return nil, err
	}
	return s, nil
}

func (s *Store) load() error {
	var unknown []string
	err := s.shelf.list(func(id string, k fileKey, head []byte, size int64) error {
		m, _, err := openMeta(k.key, head)
		if err != nil || s.deps.Known != nil && !s.deps.Known(id) {
			unknown = append(unknown, id)
			return nil
		}
		m.ID, m.Bytes, m.Expires = id, size, k.expires
		if m.Expires.IsZero() {
			m.Expires = m.At.Add(s.cfg.Retention)
		}
		s.kept[id] = m
		s.bytes += size
		return nil
	})
	for _, id := range unknown {
		if err == nil {
			err = s.shelf.remove(id)
		}
	}
	return err
}

// Put remembers a packet of a speaker as it was received: sequence number,
// timestamp of 48,000 a second, Opus. The bytes are copied. It does not wait
// for anything but another Put of the same speaker.
func (s *Store) Put(world string, who earshot.ParticipantID, at time.Time, seq uint16, timestamp uint32, opus []byte) {
	s.buffer.put(speaker{world, who}, at, seq, timestamp, opus)
}

// Recent returns what is remembered of a speaker from one time to another.
func (s *Store) Recent(world string, who earshot.ParticipantID, from, to time.Time) []Packet {
	return s.buffer.snapshot(speaker{world, who}, from, to)
}

// Keep writes down what is remembered of a speaker up to a time, and returns
// its id, "" where there is nothing. The file is on the disk when it returns.
// Errors are resource_exhausted where there is no room, unavailable where it
// could not be written; then nothing was kept.
func (s *Store) Keep(ctx context.Context, world string, who earshot.ParticipantID, incident string, at time.Time) (id string, err error) {
	return s.KeepFrom(ctx, world, who, incident, at.Add(-s.cfg.Window), at)
}

// KeepFrom is Keep from one time to another.
func (s *Store) KeepFrom(ctx context.Context, world string, who earshot.ParticipantID, incident string, from, to time.Time) (id string, err error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	packets := s.Recent(world, who, from, to)
	if len(packets) == 0 {
		return "", nil
	}
	k := fileKey{expires: to.Add(s.cfg.Retention).Truncate(time.Millisecond)}
	rand.Read(k.key[:])
	m := Meta{World: world, Who: who, Incident: incident, From: packets[0].At, To: packets[len(packets)-1].At, Packets: len(packets), At: to}
	file, err := pack(k.key, m, packets)
	if err != nil {
		return "", err
	}
	m.ID, m.Bytes, m.Expires = idOf(file), int64(len(file)), k.expires
	s.disk.Lock()
	defer s.disk.Unlock()
	if err := s.room(m.Bytes); err != nil {
		return "", err
	}
	if err := s.shelf.put(m.ID, k, file); err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept[m.ID] = m
	s.bytes += m.Bytes
	return m.ID, nil
}

// room makes sure that size more bytes may be kept. In memory the oldest go.
func (s *Store) room(size int64) error {
	s.mu.RLock()
	closed, used := s.closed, s.bytes
	all := slices.Collect(maps.Values(s.kept))
	s.mu.RUnlock()
	if closed {
		return errClosed()
	}
	if used+size <= s.cfg.MaxStored {
		return nil
	}
	if s.cfg.Dir != "" {
		return earshot.Errorf(earshot.CodeResourceExhausted, "evidence: %d bytes are kept, at most %d may be: raise max_stored, or shorten retention", used, s.cfg.MaxStored)
	}
	slices.SortFunc(all, func(a, b Meta) int { return a.At.Compare(b.At) })
	for _, m := range all {
		if used+size <= s.cfg.MaxStored {
			break
		}
		used -= m.Bytes
		if err := s.remove(m.ID); err != nil {
			return err
		}
	}
	return nil
}

// Appealed has evidence kept for as long as an appeal made at a time needs.
// Ids that are not there are no error: their time was over.
func (s *Store) Appealed(ctx context.Context, ids []string, at time.Time) error {
	until := at.Add(s.cfg.Appealed).Truncate(time.Millisecond)
	s.disk.Lock()
	defer s.disk.Unlock()
	for _, id := range ids {
		m, ok := s.Meta(id)
		if !ok || !m.Expires.Before(until) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.shelf.extend(id, until); err != nil {
			return err
		}
		m.Expires = until
		s.mu.Lock()
		s.kept[id] = m
		s.mu.Unlock()
	}
	return nil
}

// Meta returns what is known of a piece of evidence.
func (s *Store) Meta(id string) (Meta, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	m, ok := s.kept[id]
	return m, ok
}

// List returns what is kept, oldest first; of one person if who is not "".
func (s *Store) List(who earshot.ParticipantID) []Meta {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []Meta
	for _, m := range s.kept {
		if who == "" || m.Who == who {
			out = append(out, m)
		}
	}
	slices.SortFunc(out, func(a, b Meta) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	return out
}

// Read returns evidence, after Deps.Audit has written who asks and what for.
// Errors are not_found, also for what is over at that time; permission_denied
// without an audit; failed_precondition where the file is not the one that was
// written.
func (s *Store) Read(ctx context.Context, id, by, purpose string, at time.Time) (Meta, []Packet, error) {
	m, ok := s.Meta(id)
	if !ok || !at.Before(m.Expires) {
		return Meta{}, nil, errNotFound(id)
	}
	if s.deps.Audit == nil || by == "" {
		return Meta{}, nil, earshot.Errorf(earshot.CodePermissionDenied, "evidence is read only where it is written down by whom: this node has no audit, or no name was given")
	}
	if err := s.deps.Audit(ctx, Access{ID: id, Incident: m.Incident, By: by, Purpose: purpose, At: at}); err != nil {
		return Meta{}, nil, err
	}
	packets, err := s.open(id)
	return m, packets, err
}

// Export writes evidence as an Ogg Opus file; the rest is as with Read.
func (s *Store) Export(ctx context.Context, w io.Writer, id, by, purpose string, at time.Time) error {
	_, packets, err := s.Read(ctx, id, by, purpose, at)
	if err != nil {
		return err
	}
	return WriteOgg(w, packets)
}

// Verify checks that every file is the one that was written, by its id, and
// opens with its key. It returns the ids of those that are not.
func (s *Store) Verify(ctx context.Context) (broken []string, err error) {
	for _, m := range s.List("") {
		if err := ctx.Err(); err != nil {
			return broken, err
		}
		switch _, err := s.open(m.ID); earshot.CodeOf(err) {
		case "", earshot.CodeNotFound: // removed meanwhile, unless it still is in the list
			if _, still := s.Meta(m.ID); err != nil && still {
				broken = append(broken, m.ID)
			}
		case earshot.CodeFailedPrecondition:
			broken = append(broken, m.ID)
		default:
			return broken, err
		}
	}
	return broken, nil
}

func (s *Store) open(id string) ([]Packet, error) {
	key, file, err := s.shelf.get(id)
	if err != nil {
		return nil, err
	}
	if idOf(file) != id {
		return nil, earshot.Errorf(earshot.CodeFailedPrecondition, "evidence: %s is not the file that was written: it proves nothing", id)
	}
	_, packets, err := unpack(key, file)
	return packets, err
}

// Erase deletes all of a person, what is remembered and what is kept, and
// returns how many pieces were kept.
func (s *Store) Erase(ctx context.Context, who earshot.ParticipantID) (int, error) {
	s.buffer.forget(who)
	return s.removeAll(ctx, func(m Meta) bool { return m.Who == who })
}

// Sweep deletes what has been kept for its time, and forgets the voices of
// those who have been silent for a window. Call it every minute or so. It
// returns how many pieces were deleted.
func (s *Store) Sweep(ctx context.Context, now time.Time) (int, error) {
	s.buffer.sweep(now)
	return s.removeAll(ctx, func(m Meta) bool { return !now.Before(m.Expires) })
}

func (s *Store) removeAll(ctx context.Context, which func(Meta) bool) (n int, err error) {
	s.disk.Lock()
	defer s.disk.Unlock()
	for _, m := range s.List("") {
		if !which(m) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return n, err
		}
		if err := s.remove(m.ID); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// remove is called with disk held.
func (s *Store) remove(id string) error {
	s.mu.RLock()
	closed := s.closed
	s.mu.RUnlock()
	if closed {
		return errClosed()
	}
	if err := s.shelf.remove(id); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bytes -= s.kept[id].Bytes
	delete(s.kept, id)
	return nil
}

// Figures are numbers for metrics.
type Figures struct {
	Speakers int    // with a ring now
	Refused  uint64 // packets that were not remembered: too long, or too many speakers
	Kept     int    // pieces
	Bytes    int64  // of their files
}

// Figures returns the numbers of now.
func (s *Store) Figures() Figures {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return Figures{s.buffer.speakers(), s.buffer.refused.Load(), len(s.kept), s.bytes}
}

// Close releases the folder. Nothing is kept after; a second Close does
// nothing.
func (s *Store) Close() error {
	s.disk.Lock()
	defer s.disk.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	return s.shelf.close()
}

func errClosed() error {
	return earshot.Errorf(earshot.CodeFailedPrecondition, "evidence: the store is closed")
}
