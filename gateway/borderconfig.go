package gateway

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"earshot"
	"earshot/presence"
	"earshot/presence/border"
)

const (
	maxBorders = 8 // of a world
	// maxBeyond is how many people of a neighbour are seen across one border, the
	// nearest to it.
	maxBeyond = 64
	// borderWidth is how far from it they are seen where a border does not say.
	borderWidth = 8 // metres
)

// BorderConfig is a straight line that a world shares with a neighbour. Both
// worlds have it in their configuration, each from its own side.
type BorderConfig struct {
	// To is the neighbour, another world of this configuration.
	To string `yaml:"to"`
	// Line is from one point to another, x and z in metres: who walks it has this
	// world on the left.
	Line border.Line `yaml:"line"`
	// There is where the same two points are in the neighbour's coordinates.
	There border.Line `yaml:"there"`
	// Width is how far from the line people are seen by the neighbours, in metres
	// to each side; 0 is 8.
	Width float64 `yaml:"width"`
}

func (b *BorderConfig) width() float64 {
	if b.Width == 0 {
		return borderWidth
	}
	return b.Width
}

// build returns the geometry.
func (b *BorderConfig) build() (border.Border, error) { return border.New(b.Line, b.There, b.width()) }

// reversed is the same border as the neighbour has to write it.
func (b *BorderConfig) reversed(world string) BorderConfig {
	return BorderConfig{To: world, Line: b.There.Reversed(), There: b.Line.Reversed(), Width: b.Width}
}

// String is b as it stands in a file.
func (b *BorderConfig) String() string {
	point := func(p border.Point) string { return fmt.Sprintf("[%g, %g]", p[0], p[1]) }
	s := fmt.Sprintf("{to: %s, line: [%s, %s], there: [%s, %s]", b.To, point(b.Line[0]), point(b.Line[1]), point(b.There[0]), point(b.There[1]))
	if b.Width != 0 {
		s += fmt.Sprintf(", width: %g", b.Width)
	}
	return s + "}"
}

// validateBorders holds the borders of all worlds to what one is, and the two
// sides of each to one another.
func validateBorders(worlds map[string]WorldConfig) error {
	for _, name := range slices.Sorted(maps.Keys(worlds)) {
		list := worlds[name].Borders
		at := "worlds." + name + ".borders"
		if len(list) > maxBorders {
			return invalid("%s: %d, at most %d", at, len(list), maxBorders)
		}
		for i := range list {
			b, at := &list[i], fmt.Sprintf("%s[%d]", at, i)
			_, known := worlds[b.To]
			switch {
			case b.To == name:
				return invalid("%s.to: a world has no border with itself", at)
			case !known:
				return invalid("%s.to: there is no world %q here; worlds are %s", at, b.To, strings.Join(slices.Sorted(maps.Keys(worlds)), ", "))
			case slices.ContainsFunc(list[:i], func(o BorderConfig) bool { return o.To == b.To }):
				return invalid("%s.to: there are two borders with %s; two worlds have one at most", at, b.To)
			}
			geometry, err := b.build()
			if err != nil {
				return within(at, err)
			}
			spawn := worlds[name].Spawn
			if beyond, past := geometry.Depth(vec(spawn)); beyond > 0 && past < 0 {
				return invalid("%s.line: the spawn is beyond it; who walks from its first point to its second has this world on the left: swap the points, of there too", at)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(worlds)) {
		list := worlds[name].Borders
		for i := range list {
			if err := agreed(fmt.Sprintf("worlds.%s.borders[%d]", name, i), name, &list[i], worlds[list[i].To].Borders); err != nil {
				return err
			}
		}
	}
	return nil
}

// agreed says what is wrong with the other side of a border; nil: nothing.
func agreed(at, name string, b *BorderConfig, theirs []BorderConfig) error {
	want := b.reversed(name)
	i := slices.IndexFunc(theirs, func(o BorderConfig) bool { return o.To == name })
	if i < 0 {
		return invalid("%s: %s has no border with %s; both sides have to say where it is: add %s to worlds.%s.borders", at, b.To, name, want.String(), b.To)
	}
	if !theirs[i].Line.Near(want.Line) || !theirs[i].There.Near(want.There) || theirs[i].width() != b.width() {
		return invalid("%s: %s and %s do not agree about their border: by this side, that of %s is %s, and it says %s", at, name, b.To, b.To, want.String(), theirs[i].String())
	}
	return nil
}

// visitors is how many people of neighbours an instance has room for besides its
// own: they have indices too.
func (w *WorldConfig) visitors() int {
	return max(0, min(len(w.Borders)*maxBeyond, presence.MaxCapacity-w.Capacity))
}

// twin is the instance of a neighbour that an instance borders: the first the
// first, each further one that of its number; empty where an instance has no
// neighbours, because not everybody may enter it.
func twin(id earshot.InstanceID, neighbour string) earshot.InstanceID {
	world := worldOf(id)
	if world == "" || !publicID(id, world) {
		return ""
	}
	return firstOf(neighbour) + id[len(firstOf(world)):]
}
