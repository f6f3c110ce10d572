package router

// line is a straight line fitted to samples that fade: y = base + slope*x by
// least squares, each sample weighing a little less than the next.
type line struct {
	w, x, y, xx, xy float64
}

// fade is what remains of a sample's weight after the next one: half after 34.
const fade = 0.98

func (l *line) add(x, y float64) {
	l.w = l.w*fade + 1
	l.x = l.x*fade + x
	l.y = l.y*fade + y
	l.xx = l.xx*fade + x*x
	l.xy = l.xy*fade + x*y
}

// at returns the fitted value at x, or otherwise before the first sample. A
// slope needs samples apart from each other; a falling one is noise, since
// more requests never make each of them faster.
func (l *line) at(x, otherwise float64) float64 {
	if l.w == 0 {
		return otherwise
	}
	meanX, meanY := l.x/l.w, l.y/l.w
	spread := l.xx/l.w - meanX*meanX
	if spread < 0.01 {
		return meanY
	}
	slope := max(0, (l.xy/l.w-meanX*meanY)/spread)
	return max(meanY+slope*(x-meanX), meanY/4)
}

// ewma moves old towards sample by the share alpha; the first sample counts whole.
func ewma(old, sample, alpha float64, first bool) float64 {
	if first {
		return sample
	}
	return old + alpha*(sample-old)
}
