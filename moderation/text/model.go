package text

import (
	_ "embed"
	"encoding/binary"
	"hash/crc32"
	"math"

	"earshot"
)

//go:embed model.bin
var modelFile []byte

// Heads is how many categories the model scores itself: the first ones, Toxicity
// and Hate.
const Heads = 2

// Head is how the sum of one head becomes a probability.
type Head struct {
	Scale float32 // of one step of the quantised weights
	Bias  float32
	A, B  float32 // p = 1 / (1 + exp(-(A*sum + B))): Platt scaling

	// OnePercent and HalfPercent are the probabilities from which on 1 % and
	// 0.5 % of the harmless validation texts were scored.
	OnePercent, HalfPercent float32
}

// Probability returns what a sum of weights, bias included, means.
func (h *Head) Probability(sum float64) float64 {
	return 1 / (1 + math.Exp(-(float64(h.A)*sum + float64(h.B))))
}

// Model is tier 0, ready to score. It never changes: share it.
type Model struct {
	Extractor
	lists   *lists
	heads   [Heads]Head
	weights [][Heads]int8 // by feature
	mask    uint32
}

// Result is what tier 0 found in a text.
type Result struct {
	Scores Scores // of model and terms together: the larger
	Model  Scores // of the model alone
	Terms  []Term // by position; valid until the Scratch is used again
	// Read is how many bytes were read: min(len(text), MaxBytes), less a rune
	// cut in half. What lies behind was not looked at: refuse such a text, or
	// deliver text[:Read].
	Read int
}

// Format of the file, little endian: magic, feature version, bits, number of
// heads, 0; CRC-32 of the tables the features depend on; per head six float32;
// the weights; CRC-32 (IEEE) of all before.
const (
	magic      = "ETX0"
	headerSize = 4 + 4*1 + 4
	headSize   = 6 * 4
	maxBits    = 18
)

// Default returns the model that comes with Earshot. It reads the embedded
// files anew (some 20 ms): call it once and share the result.
func Default() *Model {
	m, err := Load(modelFile)
	if err != nil {
		panic("moderation/text: the embedded model is broken: " + err.Error())
	}
	return m
}

// Load reads a model as Encode writes it. An error is an *earshot.Error with
// CodeInvalidArgument.
func Load(data []byte) (*Model, error) {
	if len(data) < headerSize || string(data[:4]) != magic {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "this is no model of moderation/text; make one with trainmoderation")
	}
	version, bits, heads := data[4], data[5], int(data[6])
	if version != featureVersion || heads != Heads || bits < 8 || bits > maxBits {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "the model is of features %d with %d heads and %d bits, this program has features %d with %d heads: train it again with trainmoderation", version, heads, bits, featureVersion, Heads)
	}
	if binary.LittleEndian.Uint32(data[8:]) != tables() {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "letters.txt or lexicon.txt changed after the model was trained: train it again with trainmoderation")
	}
	size := headerSize + heads*headSize + heads<<bits + 4
	if len(data) != size || crc32.ChecksumIEEE(data[:size-4]) != binary.LittleEndian.Uint32(data[size-4:]) {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "the model is damaged: %d bytes, want %d with a matching checksum", len(data), size)
	}
	e, err := NewExtractor()
	if err != nil {
		return nil, err
	}
	m := &Model{Extractor: *e, mask: 1<<bits - 1, weights: make([][Heads]int8, 1<<bits)}
	if m.lists, err = newLists(termsFile, e.letters); err != nil {
		return nil, err
	}
	at := headerSize
	for i := range m.heads {
		h := &m.heads[i]
		for _, f := range h.fields() {
			*f = math.Float32frombits(binary.LittleEndian.Uint32(data[at:]))
			if v := float64(*f); math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, earshot.Errorf(earshot.CodeInvalidArgument, "the model has a number that is none: train it again")
			}
			at += 4
		}
	}
	for i := range m.weights {
		for h := range heads {
			m.weights[i][h] = int8(data[at+i*heads+h])
		}
	}
	return m, nil
}

// tables is the checksum of what the features depend on besides the program.
func tables() uint32 { return crc32.ChecksumIEEE([]byte(lettersFile + lexiconFile)) }

func (h *Head) fields() []*float32 {
	return []*float32{&h.Scale, &h.Bias, &h.A, &h.B, &h.OnePercent, &h.HalfPercent}
}

// Encode writes a model for Load: heads and weights as trained, the weights of
// one feature side by side, a power of two of features.
func Encode(heads [Heads]Head, weights []int8) []byte {
	bits := byte(0)
	for Heads<<bits < len(weights) {
		bits++
	}
	b := append(make([]byte, 0, len(weights)+128), magic...)
	b = append(b, featureVersion, bits, byte(Heads), 0)
	b = binary.LittleEndian.AppendUint32(b, tables())
	for i := range heads {
		for _, f := range heads[i].fields() {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(*f))
		}
	}
	for _, w := range weights {
		b = append(b, byte(w))
	}
	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

// Head returns the calibration of a category; ok is false where the model has
// no head for it.
func (m *Model) Head(c Category) (h Head, ok bool) {
	if c < Heads {
		return m.heads[c], true
	}
	return Head{}, false
}

// Score judges text. It reads at most MaxBytes of it and allocates nothing
// once s has grown to the size of the texts.
func (m *Model) Score(text string, s *Scratch) Result {
	m.letters.normalise(text, s)
	return m.judge(text, s)
}

// ScorePlain is Score without undoing disguises, to measure what that brings.
func (m *Model) ScorePlain(text string, s *Scratch) Result {
	m.letters.plain(text, s)
	return m.judge(text, s)
}

func (m *Model) judge(text string, s *Scratch) Result {
	r := Result{Read: len(cut(text))}
	f := m.features(s)
	if len(s.words) > 0 {
		sums := m.sum(&f)
		for c, sum := range sums {
			r.Model[c] = m.heads[c].Probability(sum)
		}
	}
	r.Scores = r.Model
	m.lists.find(s)
	for i := range s.found {
		t := &s.found[i]
		v := t.Severity.Score()
		r.Scores[t.Category] = max(r.Scores[t.Category], v)
		r.Scores[Terms] = max(r.Scores[Terms], v)
	}
	r.Terms = s.found
	return r
}

// sum adds up the weights of the features.
func (m *Model) sum(f *Features) [Heads]float64 {
	var out [Heads]float64
	for i := range out {
		out[i] = float64(m.heads[i].Bias)
	}
	for g, hashes := range f {
		var sums [Heads]int32
		for _, hash := range hashes {
			w := &m.weights[hash&m.mask]
			for h := range sums {
				sums[h] += int32(w[h])
			}
		}
		value := f.Value(g)
		for i := range out {
			out[i] += float64(sums[i]) * float64(m.heads[i].Scale) * value
		}
	}
	return out
}
