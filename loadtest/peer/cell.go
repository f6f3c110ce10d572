package peer

import (
	"fmt"
	"strconv"
	"strings"

	"earshot"
)

// Cell is one load: everybody who listens receives everybody who talks.
type Cell struct {
	Media     Media
	Talkers   int
	Listeners int
}

// maxPeople bounds a cell: beyond it one machine measures itself.
const maxPeople = 1000

// String is how a cell is written: "audio:10x50".
func (c Cell) String() string { return fmt.Sprintf("%s:%dx%d", c.Media, c.Talkers, c.Listeners) }

// slug is the cell as a file name.
func (c Cell) slug() string { return fmt.Sprintf("%s-%dx%d", c.Media, c.Talkers, c.Listeners) }

// streams is how many streams a listener receives.
func (c Cell) streams() int {
	if c.Media == Mixed {
		return 1
	}
	return c.Talkers
}

// title says the cell in words.
func (c Cell) title() string {
	what := map[Media]string{Audio: "voices", Video: "cameras", Mixed: "voices, mixed by the server,"}[c.Media]
	return fmt.Sprintf("%d %s to %d listeners", c.Talkers, what, c.Listeners)
}

// ParseCells reads "audio:10x50,video:1x100". An error is of code
// invalid_argument and says what to write.
func ParseCells(text string) ([]Cell, error) {
	var cells []Cell
	for _, one := range strings.Split(text, ",") {
		c, err := parseCell(strings.TrimSpace(one))
		if err != nil {
			return nil, err
		}
		cells = append(cells, c)
	}
	return cells, nil
}

func parseCell(text string) (Cell, error) {
	refuse := func(why string) (Cell, error) {
		return Cell{}, earshot.Errorf(earshot.CodeInvalidArgument, "cell %q: %s; write audio:10x50 (10 talkers, 50 listeners), video:5x50 or mixed:10x50", text, why)
	}
	media, size, ok := strings.Cut(text, ":")
	if !ok {
		return refuse("there is no colon")
	}
	switch Media(media) {
	case Audio, Video, Mixed:
	default:
		return refuse("the medium is audio, video or mixed")
	}
	a, b, ok := strings.Cut(size, "x")
	talkers, errA := strconv.Atoi(a)
	listeners, errB := strconv.Atoi(b)
	limit := map[Media]int{Audio: 32, Video: 8, Mixed: maxPeople}[Media(media)]
	switch {
	case !ok || errA != nil || errB != nil:
		return refuse("the size is talkers, x, listeners")
	case talkers < 1 || talkers > limit:
		return refuse(fmt.Sprintf("1 to %d talkers, which is as many slots as a listener of Earshot has", limit))
	case listeners < 1 || talkers+listeners > maxPeople:
		return refuse(fmt.Sprintf("1 or more listeners, and at most %d people", maxPeople))
	}
	return Cell{Media(media), talkers, listeners}, nil
}
