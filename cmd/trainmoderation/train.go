package main

import (
	"math"
	"math/rand/v2"
	"slices"

	"earshot"
	"earshot/moderation/text"
)

// parameters of training. The defaults were chosen on the validation texts.
type parameters struct {
	Seed      uint64
	Bits      int
	Epochs    int
	Rate, L2  float64
	Disguises int
	Emoji     float64 // weight of HatemojiBuild against Davidson
	Surge     float64
}

func defaultParameters() parameters {
	return parameters{Seed: 1, Bits: 17, Epochs: 8, Rate: 0.1, L2: 1e-5, Disguises: 4, Emoji: 1, Surge: 0.3}
}

func (p parameters) check() error {
	switch {
	case p.Bits < 8 || p.Bits > 18:
		return earshot.Errorf(earshot.CodeInvalidArgument, "-bits %d: want 8 to 18", p.Bits)
	case p.Epochs < 1 || p.Epochs > 1000 || p.Disguises < 0 || p.Disguises > 8:
		return earshot.Errorf(earshot.CodeInvalidArgument, "-epochs %d -disguises %d: want 1 to 1000 passes and 0 to 8 copies", p.Epochs, p.Disguises)
	case !(p.Rate > 0) || p.L2 < 0 || p.Emoji < 0 || p.Surge < 0:
		return earshot.Errorf(earshot.CodeInvalidArgument, "-rate, -l2, -emoji and -surge: want a rate above 0 and nothing below 0")
	}
	return nil
}

const heads = text.Heads

// row is an example as features.
type row struct {
	groups [3]group
	labels [heads]int
	weight [heads]float32
}

// group is the features of one kind, each of the same value.
type group struct {
	index []uint32
	value float32
}

// linear is the model while it is trained.
type linear struct {
	weights []float32 // heads of one feature side by side
	squares []float32 // of gradients, for AdaGrad
	bias    [heads]float64
	biasSq  [heads]float64
}

// built is the finished model.
type built struct {
	bytes []byte
	model *text.Model
}

// build trains, quantises and calibrates.
func build(c *corpus, p parameters, r *report) (*built, error) {
	extractor, err := text.NewExtractor()
	if err != nil {
		return nil, err
	}
	r.split(c.examples)
	rows := makeRows(c.examples, p, extractor)
	m := &linear{weights: make([]float32, heads<<p.Bits), squares: make([]float32, heads<<p.Bits)}
	rng := rand.New(rand.NewPCG(p.Seed, 1))
	sum := make([]float32, len(m.weights))
	for epoch := range p.Epochs {
		rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		loss := m.pass(rows, p)
		for i, w := range m.weights {
			sum[i] += w / float32(p.Epochs)
		}
		r.line("train    pass %2d of %d  loss %.4f  rows %d", epoch+1, p.Epochs, loss, len(rows))
	}
	m.weights = sum // the mean over the passes is steadier than the last
	hs, weights := m.quantise()
	// Sums are wanted for calibration: with A = 1, B = 0 a probability gives them back.
	for i := range hs {
		hs[i].A = 1
	}
	model, err := text.Load(text.Encode(hs, weights))
	if err != nil {
		return nil, err
	}
	calibrate(model, &hs, c.examples)
	b := &built{bytes: text.Encode(hs, weights)}
	if b.model, err = text.Load(b.bytes); err != nil {
		return nil, err
	}
	r.validation(b.model, c.examples)
	return b, nil
}

