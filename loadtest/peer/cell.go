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
	Picture   string // of Video: a name of pictures, "" for what the Config says
}

// picture returns what a camera sends by its name: one of the three layers of
// LiveKit's own load tester.
func picture(name string) (load VideoLoad, ok bool) {
	switch name {
	case "180p":
		return VideoLoad{Kbps: 150, FPS: 15}, true
	case "360p":
		return VideoLoad{Kbps: 400, FPS: 20}, true
	case "720p":
		return VideoLoad{Kbps: 2000, FPS: 30}, true
	}
	return VideoLoad{}, false
}

// maxPeople bounds a cell: beyond it one machine measures itself.
const maxPeople = 1000

// String is how a cell is written: "audio:10x50", "video:1x100:720p".
func (c Cell) String() string {
	text := fmt.Sprintf("%s:%dx%d", c.Media, c.Talkers, c.Listeners)
	if c.Picture != "" {
		text += ":" + c.Picture
	}
	return text
}

// slug is the cell as a file name.
func (c Cell) slug() string { return strings.ReplaceAll(c.String(), ":", "-") }

// video returns what a camera sends, or other where the cell does not say.
func (c Cell) video(other VideoLoad) VideoLoad {
	if load, ok := picture(c.Picture); ok {
		return load
	}
	return other
}

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
	if c.Picture != "" {
		what += " of " + c.Picture
	}
	return fmt.Sprintf("%d %s to %d listeners", c.Talkers, what, c.Listeners)
}

// ParseCells reads "audio:10x50,video:1x100:720p". An error is of code
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
		return Cell{}, earshot.Errorf(earshot.CodeInvalidArgument, "cell %q: %s; write audio:10x50 (10 talkers, 50 listeners), video:5x50:360p (or 180p, 720p) or mixed:10x50", text, why)
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
	size, name, named := strings.Cut(size, ":")
	if _, known := picture(name); named && (!known || Media(media) != Video) {
		return refuse("a picture is 180p, 360p or 720p, and of video")
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
	return Cell{Media(media), talkers, listeners, name}, nil
}
