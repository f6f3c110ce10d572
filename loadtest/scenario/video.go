package scenario

import "earshot/loadtest/model"

// smallest is the width of the lowest layer that there is film for.
const smallest = 320

// Rung is one layer of a camera's simulcast.
type Rung struct {
	RID           string // q, h or f, the lowest first; "" where there is one only
	Width, Height int    // pixels, 16 to 9
	FPS, Kbps     int
}

// Rungs returns the layers, the lowest first. Each has half the width of the
// next and a third of its rate, about what browsers do.
func (v *Video) Rungs() []Rung {
	rungs := make([]Rung, v.Layers)
	width, kbps := v.Width, v.Kbps
	for i := v.Layers - 1; i >= 0; i-- {
		rungs[i] = Rung{RID: "qhf"[i : i+1], Width: width, Height: width * 9 / 16, FPS: v.FPS, Kbps: kbps}
		width, kbps = width/2, max(1, kbps/3)
	}
	if v.Layers == 1 {
		rungs[0].RID = ""
	}
	return rungs
}

// Film returns what the camera of one shows. Its layers are those of Rungs, and
// it is asked for a frame of each as often as Rungs say.
func (v *Video) Film(seed uint64) (*model.Film, error) {
	var layers []model.FilmLayer
	for _, r := range v.Rungs() {
		layers = append(layers, model.FilmLayer{Width: r.Width, FPS: r.FPS, Kbps: r.Kbps})
	}
	return model.NewFilm(v.Codec, layers, seed)
}

// usualKbps is what Chromium gives a camera of a width at most, about.
func usualKbps(width int) int {
	switch {
	case width >= 1280:
		return 1500
	case width >= 640:
		return 500
	}
	return 150
}
