package journal

import "slices"

// item reads entries and puts them together.
func (j *Journal) item(refs []ref, waits, withWords bool) (Item, error) {
	out := Item{Waits: waits}
	var last place
	var l line
	for _, r := range refs {
		if r.at != last {
			raw, err := j.lines.read(r.at)
			if err != nil {
				return Item{}, err
			}
			if l, err = j.decode(raw); err != nil {
				return Item{}, err
			}
			last = r.at
		}
		if r.entry < len(l.Entries) {
			j.add(&out, &l.Entries[r.entry], withWords)
		}
	}
	return out, nil
}

// decode reads a stored line whose sum was right when it was written or the
// journal opened.
func (j *Journal) decode(raw []byte) (line, error) {
	if len(raw) <= sumDigits {
		return line{}, fileError(errTooShort)
	}
	return decodeLine(raw[sumDigits+1:])
}

// add puts an entry into an item, people by name, and opens its parts.
func (j *Journal) add(out *Item, e *entry, withWords bool) {
	w := j.open(out, e, withWords)
	if h := e.Heard; h != nil && h.Words && !slices.Contains(out.Elsewhere, h.From) {
		out.Elsewhere = append(out.Elsewhere, h.From)
	}
	switch {
	case e.Incident != nil:
		c := *e.Incident
		c.Judgement = out.Judgement
		out.Incident = c
		out.Who, out.Name, out.Text, out.Context = j.ring.name(c.Who), w.Name, w.Text, w.Context
		out.Order = j.named(c.Order)
		j.ordered(out, c.Order)
	case e.Revision != nil:
		c := *e.Revision
		c.Order = j.named(c.Order)
		out.Revisions = append(out.Revisions, c)
		out.Evidence = append(out.Evidence, c.Evidence...)
		j.ordered(out, e.Revision.Order)
	case e.Applied != nil:
		out.Applied = append(out.Applied, *e.Applied)
	case e.Report != nil:
		c := *e.Report
		c.About, c.By = j.ring.name(c.About), j.ring.name(c.By)
		c.Name, c.Text, c.Context, c.Heard = w.Name, w.Text, w.Context, e.Heard != nil
		out.Reports = append(out.Reports, c)
	case e.Appeal != nil:
		c := *e.Appeal
		c.Who, c.Text = j.ring.name(c.Who), w.Text
		out.Appeal = &c
	case e.Judgement != nil:
		c := *e.Judgement
		c.Note, c.Order = w.Text, j.named(c.Order)
		out.Judgements = append(out.Judgements, c)
		out.Judgement = &c.Judgement
		j.ordered(out, e.Judgement.Order)
	case e.Undo != nil:
		c := *e.Undo
		c.Note, c.Order = w.Text, j.named(c.Order)
		out.Undo = &c
		j.ordered(out, e.Undo.Order)
	case e.Access != nil:
		out.Accesses = append(out.Accesses, *e.Access)
	}
}

// plain is what an entry's parts say together.
type plain struct {
	Name, Text string
	Context    []Line
}

// open decrypts the parts of an entry for which there still is a key.
func (j *Journal) open(out *Item, e *entry, withWords bool) (w plain) {
	for _, p := range e.Parts {
		k, ok := j.ring.get(p.Key)
		if !ok {
			out.Shredded = true
			continue
		}
		if !withWords {
			continue
		}
		got, err := unseal(k, p)
		if err != nil { // the key file was tampered with: as good as shredded
			out.Shredded = true
			continue
		}
		if got.Context == nil {
			w.Name, w.Text = string(got.Name), string(got.Text)
		}
		for _, l := range got.Context {
			w.Context = append(w.Context, Line{l.Who, string(l.Name), string(l.Text), l.At})
		}
	}
	slices.SortStableFunc(w.Context, func(a, b Line) int { return a.At.Compare(b.At) })
	return w
}

func (j *Journal) named(o *Order) *Order {
	if o == nil {
		return nil
	}
	c := *o
	c.Who = j.ring.name(o.Who)
	return &c
}

func (j *Journal) ordered(out *Item, o *Order) {
	if o != nil {
		out.Orders = append(out.Orders, *j.named(o))
	}
}