// makeRows extracts the features of the training texts and their disguised
// copies, and weighs them: within a source harmless and abusive texts weigh
// the same, however many there are.
func makeRows(examples []example, p parameters, x *text.Extractor) []row {
	var total [sources][heads][2]float64
	for _, e := range examples {
		for h, label := range e.labels {
			if e.part == train && label != unknown {
				total[e.source][h][label]++
			}
		}
	}
	scale := [sources]float64{davidson: 1, surge: p.Surge, hatemoji: p.Emoji}
	all := 0.0
	for _, e := range examples {
		if e.part == train {
			all++
		}
	}
	rng := rand.New(rand.NewPCG(p.Seed, 2))
	var s text.Scratch
	var rows []row
	for _, e := range examples {
		if e.part != train {
			continue
		}
		var weight [heads]float32
		for h, label := range e.labels {
			if label != unknown {
				weight[h] = float32(scale[e.source] * all / 4 / total[e.source][h][label])
			}
		}
		for k := range 1 + p.Disguises {
			t, w := e.text, weight
			if k > 0 {
				t = disguise(e.text, rng)
				for h := range w {
					w[h] *= 0.4
				}
			}
			feats := x.Features(t, &s, false)
			r := row{labels: e.labels, weight: w}
			for g := range feats {
				r.groups[g] = group{slices.Clone(feats[g]), float32(feats.Value(g))}
				for i := range r.groups[g].index {
					r.groups[g].index[i] &= 1<<p.Bits - 1
				}
			}
			rows = append(rows, r)
		}
	}
	return rows
}

// pass goes once over the rows and returns the mean weighted loss.
func (m *linear) pass(rows []row, p parameters) float64 {
	loss, weight := 0.0, 0.0
	for i := range rows {
		r := &rows[i]
		sums := m.sums(r)
		var slope [heads]float32
		for h := range heads {
			if r.labels[h] == unknown {
				continue
			}
			w, z := float64(r.weight[h]), sums[h]
			d := 1/(1+math.Exp(-z)) - float64(r.labels[h])
			loss += w * math.Log1p(math.Exp(-math.Abs(z)))
			if (d > 0) == (z > 0) {
				loss += w * math.Abs(z)
			}
			weight += w
			slope[h] = float32(w * d)
			m.biasSq[h] += w * d * w * d
			m.bias[h] -= p.Rate * w * d / math.Sqrt(m.biasSq[h]+1)
		}
		m.step(r, slope, p)
	}
	return loss / max(weight, 1)
}

func (m *linear) sums(r *row) [heads]float64 {
	out := m.bias
	for g := range r.groups {
		var sum [heads]float32
		for _, f := range r.groups[g].index {
			for h := range heads {
				sum[h] += m.weights[int(f)*heads+h]
			}
		}
		for h := range heads {
			out[h] += float64(sum[h]) * float64(r.groups[g].value)
		}
	}
	return out
}

// step moves the weights of a row's features down the slope of the loss.
func (m *linear) step(r *row, slope [heads]float32, p parameters) {
	rate, l2 := float32(p.Rate), float32(p.L2)
	for _, g := range r.groups {
		for _, f := range g.index {
			for h := range heads {
				if r.labels[h] == unknown {
					continue
				}
				at := int(f)*heads + h
				d := slope[h]*g.value + l2*m.weights[at]
				m.squares[at] += d * d
				m.weights[at] -= rate * d / float32(math.Sqrt(float64(m.squares[at])+1e-3))
			}
		}
	}
}

// quantise rounds the weights to bytes. The few largest are cut off so that
// the many small ones keep their digits.
func (m *linear) quantise() ([heads]text.Head, []int8) {
	var hs [heads]text.Head
	out := make([]int8, len(m.weights))
	for h := range heads {
		var sizes []float32
		for i := h; i < len(m.weights); i += heads {
			if w := m.weights[i]; w != 0 {
				sizes = append(sizes, float32(math.Abs(float64(w))))
			}
		}
		slices.Sort(sizes)
		top := float32(1)
		if len(sizes) > 0 {
			top = max(sizes[len(sizes)*9995/10000], 1e-6)
		}
		hs[h].Scale, hs[h].Bias = top/127, float32(m.bias[h])
		for i := h; i < len(m.weights); i += heads {
			q := math.RoundToEven(float64(m.weights[i] / hs[h].Scale))
			out[i] = int8(min(max(q, -127), 127))
		}
	}
	return hs, out
}
