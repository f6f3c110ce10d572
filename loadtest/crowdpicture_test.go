package loadtest

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/cmplx"
	"strings"

	"earshot/spatialaudio/spectrum"
)

// The picture of a crowd: a map at the left, at the right the spectrum at both ears
// and their levels over a turn of the listener.
const (
	pictureWidth, pictureHeight = 1000.0, 560.0
	mapLeft, mapTop, mapSize    = 20.0, 84.0, 330.0
	mapMetres                   = 22.0 // from its bottom to its top
	mapBelow                    = 2.0  // metres below the listener
	plotLeft, plotWidth         = 424.0, 556.0
	leftTop, rightTop           = 84.0, 228.0
	spectrumHeight              = 116.0
	levelTop, levelHeight       = 378.0, 130.0
	levelLeast, levelMost       = -36.0, -24.0 // dBFS
	pictureStyle                = `text{font:13px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;fill:#1f2328}.dim{fill:#59636e;font-size:12px}.grid{stroke:#d1d9e0}.box{fill:none;stroke:#d1d9e0}.who{fill:#59636e}.n{fill:#8250df;font-weight:600}.bed{fill:#8250df;fill-opacity:.16;stroke:#8250df}.me{fill:#cf222e}.look{stroke:#cf222e;stroke-width:2;fill:none}.left{stroke:#0969da}.right{stroke:#bc4c00}.l{fill:none;stroke-width:2}.tl{fill:#0969da}.tr{fill:#bc4c00}@media(prefers-color-scheme:dark){text{fill:#d1d7e0}.dim,.who{fill:#9198a1}.grid,.box{stroke:#3d444d}.n{fill:#bc8cff}.left{stroke:#4493f8}.right{stroke:#f0883e}.tl{fill:#4493f8}.tr{fill:#f0883e}}`
)

// svg draws what was heard.
func (h *heardAround) svg() string {
	var b strings.Builder
	fmt.Fprintf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %g %g\" width=\"%[1]g\" height=\"%[2]g\" role=\"img\" aria-label=\"A crowd of a hundred as heard at both ears of a listener who turns round\">\n<style>%s</style>\n",
		pictureWidth, pictureHeight, pictureStyle)
	voices := 0
	for _, bed := range h.beds {
		voices += bed.Voices
	}
	fmt.Fprintf(&b, "<text x=\"%g\" y=\"24\" font-weight=\"600\">A hundred people talk at once, heard by one who turns round</text>\n", mapLeft)
	fmt.Fprintf(&b, "<text class=\"dim\" x=\"%g\" y=\"44\">The server's binaural mix, decoded: the crowd goes from ahead to the right ear, behind, the left ear, and ahead again.</text>\n", mapLeft)
	h.drawMap(&b, voices)
	for ear, top := range [...]float64{leftTop, rightTop} {
		h.drawSpectrum(&b, ear, top)
	}
	h.drawLevels(&b)
	return b.String() + "</svg>\n"
}

