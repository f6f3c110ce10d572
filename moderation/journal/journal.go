package journal

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"earshot"
	"earshot/moderation/lockfile"
)

// Journal is a journal in a folder or in memory.
type Journal struct {
	cfg    Config
	lines  medium
	ring   *keyring
	locked *os.File // nil in memory
	opened Opened

	queueMu sync.Mutex
	queue   []*request
	closed  bool

	// disk is held while a line is written. It alone changes state, under mu
	// as well; who holds disk may read state without mu.
	disk sync.Mutex
	head Head
	fail error // after which nothing is written any more
	// origin and share are those of Share.
	origin string
	share  func(Shared)
	seen   map[keyID]bool

	mu    sync.RWMutex
	state *state

	orphanMu sync.Mutex
	orphans  map[string][]Shared // heard before the incident that they are about
}

// Opened says what Open found.
type Opened struct {
	Lines uint64 `json:"lines"`
	First uint64 `json:"first"` // number of the first line that is there; older files may have been moved away
	// Torn is how many bytes of a line were cut that a crash had left.
	Torn int64 `json:"torn"`
	// Orphans is how many keys were destroyed because their lines never came.
	Orphans int `json:"orphans"`
	// Damaged is how many slots of the key file could not be read: torn by a
	// crash, or by the disk, and then what they opened is lost.
	Damaged int `json:"damaged"`
}

// NewMemory returns a journal that is gone with the process.
func NewMemory(cfg Config) (*Journal, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	j := newJournal(cfg, newKeyring(nil, nil))
	j.lines = &memory{first: 1, max: cfg.MaxMemory}
	return j, nil
}

// Open opens the journal in a folder, which it makes if it is not there, for
// this process alone. Errors are failed_precondition if another process has
// it, a key file is missing or of another journal, or a line is broken: the
// message says where.
func Open(dir string, cfg Config) (j *Journal, err error) {
	if cfg, err = cfg.withDefaults(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fileError(err)
	}
	locked, err := lockfile.Take(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, fileError(err)
	}
	if cfg.Keys == "" {
		cfg.Keys = filepath.Join(dir, "keys")
	}
	id, err := journalID(dir)
	if err != nil {
		return nil, errors.Join(err, lockfile.Release(locked))
	}
	slots, found, id, err := openSlotFile(cfg.Keys, id)
	if err != nil {
		lockfile.Release(locked)
		return nil, err
	}
	j = newJournal(cfg, newKeyring(slots, found))
	j.locked, j.opened.Damaged = locked, slots.damaged
	if err := j.load(dir, id); err != nil {
		return nil, errors.Join(err, j.Close())
	}
	return j, nil
}

func newJournal(cfg Config, ring *keyring) *Journal {
	return &Journal{cfg: cfg, ring: ring, state: newState(cfg.Records), seen: map[keyID]bool{}, orphans: map[string][]Shared{}}
}

// journalID reads the id from the first file; zero if there is none yet.
func journalID(dir string) (id keyID, err error) {
	numbers, err := listFiles(dir)
	if err != nil || len(numbers) == 0 {
		return id, err
	}
	path := filepath.Join(dir, fileName(numbers[0]))
	in, err := os.Open(path)
	if err != nil {
		return id, fileError(err)
	}
	defer in.Close()
	id, _, err = readHeader(bufio.NewReader(in), path, numbers[0])
	if errors.Is(err, errNoHeader) && len(numbers) == 1 {
		return keyID{}, nil
	}
	if errors.Is(err, errNoHeader) {
		return id, earshot.Errorf(earshot.CodeFailedPrecondition, "journal: %s is broken at offset 0: its header is missing", path)
	}
	return id, err
}

