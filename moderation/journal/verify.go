package journal

import (
	"context"
	"errors"

	"earshot"
)

// Verified is what Verify found.
type Verified struct {
	Lines   uint64 `json:"lines"`   // checked
	Entries uint64 `json:"entries"` // in them
	First   uint64 `json:"first"`   // number of the first; above 1 where older files were moved away
	Head    Head   `json:"head"`
}

// Verify reads everything again and checks every sum. Heads that were kept
// elsewhere must be on the way: otherwise the journal was cut, or is another
// one. Errors are failed_precondition, with file and offset where there is one.
func (j *Journal) Verify(ctx context.Context, kept ...Head) (Verified, error) {
	return verify(ctx, j.lines.walk, kept)
}

// VerifyFolder is Verify for a journal that is not open here, without its keys;
// another process may be writing it. It changes nothing. A line that is torn at
// the end is left out. Errors are also not_found for a folder without one.
func VerifyFolder(ctx context.Context, dir string, kept ...Head) (Verified, error) {
	numbers, err := listFiles(dir)
	if err != nil {
		return Verified{}, err
	}
	if len(numbers) == 0 {
		return Verified{}, earshot.Errorf(earshot.CodeNotFound, "journal: there is none in %s", dir)
	}
	f := &files{dir: dir}
	walk := func(do func(at place, body []byte, head Head) error) (head Head, err error) {
		for i, number := range numbers {
			last := i == len(numbers)-1
			e, err := f.scan(number, i == 0, last, head, -1, do)
			if errors.Is(err, errNoHeader) && last {
				return head, nil
			}
			if err != nil {
				return head, err
			}
			head = e.head
		}
		return head, nil
	}
	return verify(ctx, walk, kept)
}

func verify(ctx context.Context, walk func(do func(at place, body []byte, head Head) error) (Head, error), kept []Head) (v Verified, err error) {
	want := map[uint64]Sum{}
	for _, h := range kept {
		if h.N > 0 {
			want[h.N] = h.Sum
		}
	}
	v.Head, err = walk(func(at place, body []byte, head Head) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		l, err := decodeLine(body)
		if err != nil {
			return err
		}
		if v.First == 0 {
			v.First = head.N
		}
		if sum, ok := want[head.N]; ok && sum != head.Sum {
			return earshot.Errorf(earshot.CodeFailedPrecondition, "journal: line %d is not the one that was there when its sum was noted: this is another journal, or it was written anew", head.N)
		}
		delete(want, head.N)
		v.Lines++
		v.Entries += uint64(len(l.Entries))
		return nil
	})
	if err != nil {
		return v, err
	}
	for n := range want {
		if n >= v.First {
			return v, earshot.Errorf(earshot.CodeFailedPrecondition, "journal: line %d is missing, the last one is %d: the end was cut off", n, v.Head.N)
		}
	}
	return v, nil
}