// drawMap draws the place from above: the crowd, its beds, the listener.
func (h *heardAround) drawMap(b *strings.Builder, voices int) {
	scale := mapSize / mapMetres
	x := func(metres float64) float64 { return mapLeft + mapSize/2 + metres*scale }
	y := func(metres float64) float64 { return mapTop + mapSize - (mapBelow-metres)*scale }
	fmt.Fprintf(b, "<text x=\"%g\" y=\"%g\">From above</text>\n<rect class=\"box\" x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\"/>\n", mapLeft, mapTop-10, mapLeft, mapTop, mapSize, mapSize)
	for _, bed := range h.beds {
		fmt.Fprintf(b, "<circle class=\"bed\" cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"/>\n", x(float64(bed.Position[0])), y(float64(bed.Position[2])), max(float64(bed.Radius)*scale, 4))
	}
	for _, p := range h.people {
		fmt.Fprintf(b, "<circle class=\"who\" cx=\"%.1f\" cy=\"%.1f\" r=\"2.4\"/>\n", x(float64(p.X)), y(float64(p.Z)))
	}
	for _, bed := range h.beds { // over the people
		fmt.Fprintf(b, "<text class=\"n\" text-anchor=\"middle\" x=\"%.1f\" y=\"%.1f\">%d</text>\n", x(float64(bed.Position[0])), y(float64(bed.Position[2]))+5, bed.Voices)
	}
	fmt.Fprintf(b, "<circle class=\"me\" cx=\"%.1f\" cy=\"%.1f\" r=\"5\"/>\n", x(0), y(0))
	fmt.Fprintf(b, "<path class=\"look\" d=\"M%.1f %.1fv-34m-5 8l5 -8l5 8\"/>\n", x(0), y(0)-7)
	fmt.Fprintf(b, "<path class=\"look\" d=\"M%.1f %.1fa24 24 0 0 0 -17 -7m2 7l-4 -7l8 -3\"/>\n", x(0)-6, y(0)-12)
	fmt.Fprintf(b, "<path class=\"grid\" d=\"M%.1f %.1fh%.1f\"/><text class=\"dim\" x=\"%.1f\" y=\"%.1f\">5 m</text>\n", mapLeft+12, mapTop+mapSize-12, 5*scale, mapLeft+12, mapTop+mapSize-18)
	at := mapTop + mapSize + 24
	for i, line := range [...]string{
		"Red: the listener, who turns to the left once in 16 s.",
		"Grey: a hundred people, each talking without a pause.",
		fmt.Sprintf("Violet: %d beds with %d voices in them, as another", len(h.beds), voices),
		"listener beside, with voice slots, is told of them.",
		"Besides beds a mix has the 32 most audible voices.",
	} {
		fmt.Fprintf(b, "<text class=\"dim\" x=\"%g\" y=\"%g\">%s</text>\n", mapLeft, at+18*float64(i), line)
	}
}

// The analysis for the spectrograms.
const (
	window   = 2048 // samples
	loudest  = -38.0
	faintest = -92.0 // dBFS in a band
	lowHz    = 80.0
	highHz   = 12000.0
)

// drawSpectrum draws what came to an ear, frequency over time.
func (h *heardAround) drawSpectrum(b *strings.Builder, ear int, top float64) {
	name, class := "Left ear", "tl"
	if ear == 1 {
		name, class = "Right ear", "tr"
	}
	fmt.Fprintf(b, "<text class=\"%s\" font-weight=\"600\" x=\"%g\" y=\"%g\">%s</text><text class=\"dim\" text-anchor=\"end\" x=\"%g\" y=\"%g\">spectrum, %g to %g dBFS a band</text>\n", class, plotLeft, top-8, name, plotLeft+plotWidth, top-8, faintest, loudest)
	fmt.Fprintf(b, "<image x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\" preserveAspectRatio=\"none\" href=\"data:image/png;base64,%s\"/>\n",
		plotLeft, top, plotWidth, spectrumHeight, base64.StdEncoding.EncodeToString(spectrogram(h.ears[ear], int(plotWidth), int(spectrumHeight))))
	for _, hz := range []float64{100, 1000, 10000} {
		at := top + spectrumHeight*(1-math.Log(hz/lowHz)/math.Log(highHz/lowHz))
		text := fmt.Sprintf("%g Hz", hz)
		if hz >= 1000 {
			text = fmt.Sprintf("%g kHz", hz/1000)
		}
		fmt.Fprintf(b, "<text class=\"dim\" text-anchor=\"end\" x=\"%g\" y=\"%.1f\">%s</text>\n", plotLeft-8, at+4, text)
	}
}

// spectrogram returns a picture: power in bands of equal width on a logarithmic
// scale, dark where there is little.
func spectrogram(pcm []float64, width, height int) []byte {
	img := image.NewPaletted(image.Rect(0, 0, width, height), palette())
	bands := make([]float64, height)
	x := make([]complex128, window)
	for column := range width {
		from := column * max(len(pcm)-window, 0) / width
		for i := range x {
			x[i] = 0
			if from+i < len(pcm) {
				x[i] = complex(pcm[from+i]*(0.5-0.5*math.Cos(2*math.Pi*float64(i)/window)), 0)
			}
		}
		spectrum.FFT(x)
		for row := range bands {
			low := lowHz * math.Pow(highHz/lowHz, float64(row)/float64(height)) * window / heardRate
			high := lowHz * math.Pow(highHz/lowHz, float64(row+1)/float64(height)) * window / heardRate
			bands[row] = powerBetween(x, low, high)
		}
		for row, power := range bands {
			share := (decibels(power) - faintest) / (loudest - faintest)
			img.SetColorIndex(column, height-1-row, uint8(255*min(max(share, 0), 1)))
		}
	}
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&out, img); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// powerBetween is that of a spectrum of Hann-windowed samples between two bins, as
// of a full-scale sine, 1/2.
func powerBetween(x []complex128, low, high float64) (power float64) {
	const hann = 3.0 / 8 * window * window / 2 // of a sine of power 1/2, over all its bins
	for bin := int(low); bin <= int(high); bin++ {
		part := min(high, float64(bin+1)) - max(low, float64(bin))
		a := cmplx.Abs(x[bin])
		power += part * a * a / hann
	}
	return power / 2
}

// palette goes from night blue over violet and orange to a pale yellow.
func palette() (p color.Palette) {
	stops := [...][3]float64{{8, 10, 34}, {58, 24, 106}, {142, 42, 110}, {216, 84, 72}, {250, 168, 60}, {252, 246, 190}}
	for i := range 256 {
		at := float64(i) / 255 * float64(len(stops)-1)
		k := min(int(at), len(stops)-2)
		mix := func(c int) uint8 {
			return uint8(math.Round(stops[k][c] + (at-float64(k))*(stops[k+1][c]-stops[k][c])))
		}
		p = append(p, color.RGBA{mix(0), mix(1), mix(2), 255})
	}
	return p
}

// drawLevels draws the levels at both ears.
func (h *heardAround) drawLevels(b *strings.Builder) {
	y := func(db float64) float64 {
		return levelTop + levelHeight*(1-(min(max(db, levelLeast), levelMost)-levelLeast)/(levelMost-levelLeast))
	}
	fmt.Fprintf(b, "<text x=\"%g\" y=\"%g\"><tspan font-weight=\"600\">Level</tspan> at the <tspan class=\"tl\">left</tspan> and the <tspan class=\"tr\">right</tspan> ear, dBFS, over half a second</text>\n", plotLeft, levelTop-10)
	for db := levelLeast; db <= levelMost; db += 3 {
		fmt.Fprintf(b, "<path class=\"grid\" d=\"M%g %.1fh%g\"/><text class=\"dim\" text-anchor=\"end\" x=\"%g\" y=\"%.1f\">%g</text>\n", plotLeft, y(db), plotWidth, plotLeft-8, y(db)+4, db)
	}
	for i, where := range [...]string{"ahead", "at the right", "behind", "at the left", "ahead"} {
		x, anchor := plotLeft+plotWidth*float64(i)/4, [...]string{"start", "middle", "middle", "middle", "end"}[i]
		fmt.Fprintf(b, "<path class=\"grid\" d=\"M%.1f %gv%g\"/>", x, levelTop, levelHeight)
		fmt.Fprintf(b, "<text text-anchor=\"%s\" x=\"%.1f\" y=\"%g\">%s</text>", anchor, x, levelTop+levelHeight+20, where)
		fmt.Fprintf(b, "<text class=\"dim\" text-anchor=\"%s\" x=\"%.1f\" y=\"%g\">%d s</text>\n", anchor, x, levelTop+levelHeight+38, i*int(heardTurn.Seconds())/4)
	}
	for ear, class := range [...]string{"left", "right"} {
		fmt.Fprintf(b, "<path class=\"l %s\" d=\"%s\"/>\n", class, h.levelPath(ear, y))
	}
}

// levelPath is the line of an ear's level, half a second around each point.
func (h *heardAround) levelPath(ear int, y func(float64) float64) string {
	var b strings.Builder
	pcm, points := h.ears[ear], 160
	for i := range points + 1 {
		at, sum, n := i*len(pcm)/points, 0.0, 0
		for k := max(at-heardRate/4, 0); k < min(at+heardRate/4, len(pcm)); k++ {
			sum += pcm[k] * pcm[k]
			n++
		}
		letter := "L"
		if i == 0 {
			letter = "M"
		}
		fmt.Fprintf(&b, "%s%.1f %.1f", letter, plotLeft+plotWidth*float64(i)/float64(points), y(decibels(sum/float64(max(n, 1)))))
	}
	return b.String()
}