// load replays all lines, and does again with the keys what a crash may have
// left undone.
func (j *Journal) load(dir string, id keyID) error {
	var erased []keyID
	appeals := map[string]*Appeal{}
	f, head, err := openFiles(dir, j.cfg.MaxFile, func(at place, body []byte, head Head) error {
		l, err := decodeLine(body)
		if err != nil {
			return err
		}
		if l.N != head.N {
			return earshot.Errorf(earshot.CodeFailedPrecondition, "journal: line %d says to be line %d", head.N, l.N)
		}
		for i := range l.Entries {
			e := &l.Entries[i]
			switch {
			case e.Erasure != nil:
				erased = append(erased, j.ownKeys(e.Erasure)...)
			case e.Appeal != nil:
				appeals[e.Appeal.Incident] = e.Appeal
			}
			j.take(e, ref{at, i}, head.Sum)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if f == nil {
		if f, err = beginFiles(dir, id, j.cfg.MaxFile); err != nil {
			return err
		}
	}
	j.lines, j.head = f, head
	j.opened.Lines, j.opened.First, j.opened.Torn = head.N, f.first.N+1, f.torn
	orphans := j.ring.unknown(j.seen)
	j.opened.Orphans = len(orphans)
	if err := j.ring.destroy(slices.Concat(erased, orphans)); err != nil {
		return err
	}
	for _, a := range appeals {
		if err := j.ring.extend(groupOf(a.Incident), a.At.Add(j.cfg.Appealed)); err != nil {
			return err
		}
	}
	return nil
}

// take applies an entry, of a line with this sum, and remembers its keys.
func (j *Journal) take(e *entry, at ref, sum Sum) {
	for _, p := range e.Parts {
		j.seen[p.Key] = true
	}
	for _, who := range e.people() {
		if id, ok := parseAlias(who); ok {
			j.seen[id] = true
		}
	}
	j.state.apply(e, at)
	_, made := e.subject()
	switch {
	case e.Heard != nil && e.Erasure != nil:
		j.state.known[e.Heard.ID] = e.Erasure.At
	case e.Heard != nil:
		j.state.known[e.Heard.ID] = made
	case !made.IsZero():
		j.state.known[sharedID(sum, at.entry)] = made
	}
}

// ownKeys returns the keys of a person that are in use so far.
func (j *Journal) ownKeys(e *erasure) (ids []keyID) {
	who, ok := parseAlias(e.Who)
	if !ok { // somebody who was unknown here
		return nil
	}
	for _, id := range j.ring.of(who) {
		if j.seen[id] {
			ids = append(ids, id)
		}
	}
	return ids
}

// Opened says what Open found.
func (j *Journal) Opened() Opened { return j.opened }

// Head returns the newest line.
func (j *Journal) Head() Head {
	j.disk.Lock()
	defer j.disk.Unlock()
	return j.head
}

// Close waits for the line under way and releases the files. Nothing can be
// written after; a second Close does nothing.
func (j *Journal) Close() error {
	j.disk.Lock()
	defer j.disk.Unlock()
	j.queueMu.Lock()
	was := j.closed
	j.closed = true
	j.queueMu.Unlock()
	if was {
		return nil
	}
	var errs []error
	if j.lines != nil {
		errs = append(errs, j.lines.close())
	}
	if j.ring.file != nil {
		errs = append(errs, j.ring.file.close())
	}
	if j.locked != nil {
		errs = append(errs, lockfile.Release(j.locked))
	}
	return errors.Join(errs...)
}

// request is a call that waits for its entry to be written.
type request struct {
	touches []string // what it depends on; two that share something are not in one line
	alone   bool
	// plan checks the call and returns what is to be written, nil for nothing.
	plan func(p *plan) (*entry, error)
	// after does what has to follow once the entry is on the disk. It may be
	// done again after a crash.
	after func() error

	plans plan
	entry *entry
	done  bool
	err   error
}

const maxBatch = 64 // requests that share a line

// commit writes what a call plans and returns when it is on the disk.
func (j *Journal) commit(r *request) error {
	j.queueMu.Lock()
	if j.closed {
		j.queueMu.Unlock()
		return earshot.Errorf(earshot.CodeFailedPrecondition, "journal: it is closed")
	}
	j.queue = append(j.queue, r)
	j.queueMu.Unlock()
	j.disk.Lock()
	defer j.disk.Unlock()
	for !r.done { // somebody before us may have written it with theirs
		j.round()
	}
	return r.err
}

// round writes one line for those that wait.
func (j *Journal) round() {
	batch := j.batch()
	var slots []*slot
	l := line{N: j.head.N + 1}
	var writing []*request
	size := 0
	for _, r := range batch {
		r.plans = plan{j: j}
		e, err := j.prepare(r)
		if err != nil || e == nil {
			r.err, r.done = err, true
			continue
		}
		b, _ := json.Marshal(e)
		if size += len(b); len(writing) > 0 && size > maxLine/2 {
			j.putBack(r)
			continue
		}
		r.entry = e
		writing, slots = append(writing, r), append(slots, r.plans.slots...)
		l.Entries = append(l.Entries, *e)
	}
	if len(writing) == 0 {
		return
	}
	err := j.write(&l, slots)
	for _, r := range writing {
		r.err, r.done = err, true
		if err == nil && r.after != nil {
			if r.err = r.after(); r.err != nil {
				j.fail = r.err // what is on the disk and what is done differ: Open puts that right
			}
		}
	}
}

func (j *Journal) prepare(r *request) (*entry, error) {
	j.queueMu.Lock()
	closed := j.closed
	j.queueMu.Unlock()
	switch {
	case closed:
		return nil, earshot.Errorf(earshot.CodeFailedPrecondition, "journal: it is closed")
	case j.fail != nil:
		return nil, j.fail
	}
	e, err := r.plan(&r.plans)
	if err != nil || e == nil {
		return nil, err
	}
	b, err := json.Marshal(e)
	if err != nil {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "journal: %v", err)
	}
	if len(b) > MaxEntry {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "journal: an entry of %d bytes, at most %d are kept", len(b), MaxEntry)
	}
	return e, nil
}

// write makes a line durable, its keys first, and takes it in.
func (j *Journal) write(l *line, slots []*slot) error {
	body, err := json.Marshal(l)
	if err != nil {
		return earshot.Errorf(earshot.CodeInternal, "journal: %v", err)
	}
	if err := j.ring.add(slots); err != nil {
		j.fail = err
		return err
	}
	stored, next := j.head.appendLine(nil, body)
	at, err := j.lines.append(stored, j.head)
	if err != nil {
		j.fail = j.lines.broken()
		ids := make([]keyID, len(slots))
		for i, s := range slots {
			ids[i] = s.id
		}
		return errors.Join(err, j.ring.destroy(ids))
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.head = next
	for i := range l.Entries {
		j.take(&l.Entries[i], ref{at, i}, next.Sum)
	}
	if j.share == nil {
		return nil
	}
	for i := range l.Entries {
		_, made := l.Entries[i].subject()
		if s, ok := j.shared(&l.Entries[i], next.Sum, i, made); ok && l.Entries[i].Heard == nil {
			j.share(s)
		}
	}
	return nil
}

// batch takes those that can share a line from the queue, in their order.
func (j *Journal) batch() (out []*request) {
	j.queueMu.Lock()
	defer j.queueMu.Unlock()
	touched := map[string]bool{}
	var rest []*request
	for i, r := range j.queue {
		if r.alone && i > 0 || len(out) == maxBatch {
			rest = append(rest, j.queue[i:]...)
			break
		}
		clash := slices.ContainsFunc(r.touches, func(t string) bool { return touched[t] })
		for _, t := range r.touches {
			touched[t] = true
		}
		if clash {
			rest = append(rest, r)
			continue
		}
		out = append(out, r)
		if r.alone {
			rest = append(rest, j.queue[i+1:]...)
			break
		}
	}
	j.queue = rest
	return out
}

func (j *Journal) putBack(r *request) {
	j.queueMu.Lock()
	defer j.queueMu.Unlock()
	j.queue = append([]*request{r}, j.queue...)
}
