package journal

import (
	"context"

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
func (j *Journal) Verify(ctx context.Context, kept ...Head) (v Verified, err error) {
	want := map[uint64]Sum{}
	for _, h := range kept {
		if h.N > 0 {
			want[h.N] = h.Sum
		}
	}
	v.Head, err = j.lines.walk(func(at place, body []byte, head Head) error {
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
