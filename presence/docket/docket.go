package docket

import "slices"

// Bounds of what waits here to be written. Where more waits, nothing is kept of
// it, and all that is known is said again when the store answers.
const maxWaiting = 10_000

// maxTries is how often an entry is written that is never read back: a docket that
// is full of what lasts longer drops it each time.
const maxTries = 4

// sent is an own entry that was written and has not been read back.
type sent struct {
	Entry
	tries int
}

// Docket is a node's part in a docket.
type Docket struct {
	head Head
	out  []sent // own, in their order, to be written
	// written are own entries that no read or news has brought yet. A store that
	// fails over before it has copied them does not say so, and where this node had
	// not read on since, its head is still right.
	written []sent
	// missed counts the reasons to read, read those that a finished read has met.
	missed, read uint64
	whole        bool            // it is read from the beginning
	seen         map[string]bool // while it is: what is there
	again        bool            // afterwards what is not there is said again
	busy         *Op
	meeting      uint64 // missed, when the read under way began
	due          int    // how many of written it has to bring
}

// Op is something to be asked of the store: a page after a head, or, with
// entries, to write them down.
type Op struct {
	After  Head
	Append []Entry
}

// New returns a part that has read nothing.
func New() *Docket { return &Docket{missed: 1, whole: true, again: true, seen: map[string]bool{}} }

// Put has an own entry written, after those before it.
func (d *Docket) Put(e Entry) {
	if len(d.out) >= maxWaiting {
		d.out = nil
		if d.busy != nil && d.busy.Append != nil {
			d.busy = nil // its answer means nothing any more
		}
		d.Again()
		return
	}
	d.out = append(d.out, sent{Entry: e})
}

// Again has the whole read, after which Read says that all is to be said again.
func (d *Docket) Again() {
	d.head, d.whole, d.again, d.seen = Head{}, true, true, map[string]bool{}
	d.missed++
}

// Miss has it read on: something may have come unheard.
func (d *Docket) Miss() { d.missed++ }

// Missed returns how often there was a reason to read, and Met how many of those
// a read to the end has met: who waits until Met is what Missed was knows all that
// was there when they asked.
func (d *Docket) Missed() uint64 { return d.missed }

// Met is explained at Missed; 0 until it has been read once.
func (d *Docket) Met() uint64 { return d.read }

// Waiting is how many own entries wait to be written.
func (d *Docket) Waiting() int { return len(d.out) }

// Hear takes news, and reports whether they are the next thing to take in. What
// came before is ignored; where something is missing in between, it is read.
func (d *Docket) Hear(n News) bool {
	switch {
	case d.whole: // the read brings it, or what follows on it
		d.missed++
		return false
	case n.Before == d.head && n.Head == n.Before.Next(n.ID):
		d.head = n.Head
		d.back(n.ID)
		return true
	case n.Head.Seq < d.head.Seq || n.Head == d.head:
		return false
	}
	d.missed++
	return false
}

// Next returns what is to be asked of the store now. It returns nothing while
// something is under way.
func (d *Docket) Next() (op Op, ok bool) {
	switch {
	case d.busy != nil:
		return Op{}, false
	case d.read < d.missed:
		d.meeting, d.due = d.missed, len(d.written)
		op = Op{After: d.head}
	case len(d.out) > 0:
		for _, e := range d.out[:min(len(d.out), MaxBatch)] {
			op.Append = append(op.Append, e.Entry)
		}
	default:
		return Op{}, false
	}
	d.busy = &op
	return op, true
}

// Failed says that no answer came. Next asks the same again.
func (d *Docket) Failed() { d.busy = nil }

// Written says that the entries of the operation under way are in the docket.
func (d *Docket) Written() {
	if d.busy != nil {
		n := len(d.busy.Append)
		d.written, d.out = append(d.written, d.out[:n]...), d.out[n:]
		d.busy = nil
	}
}

// back notes that an entry is in the docket.
func (d *Docket) back(id string) {
	for i := range d.written {
		if d.written[i].ID == id {
			d.written = slices.Delete(d.written, i, i+1)
			if i < d.due {
				d.due--
			}
			return
		}
	}
}

// repeat has written what should have been read back by now.
func (d *Docket) repeat() {
	again := make([]sent, 0, d.due+len(d.out))
	for _, e := range d.written[:d.due] {
		if e.tries++; e.tries < maxTries {
			again = append(again, e)
		}
	}
	d.written = slices.Delete(d.written, 0, d.due)
	d.due = 0
	d.out = append(again, d.out...)
}

// Read takes the page of the operation under way and returns what is new of it,
// in order. again: the docket has been read to its end and may lack something:
// whatever is known here and Lacks says so is to be Put.
func (d *Docket) Read(p Page) (entries []Placed, again bool) {
	if d.busy == nil {
		return nil, false
	}
	stale := d.busy.After != d.head && d.whole // Again came meanwhile
	d.busy = nil
	switch {
	case stale:
		return nil, false
	case p.Lost:
		d.Again()
		return nil, false
	}
	for _, e := range p.Entries {
		d.back(e.ID)
		if d.whole {
			d.seen[e.ID] = true
		}
		if e.Head.Seq > d.head.Seq {
			entries, d.head = append(entries, e), e.Head
		}
	}
	if p.Head.Seq > d.head.Seq {
		d.head = p.Head
	}
	if p.More {
		return entries, false
	}
	d.repeat()
	again = d.again
	d.read, d.whole, d.again = d.meeting, false, false
	return entries, again
}

// Lacks reports whether the docket was without an entry when it was last read as
// a whole.
func (d *Docket) Lacks(id string) bool { return !d.seen[id] }

// Said forgets what the docket had: everything that it lacked has been Put.
func (d *Docket) Said() { clear(d.seen) }
