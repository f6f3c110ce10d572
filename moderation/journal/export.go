package journal

import (
	"context"
	"encoding/json"
	"io"
	"slices"
	"time"

	"earshot"
)

// exported is a line of an export.
type exported struct {
	Kind string    `json:"kind"`
	At   time.Time `json:"at"`
	Data any       `json:"data"`
	// From is the node that wrote it, where that is another: it has the words.
	From string `json:"from,omitempty"`
}

// Export writes all that is kept about a person as JSON: an object with their
// id and the list of entries, oldest first. What others said around it, and who
// reported them, is not in it: that is about others. It writes first that by
// asked for it.
func (j *Journal) Export(ctx context.Context, w io.Writer, who earshot.ParticipantID, by string, at time.Time) error {
	if err := j.Accessed(ctx, Access{By: by, Purpose: "export", At: at}); err != nil {
		return err
	}
	alias, known := j.ring.person(who)
	if _, err := io.WriteString(w, `{"who":`+quote(string(who))+`,"entries":[`); err != nil {
		return err
	}
	first := true
	write := func(x exported) error {
		b, err := json.Marshal(x)
		if err != nil {
			return earshot.Errorf(earshot.CodeInternal, "journal: %v", err)
		}
		if !first {
			b = slices.Concat([]byte{','}, b)
		}
		first = false
		_, err = w.Write(append(b, '\n'))
		return err
	}
	if known {
		mine := map[string]bool{} // incidents about them
		_, err := j.lines.walk(func(_ place, body []byte, _ Head) error {
			l, err := decodeLine(body)
			if err != nil {
				return err
			}
			for i := range l.Entries {
				for _, x := range j.export(&l.Entries[i], alias, mine) {
					if err := write(x); err != nil {
						return err
					}
				}
			}
			return ctx.Err()
		})
		if err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, "]}\n")
	return err
}

// export returns what of an entry is about a person.
func (j *Journal) export(e *entry, who keyID, mine map[string]bool) (out []exported) {
	alias := who.alias()
	if e.Incident != nil && e.Incident.Who == alias {
		mine[e.Incident.ID] = true
	}
	own := *e // of the parts only theirs
	own.Parts = slices.DeleteFunc(slices.Clone(e.Parts), func(p part) bool { return p.Owner != alias })
	var item Item
	j.add(&item, &own, true)
	from := ""
	if e.Heard != nil {
		from = e.Heard.From
	}
	say := func(kind string, at time.Time, data any) { out = append(out, exported{kind, at, data, from}) }
	switch {
	case e.Incident != nil && mine[e.Incident.ID]:
		item.By = ""
		say("incident", e.Incident.At, item.Incident)
	case e.Incident != nil && len(item.Context) > 0:
		say("said", e.Incident.At, item.Context)
	case e.Revision != nil && mine[e.Revision.Incident]:
		say("revision", e.Revision.At, item.Revisions[0])
	case e.Report != nil && e.Report.By == alias:
		say("report made", e.Report.At, item.Reports[0])
	case e.Report != nil && e.Report.About == alias:
		r := item.Reports[0]
		r.By, r.Text, r.Name, r.Context = "", "", "", nil
		say("report about", e.Report.At, r)
	case e.Report != nil && len(item.Reports[0].Context) > 0:
		say("said", e.Report.At, item.Reports[0].Context)
	case e.Appeal != nil && e.Appeal.Who == alias:
		say("appeal", e.Appeal.At, item.Appeal)
	case e.Judgement != nil && mine[e.Judgement.Incident]:
		g := item.Judgements[0]
		g.By = ""
		say("judgement", e.Judgement.At, g)
	case e.Undo != nil && mine[e.Undo.Incident]:
		u := *item.Undo
		u.By = ""
		say("undo", e.Undo.At, u)
	case e.Order != nil && e.Order.Who == alias:
		say("order", e.Order.At, j.named(e.Order))
	case e.Access != nil && mine[e.Access.Incident]:
		say("looked at", e.Access.At, Access{Incident: e.Access.Incident, Evidence: e.Access.Evidence, Purpose: e.Access.Purpose, At: e.Access.At})
	case e.Erasure != nil && e.Erasure.Who == alias:
		say("erasure", e.Erasure.At, struct{}{})
	}
	return out
}

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}
