package store

import (
	"bytes"
	"context"
	"slices"
	"time"

	"earshot/presence/docket"
)

// book is a docket in memory.
type book struct {
	head    docket.Head
	entries []kept // by number
}

type kept struct {
	docket.Placed
	ends time.Duration // since the store began
}

// Enter implements Dockets.
func (m *Memory) Enter(ctx context.Context, name string, entries []docket.Entry) error {
	if err := checkEntries(name, entries); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return stopped(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	b, now := m.books[name], time.Since(m.began)
	if b == nil {
		b = &book{}
		m.books[name] = b
	}
	b.entries = slices.DeleteFunc(b.entries, func(e kept) bool { return e.ends <= now })
	for _, e := range entries {
		ends := now + e.For
		if i := slices.IndexFunc(b.entries, func(k kept) bool { return k.ID == e.ID }); i >= 0 {
			b.entries[i].ends = max(b.entries[i].ends, ends)
			continue
		}
		n := docket.News{Before: b.head, Placed: docket.Placed{Head: b.head.Next(e.ID), ID: e.ID, Data: bytes.Clone(e.Data)}}
		b.head = n.Head
		b.entries = append(b.entries, kept{n.Placed, ends})
		for queue := range m.readers[name] {
			put(queue, n)
		}
	}
	for len(b.entries) > docket.MaxEntries {
		first := 0
		for i := range b.entries {
			if b.entries[i].ends < b.entries[first].ends {
				first = i
			}
		}
		b.entries = slices.Delete(b.entries, first, first+1)
	}
	return nil
}

// ReadDocket implements Dockets.
func (m *Memory) ReadDocket(ctx context.Context, name string, after docket.Head) (docket.Page, error) {
	if err := named(name); err != nil {
		return docket.Page{}, err
	}
	if ctx.Err() != nil {
		return docket.Page{}, stopped(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	b, now := m.books[name], time.Since(m.began)
	if b == nil {
		b = &book{}
	}
	at := slices.IndexFunc(b.entries, func(k kept) bool { return k.Head.Seq == after.Seq })
	if after != (docket.Head{}) && after != b.head && (at < 0 || b.entries[at].Head != after) {
		return docket.Page{Lost: true}, nil
	}
	p := docket.Page{Head: b.head}
	for _, k := range b.entries {
		switch {
		case k.Head.Seq <= after.Seq || k.ends <= now:
		case len(p.Entries) == docket.MaxBatch:
			p.More, p.Head = true, p.Entries[len(p.Entries)-1].Head
			return p, nil
		default:
			p.Entries = append(p.Entries, k.Placed)
		}
	}
	return p, nil
}

// FollowDocket implements Dockets.
func (m *Memory) FollowDocket(ctx context.Context, name string, began func(), news func(docket.News)) error {
	return hear(ctx, m, m.readers, name, began, news)
}
