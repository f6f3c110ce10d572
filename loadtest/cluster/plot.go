package cluster

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// The plot of silences, in pixels, and its time axis, in ms.
const (
	plotWidth, plotHeight     = 860.0, 466.0
	plotLeft, plotRight       = 56.0, 836.0
	plotTop, plotBottom       = 132.0, 410.0
	plotShortest, plotLongest = 10.0, 10_000.0
)

const plotStyle = `text{font:13px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;fill:#1f2328}` +
	`.dim{fill:#59636e;font-size:12px}.grid{stroke:#d1d9e0}.limit{stroke:#cf222e;stroke-dasharray:2 4}.c{fill:none;stroke-width:2}` +
	`.kill{stroke:#bc4c00}.drain{stroke:#0969da}.tkill{fill:#bc4c00}.tdrain{fill:#0969da}.as{stroke-dasharray:7 4}` +
	`@media(prefers-color-scheme:dark){text{fill:#d1d7e0}.dim{fill:#9198a1}.grid{stroke:#3d444d}.limit{stroke:#f85149}` +
	`.kill{stroke:#db6d28}.drain{stroke:#4493f8}.tkill{fill:#db6d28}.tdrain{fill:#4493f8}}`

// Silences draws for how long each person whose node was killed, or told to end,
// heard nobody, and was heard by nobody: an SVG of its own, with the shares of
// people by time. It is empty where the result has no such figures.
func (r *Result) Silences() []byte {
	var b strings.Builder
	drawn := 0
	limits := map[float64]bool{}
	for _, s := range r.Scenarios {
		if s.Name != "kill" && s.Name != "drain" {
			continue
		}
		of := 0
		for i := range s.Figures {
			f := &s.Figures[i]
			if f.Limit == nil || f.Limit.Of != "p95" || len(f.Samples) == 0 { // of people, not of nodes
				continue
			}
			class := s.Name
			if of++; of == 2 {
				class += " as"
			}
			fmt.Fprintf(&b, `<path class="c %s" d="%s"/>`+"\n", class, steps(f.Samples))
			x, y := 20+410*float64(drawn%2), 74+20*float64(drawn/2)
			fmt.Fprintf(&b, `<line class="c %s" x1="%g" x2="%g" y1="%[4]g" y2="%[4]g"/><text class="t%s" x="%g" y="%g">%s: %s (%d)</text>`+"\n", class, x, x+26, y-4,
				s.Name, x+34, y, map[string]string{"kill": "killed", "drain": "told to end"}[s.Name], html.EscapeString(f.Name), len(f.Samples))
			if !limits[f.Limit.MS] {
				limits[f.Limit.MS] = true
				fmt.Fprintf(&b, `<line class="limit" x1="%[1]g" y1="%[2]g" x2="%[1]g" y2="%[3]g"/><text class="dim" x="%[1]g" y="%[4]g" text-anchor="middle">p95 at most %[5]s</text>`+"\n",
					plotX(f.Limit.MS), plotTop, plotBottom, plotTop-7, round(f.Limit.MS))
			}
			drawn++
		}
	}
	if drawn == 0 {
		return nil
	}
	var all strings.Builder
	fmt.Fprintf(&all, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]g %[2]g" width="%[1]g" height="%[2]g" role="img" aria-label="For how long people heard nobody, or were heard by nobody, when their node was killed or told to end">`+"\n<style>%[3]s</style>\n", plotWidth, plotHeight, plotStyle)
	fmt.Fprintf(&all, `<text x="20" y="26" font-weight="600">Silence per person when their node is killed, or told to end</text>`+"\n"+
		`<text class="dim" x="20" y="48">%s</text>`+"\n", html.EscapeString(fmt.Sprintf("%d people who talk without a pause, %d instances, %d nodes and their bots on %d cores; %s", r.People, r.Instances, r.Nodes, r.Machine.Cores, r.Store)))
	for share := 0; share <= 100; share += 25 {
		y := plotY(float64(share) / 100)
		fmt.Fprintf(&all, `<line class="grid" x1="%g" y1="%[3]g" x2="%[2]g" y2="%[3]g"/><text class="dim" x="%[4]g" y="%[5]g" text-anchor="end">%[6]d %%</text>`+"\n", plotLeft, plotRight, y, plotLeft-8, y+4, share)
	}
	for ms := plotShortest; ms <= plotLongest; ms *= 10 {
		for _, times := range []float64{1, 2, 5} {
			if at := ms * times; at <= plotLongest {
				fmt.Fprintf(&all, `<line class="grid" x1="%[1]g" y1="%[2]g" x2="%[1]g" y2="%[3]g"/><text class="dim" x="%[1]g" y="%[4]g" text-anchor="middle">%[5]s</text>`+"\n", plotX(at), plotBottom, plotBottom+5, plotBottom+20, round(at))
			}
		}
	}
	fmt.Fprintf(&all, `<text class="dim" x="%g" y="%g" text-anchor="middle">silence of at most so long, of so many of the people</text>`+"\n", (plotLeft+plotRight)/2, plotHeight-12)
	return []byte(all.String() + b.String() + "</svg>\n")
}

// steps is the path of the share of samples, sorted and in ms, that are at most
// so long.
func steps(samples []float64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "M%g %g", plotLeft, plotBottom)
	for i, ms := range samples {
		fmt.Fprintf(&b, "H%.1fV%.1f", plotX(ms), plotY(float64(i+1)/float64(len(samples))))
	}
	fmt.Fprintf(&b, "H%g", plotRight)
	return b.String()
}

func plotX(ms float64) float64 {
	ms = min(max(ms, plotShortest), plotLongest)
	x := plotLeft + (plotRight-plotLeft)*math.Log(ms/plotShortest)/math.Log(plotLongest/plotShortest)
	return math.Round(10*x) / 10
}

func plotY(share float64) float64 { return plotBottom - (plotBottom-plotTop)*share }

func round(ms float64) string {
	if ms >= 1000 {
		return fmt.Sprintf("%g s", ms/1000)
	}
	return fmt.Sprintf("%g ms", ms)
}
