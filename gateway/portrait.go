package gateway

import (
	"bytes"
	"hash/fnv"
	"image"
	"image/color"
	"image/png"
	"math"
)

// drawPortrait makes the picture of a card for a character that has none: a
// plain bust before a field of a colour that goes with the name.
func drawPortrait(name string) ([]byte, error) {
	const w, h = 400, 600
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(name))
	hue := float64(hash.Sum32()%360) / 360
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.Set(x, y, shade(hue, float64(x)/w, float64(y)/h))
		}
	}
	var out bytes.Buffer
	err := png.Encode(&out, img)
	return out.Bytes(), err
}

// shade is the colour at a place of the portrait, 0 to 1 both ways.
func shade(hue, x, y float64) color.RGBA {
	head := math.Hypot((x-0.5)/0.17, (y-0.38)/0.14)
	body := math.Hypot((x-0.5)/0.36, (y-1.0)/0.42)
	figure := 1 - smooth(min(head, body), 0.985, 1.015)
	light := 0.30 + 0.25*(1-y)
	return hsl(hue, 0.35, light+figure*(0.42-0.12*y))
}

func smooth(x, from, to float64) float64 {
	t := min(max((x-from)/(to-from), 0), 1)
	return t * t * (3 - 2*t)
}

// hsl converts by the formula of CSS Color 4, section 7.
func hsl(h, s, l float64) color.RGBA {
	at := func(n float64) uint8 {
		k := math.Mod(n+h*12, 12)
		v := l - s*min(l, 1-l)*max(-1, min(k-3, 9-k, 1))
		return uint8(math.Round(255 * min(max(v, 0), 1)))
	}
	return color.RGBA{at(0), at(8), at(4), 255}
}
