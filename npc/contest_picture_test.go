package npc

import (
	"bytes"
	"fmt"
	"math"
	"time"
)

// The picture's measures, in pixels.
const (
	pictureWidth = 760
	leftEdge     = 160
	rightEdge    = 650
	topEdge      = 34
	rowHeight    = 40
)

// across is where a time lies on the axis, which is logarithmic.
func across(d time.Duration) float64 {
	const from, to = float64(20 * time.Millisecond), float64(10 * time.Second)
	x := math.Log(max(float64(d), from)/from) / math.Log(to/from)
	return leftEdge + min(x, 1)*(rightEdge-leftEdge)
}

// picture draws each policy's median and 99th percentile of the time to the
// first token, and how far the latter lay apart in the rounds. It follows the
// reader's choice of a light or dark page.
func picture(r results) []byte {
	var b bytes.Buffer
	bottom := topEdge + rowHeight*len(entrants())
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="Time to the first token by placement policy, median and 99th percentile">
<style>
text{font:13px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;fill:#1f2328}
.dim{fill:#59636e;font-size:12px} .grid{stroke:#d1d9e0} .mark{stroke:#9a6700;stroke-dasharray:4 4}
.line{stroke:#818b98;stroke-width:2} .span{stroke:#818b98;stroke-width:8;stroke-opacity:.4;stroke-linecap:round} .dot{fill:#59636e} .ring{fill:#fff;stroke:#59636e;stroke-width:2}
.ours text{font-weight:600} .ours .line,.ours .span,.ours .ring{stroke:#0969da} .ours .dot{fill:#0969da}
@media (prefers-color-scheme:dark){text{fill:#f0f6fc}.dim{fill:#9198a1}.grid{stroke:#3d444d}.mark{stroke:#d29922}.line,.span{stroke:#656c76}.dot{fill:#9198a1}.ring{fill:#0d1117;stroke:#9198a1}
.ours .line,.ours .span,.ours .ring{stroke:#4493f8}.ours .dot{fill:#4493f8}}
</style>
`, pictureWidth, bottom+58, pictureWidth, bottom+58)
	for _, ms := range []int{20, 50, 100, 200, 500, 1000, 2000, 5000, 10000} {
		x, class, label := across(time.Duration(ms)*time.Millisecond), "grid", fmt.Sprintf("%d ms", ms)
		if ms == 500 {
			class = "mark"
		}
		if ms >= 1000 {
			label = fmt.Sprintf("%d s", ms/1000)
		}
		fmt.Fprintf(&b, `<line class="%s" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/><text class="dim" x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n",
			class, x, x, topEdge-10, bottom, x, bottom+18, label)
	}
	fmt.Fprintf(&b, `<text class="dim" x="%d" y="14">time to the first token</text><text class="dim" x="%d" y="14">p99</text>`+"\n", leftEdge, rightEdge+16)
	for i, e := range entrants() {
		row(&b, e.name, r.figures(e.name, contestWarmUp), topEdge+rowHeight*i+rowHeight/2)
	}
	fmt.Fprintf(&b, `<g transform="translate(%d,%d)"><circle class="ring" cx="6" r="5"/><text class="dim" x="18" y="4">median</text><circle class="dot" cx="86" r="5"/><text class="dim" x="98" y="4">99th percentile, with its span over the rounds</text></g>`+"\n</svg>\n", leftEdge, bottom+42)
	return b.Bytes()
}

func row(b *bytes.Buffer, name string, all []figures, y int) {
	class := "other"
	if name == "Earshot" {
		class = "ours"
	}
	_, p50, _ := spread(all, func(f figures) time.Duration { return f.p50 })
	least, p99, most := spread(all, func(f figures) time.Duration { return f.p99 })
	label := fmt.Sprintf("%d ms", p99.Milliseconds())
	if p99 >= time.Second {
		label = fmt.Sprintf("%.1f s", p99.Seconds())
	}
	fmt.Fprintf(b, `<g class="%s"><text x="%d" y="%d" text-anchor="end">%s</text><line class="line" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/>`+
		`<line class="span" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/><circle class="ring" cx="%.1f" cy="%d" r="5"/><circle class="dot" cx="%.1f" cy="%d" r="5"/><text x="%d" y="%d">%s</text></g>`+"\n",
		class, leftEdge-14, y+4, name, across(p50), across(p99), y, y, across(least), across(most)+.1, y, y, across(p50), y, across(p99), y, rightEdge+16, y+4, label)
}
