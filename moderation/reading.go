package moderation

import (
	"sync"
	"unicode/utf8"

	"earshot/moderation/policy"
	"earshot/moderation/text"
)

// reading is what tier 0 finds in a text.
type reading struct {
	scores policy.Scores
	terms  []string // like hate/severe: what a policy goes by, and not the word
}

const (
	pieceOverlap = 128 // bytes of a long text that are read twice, so that what is said across a border is seen
	maxTermNames = 32
)

// reader is tier 0. It may be used from several goroutines.
type reader struct {
	model   *text.Model
	scratch sync.Pool
}

func newReader(m *text.Model) *reader {
	return &reader{model: m, scratch: sync.Pool{New: func() any { return new(text.Scratch) }}}
}

// read scores a text; of one that is longer than what the model reads at once,
// all pieces, of which the worst counts.
func (r *reader) read(s string) reading {
	scratch := r.scratch.Get().(*text.Scratch)
	defer r.scratch.Put(scratch)
	out := reading{scores: policy.Scores{}}
	for {
		res := r.model.Score(s, scratch)
		out.add(&res)
		if len(s) <= text.MaxBytes {
			return out
		}
		at := text.MaxBytes - pieceOverlap
		for !utf8.RuneStart(s[at]) && at > text.MaxBytes-2*pieceOverlap {
			at--
		}
		s = s[at:]
	}
}

func (out *reading) add(res *text.Result) {
	for name, v := range res.Scores.Map() {
		c := policy.Category(name)
		out.scores[c] = max(out.scores[c], v)
	}
	for _, t := range res.Terms[:min(len(res.Terms), maxTermNames-len(out.terms))] {
		out.terms = append(out.terms, termName(t))
	}
}

// mask covers the listed words of a text. still is what is then left to be
// found in it.
func (r *reader) mask(s string) (masked string, still reading) {
	if len(s) > text.MaxBytes {
		return cover(s), reading{}
	}
	scratch := r.scratch.Get().(*text.Scratch)
	masked = r.model.Mask(s, scratch)
	r.scratch.Put(scratch)
	return masked, r.read(masked)
}

// cover covers all of a text.
func cover(s string) string { return text.Mask(s, []text.Term{{End: len(s)}}) }

// termName is what policies know a term by. The word itself would stand in the
// journal in the clear.
func termName(t text.Term) string {
	switch t.Severity {
	case 1:
		return "mild/" + t.Category.String()
	case 2:
		return t.Category.String() + "/strong"
	}
	return t.Category.String() + "/severe"
}
