package store

import (
	"context"
	"strconv"
	"strings"

	"earshot"
	"earshot/presence/docket"
)

// Dockets keep what nodes write down for one another in one order. See
// presence/docket for what heads and news are.
type Dockets interface {
	// Enter writes down what a docket does not have yet, in the order given, and
	// publishes it; what it has is kept until the later end. Ended entries go, and
	// of more than docket.MaxEntries those that end first. It may be done twice.
	Enter(ctx context.Context, name string, entries []docket.Entry) error
	// ReadDocket returns at most docket.MaxBatch entries after a head, oldest
	// first.
	ReadDocket(ctx context.Context, name string, after docket.Head) (docket.Page, error)
	// FollowDocket brings what is entered, as Bus does.
	FollowDocket(ctx context.Context, name string, began func(), news func(docket.News)) error
}

func checkEntries(name string, entries []docket.Entry) error {
	if len(entries) == 0 || len(entries) > docket.MaxBatch {
		return tooLarge("entries", len(entries), docket.MaxBatch)
	}
	err := named(name)
	for i := 0; err == nil && i < len(entries); i++ {
		err = entries[i].Check()
	}
	return err
}

// News on a channel are text up to the data, as the script writes them: number,
// sum before, sum, id, each with a line feed, data.

func appendNews(b []byte, n *docket.News) []byte {
	b = strconv.AppendUint(b, n.Head.Seq, 10)
	for _, s := range []string{n.Before.Sum, n.Head.Sum, n.ID} {
		b = append(append(b, '\n'), s...)
	}
	return append(append(b, '\n'), n.Data...)
}

func readNews(text string) (n docket.News, ok bool) {
	if len(text) > docket.MaxData+4*earshot.MaxIDBytes {
		return n, false
	}
	parts := strings.SplitN(text, "\n", 5)
	if len(parts) != 5 {
		return n, false
	}
	seq, err := strconv.ParseUint(parts[0], 10, 53)
	if err != nil || seq == 0 || strconv.FormatUint(seq, 10) != parts[0] {
		return n, false
	}
	n.Before = docket.Head{Seq: seq - 1, Sum: parts[1]}
	n.Placed = docket.Placed{Head: docket.Head{Seq: seq, Sum: parts[2]}, ID: parts[3], Data: []byte(parts[4])}
	check := docket.Entry{ID: n.ID, For: docket.Kept, Data: n.Data}
	return n, check.Check() == nil && n.Before.Next(n.ID) == n.Head
}
