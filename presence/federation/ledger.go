package federation

import (
	"cmp"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"
)

// keepGone is for how long it is remembered that somebody left: a cursor that is
// older gets everything anew.
const keepGone = 10 * time.Minute

// Ledger is what one peer can be told, with what changed when. Its size is
// bounded by MaxTold and by who left within ten minutes, at most as many again.
type Ledger struct {
	epoch string // of this process: cursors of another mean nothing here
	seq   uint64 // of the last change
	floor uint64 // cursors below may have missed that somebody left
	told  map[Ref]*line
}

// line is the last word on somebody.
type line struct {
	Person
	seq  uint64
	left time.Time // zero: they are there
	seen bool      // scratch of Update
}

// NewLedger returns one of which nothing was told. epoch is random, of 1 to 32
// letters and digits.
func NewLedger(epoch string) *Ledger { return &Ledger{epoch: epoch, told: make(map[Ref]*line)} }

// Update takes in who may be told of now: all of them, of whom the first MaxTold
// count.
func (l *Ledger) Update(people []Person, now time.Time) {
	for i := range people[:min(len(people), MaxTold)] {
		p := &people[i]
		t := l.told[p.ref()]
		if t == nil {
			t = &line{}
			l.told[p.ref()] = t
		}
		t.seen = true
		if t.seq == 0 || !t.left.IsZero() || !t.equal(p) {
			l.seq++
			t.Person, t.seq, t.left = *p, l.seq, time.Time{}
		}
	}
	gone := 0
	for _, t := range l.told {
		if !t.seen && t.left.IsZero() {
			l.seq++
			t.seq, t.left = l.seq, now
		}
		if !t.left.IsZero() {
			gone++
		}
		t.seen = false
	}
	for ref, t := range l.told {
		if !t.left.IsZero() && (now.Sub(t.left) > keepGone || gone > MaxTold) {
			l.floor = max(l.floor, t.seq)
			delete(l.told, ref)
		}
	}
}

// Since fills in what changed of some worlds since a cursor: everything where it
// is empty, too old, of another process or of other worlds. At most limit people
// are in it.
func (l *Ledger) Since(cursor string, worlds []string, limit int, page *Page) {
	scope := scopeOf(worlds)
	since, ok := l.parse(cursor, scope)
	page.Full = !ok
	changed := make([]*line, 0, 64)
	for ref, t := range l.told {
		if t.seq > since && slices.Contains(worlds, ref.World) && (ok || t.left.IsZero()) {
			changed = append(changed, t)
		}
	}
	slices.SortFunc(changed, func(a, b *line) int { return cmp.Compare(a.seq, b.seq) })
	upTo := l.seq
	if page.More = len(changed) > limit; page.More {
		changed = changed[:limit]
		upTo = changed[limit-1].seq
	}
	page.Set, page.Gone = []Person{}, []Ref{}
	for _, t := range changed {
		if t.left.IsZero() {
			page.Set = append(page.Set, t.Person)
		} else {
			page.Gone = append(page.Gone, t.ref())
		}
	}
	page.Cursor = strings.Join([]string{l.epoch, scope, strconv.FormatUint(upTo, 36)}, ".")
}

// parse returns how far a cursor goes; false: everything is due.
func (l *Ledger) parse(cursor, scope string) (since uint64, ok bool) {
	parts := strings.Split(cursor, ".")
	if len(parts) != 3 || parts[0] != l.epoch || parts[1] != scope {
		return 0, false
	}
	since, err := strconv.ParseUint(parts[2], 36, 64)
	if err != nil || since > l.seq || since < l.floor {
		return 0, false
	}
	return since, true
}

// scopeOf names a list of worlds.
func scopeOf(worlds []string) string {
	h := fnv.New64a()
	for _, w := range worlds {
		h.Write([]byte(w + "\n"))
	}
	return strconv.FormatUint(h.Sum64(), 36)
}
