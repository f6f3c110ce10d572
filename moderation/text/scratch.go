package text

// MaxBytes is how much of a text is read. Work is bounded by it: the cost of
// any text is at most that of one of this size.
const MaxBytes = 4096

// cell is one rune with the bytes of the original that it stands for.
type cell struct {
	r        rune
	from, to uint16 // bytes of the original
	class    class
	alike    byte  // the Latin letter it looks like, or 0
	run      uint8 // how many equal letters of the original it stands for
	wide     bool  // of a space: more than one, or a new line
	tight    bool  // of a space in the normalised text: there was none in the original
}

// token is a word, a punctuation mark or an emoji.
type token struct {
	from, to int // cells
	kind     class
	gap      uint8 // before it: 0 nothing, 1 a space, 2 more
	joined   bool  // put together from single letters
}

// Scratch is the working memory of Score and Normalise. It grows to what the
// largest text needed, a few hundred kilobytes at most, and is then reused.
// The zero value is ready. One goroutine at a time.
type Scratch struct {
	in     []cell  // decoded and folded
	mid    []cell  // the cells of tokens, without gaps
	tokens []token // over mid
	out    []cell  // normalised text with single spaces
	words  []word  // over out
	syms   []symbol
	found  []Term
	feats  []uint32
}

// reset empties everything that belongs to the last text.
func (s *Scratch) reset() {
	s.in, s.mid, s.tokens = s.in[:0], s.mid[:0], s.tokens[:0]
	s.out, s.words, s.syms = s.out[:0], s.words[:0], s.syms[:0]
	s.found, s.feats = s.found[:0], s.feats[:0]
}
