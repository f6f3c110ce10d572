package store

import (
	"context"

	"github.com/valkey-io/valkey-go"

	"earshot/presence/cluster"
	"earshot/presence/docket"
)

// docketKeys are the head, the entries, their numbers and their ends.
var docketKeys = []string{"h", "e", "q", "x"}

func docketTag(name string) string { return "docket:" + name }

// Enter implements Dockets.
func (v *Valkey) Enter(ctx context.Context, name string, entries []docket.Entry) error {
	if err := checkEntries(name, entries); err != nil {
		return err
	}
	ctx, cancel := v.patience(ctx)
	defer cancel()
	publish := "PUBLISH"
	if v.sharded {
		publish = "SPUBLISH"
	}
	tag := docketTag(name)
	args := make([]string, 0, 4+3*len(entries))
	args = append(args, publish, v.key(tag, "n"), decimal(docket.MaxEntries), milliseconds(docket.Kept))
	for i := range entries {
		e := &entries[i]
		args = append(args, e.ID, milliseconds(e.For), valkey.BinaryString(e.Data))
	}
	a, err := v.script(ctx, tag, true, "enter", docketKeys, args)
	if err != nil {
		return err
	}
	if a.status() != cluster.OK {
		return foreign()
	}
	return nil
}

// ReadDocket implements Dockets.
func (v *Valkey) ReadDocket(ctx context.Context, name string, after docket.Head) (docket.Page, error) {
	if err := named(name); err != nil {
		return docket.Page{}, err
	}
	ctx, cancel := v.patience(ctx)
	defer cancel()
	a, err := v.script(ctx, docketTag(name), false, "readdocket", docketKeys, []string{decimal(after.Seq), after.Sum, decimal(docket.MaxBatch)})
	if err != nil {
		return docket.Page{}, err
	}
	switch a.status() {
	case cluster.Missing:
		return docket.Page{Lost: true}, nil
	case cluster.OK:
	default:
		return docket.Page{}, foreign()
	}
	p := docket.Page{Head: docket.Head{Seq: a.number(1), Sum: a.text(2)}, More: a.number(3) == 1}
	for i := 4; i+3 < len(a.values); i += 4 {
		p.Entries = append(p.Entries, docket.Placed{Head: docket.Head{Seq: a.number(i), Sum: a.text(i + 1)}, ID: a.text(i + 2), Data: []byte(a.text(i + 3))})
	}
	if a.bad || len(p.Entries) > docket.MaxBatch {
		return docket.Page{}, foreign()
	}
	return p, nil
}

// FollowDocket implements Dockets.
func (v *Valkey) FollowDocket(ctx context.Context, name string, began func(), news func(docket.News)) error {
	return v.subscribe(ctx, v.key(docketTag(name), "n"), began, func(message string) {
		if n, ok := readNews(message); ok { // another version's is a gap, after which it is read
			news(n)
		}
	})
}
