package binaural

import (
	"math"

	"earshot"
	"earshot/spatialaudio/hrtf"
	"earshot/spatialaudio/kernel"
)

// finest is the distance between azimuths of points, in degrees, and half of
// that between elevations: people just notice 1 to 2 degrees ahead, more to the
// sides (A. W. Mills, 1958) and above, and a filter is chosen within half of it.
const finest = 2.5

// spreads are the half angles of cones, in degrees, for which filters are made:
// 0 is a point, 180 all around.
var spreads = [...]float64{0, 22.5, 45, 90, 180}

// Filters is a head: the spectra of its filters for all directions, and for
// cones of directions. It is made once and shared; KEMAR's takes 21 MB.
type Filters struct {
	grids [len(spreads)]sphere
	walls *walls
}

// sphere is a grid of directions: rows of equal elevation from below, each with
// evenly spaced azimuths from 0 on. Of a symmetric head it has half a turn: the
// other half is that with the ears exchanged.
type sphere struct {
	step float64 // between rows, in radians
	rows []row
}

type row struct {
	turn    int // directions of a whole turn
	filters []kernel.Pair
}

// NewFilters makes the filters of a table. It takes some tenths of a second.
// Errors are *earshot.Error.
func NewFilters(t *hrtf.Table) (*Filters, error) {
	if t.Length() > kernel.History+1 {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "HRTF table: filters of %d samples, more than %d", t.Length(), kernel.History+1)
	}
	f, mirror := &Filters{walls: newWalls()}, t.Symmetric()
	b := newBuilder(t)
	for i, spread := range spreads {
		f.grids[i] = b.sphere(spread*math.Pi/180, mirror)
	}
	return f, nil
}

// builder has what making a filter needs.
type builder struct {
	table       *hrtf.Table
	filter, one *hrtf.Filter
	ear         []float64
	time, freq  kernel.Complex
}

func newBuilder(t *hrtf.Table) *builder {
	return &builder{table: t, filter: t.NewFilter(), one: t.NewFilter(), ear: make([]float64, t.Length())}
}

// sphere makes the filters of cones of a half angle around each direction. The
// wider the cone, the fewer directions can be told apart.
func (b *builder) sphere(spread float64, mirror bool) sphere {
	step := max(finest*math.Pi/180, spread/3)
	rows := int(math.Round(math.Pi/(2*max(step, 2*finest*math.Pi/180))))*2 + 1
	s := sphere{step: math.Pi / float64(rows-1)}
	if spread >= math.Pi {
		rows, s.step = 1, math.Pi
	}
	for i := range rows {
		elevation := float64(i)*s.step - math.Pi/2
		turn := 2 * max(1, int(math.Round(math.Pi*math.Cos(elevation)/step)))
		if i == 0 || i == rows-1 {
			turn = 1
		}
		made := turn
		if mirror {
			made = turn/2 + 1
		}
		r := row{turn: turn, filters: make([]kernel.Pair, made)}
		for j := range r.filters {
			b.make(2*math.Pi*float64(j)/float64(turn), elevation, spread, &r.filters[j])
		}
		s.rows = append(s.rows, r)
	}
	return s
}

// make sets out to the spectra of one cone. Its scale makes up for that of the
// transforms.
func (b *builder) make(azimuth, elevation, spread float64, out *kernel.Pair) {
	b.cone(azimuth, elevation, spread)
	b.time = kernel.Complex{}
	b.filter.Impulse(0, b.ear)
	for i, v := range b.ear {
		b.time.Re[i] = float32(v)
	}
	b.filter.Impulse(1, b.ear)
	for i, v := range b.ear {
		b.time.Im[i] = float32(v)
	}
	kernel.Transform(&b.freq, &b.time)
	out.Set(&b.freq, 1./kernel.N)
}

// find returns the filter of a direction and whether its ears are exchanged.
func (f *Filters) find(azimuth, elevation float64, spread int) (*kernel.Pair, bool) {
	s := &f.grids[spread]
	i := min(len(s.rows)-1, int((elevation+math.Pi/2)/s.step+0.5))
	r := &s.rows[i]
	j := int(math.Round(azimuth / (2 * math.Pi) * float64(r.turn)))
	if j < 0 {
		j += r.turn
	}
	j %= r.turn
	if j < len(r.filters) {
		return &r.filters[j], false
	}
	return &r.filters[r.turn-j], true
}

// Bytes returns about how much memory the filters take.
func (f *Filters) Bytes() (n int) {
	for i := range f.grids {
		for j := range f.grids[i].rows {
			n += len(f.grids[i].rows[j].filters) * 4 * 4 * kernel.Lanes * kernel.Blocks
		}
	}
	return n
}
