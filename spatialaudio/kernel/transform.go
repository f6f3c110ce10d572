package kernel

import "math"

// transformGo is Transform in Go.
func transformGo(dst, src *Complex) {
	radix4Go(dst, src, tables.first[:], columns/4, 1)
	radix4Go(src, dst, tables.second[:], columns/16, 4)
	radix3Go(dst, src, tables.third[:], columns/48, 16)
	radix3Go(src, dst, one[:], 1, 48)
	finishGo(dst, src)
}

// one is the twiddle of a last pass.
var one = [1][4]float32{{1, 0, 1, 0}}

// radix4Go is a Stockham pass: m groups of 4 points m*s apart in src become
// neighbours s apart in dst.
func radix4Go(dst, src *Complex, tw [][6]float32, m, s int) {
	for p := range m {
		w := &tw[p]
		for q := range s {
			i, o := (q+s*p)*Lanes, (q+s*4*p)*Lanes
			step, out := s*m*Lanes, s*Lanes
			for l := range Lanes {
				x0r, x0i := src.Re[i+l], src.Im[i+l]
				x1r, x1i := src.Re[i+step+l], src.Im[i+step+l]
				x2r, x2i := src.Re[i+2*step+l], src.Im[i+2*step+l]
				x3r, x3i := src.Re[i+3*step+l], src.Im[i+3*step+l]
				ar, ai, br, bi := x0r+x2r, x0i+x2i, x0r-x2r, x0i-x2i
				cr, ci, dr, di := x1r+x3r, x1i+x3i, x1r-x3r, x1i-x3i
				dst.Re[o+l], dst.Im[o+l] = ar+cr, ai+ci
				dst.Re[o+out+l], dst.Im[o+out+l] = times(br+di, bi-dr, w[0], w[1])
				dst.Re[o+2*out+l], dst.Im[o+2*out+l] = times(ar-cr, ai-ci, w[2], w[3])
				dst.Re[o+3*out+l], dst.Im[o+3*out+l] = times(br-di, bi+dr, w[4], w[5])
			}
		}
	}
}

// sin60 is what the points of a radix-3 butterfly are apart.
var sin60 = float32(math.Sqrt(3) / 2)

func radix3Go(dst, src *Complex, tw [][4]float32, m, s int) {
	for p := range m {
		w := &tw[p]
		for q := range s {
			i, o := (q+s*p)*Lanes, (q+s*3*p)*Lanes
			step, out := s*m*Lanes, s*Lanes
			for l := range Lanes {
				x0r, x0i := src.Re[i+l], src.Im[i+l]
				x1r, x1i := src.Re[i+step+l], src.Im[i+step+l]
				x2r, x2i := src.Re[i+2*step+l], src.Im[i+2*step+l]
				tr, ti, ur, ui := x1r+x2r, x1i+x2i, sin60*(x1r-x2r), sin60*(x1i-x2i)
				cr, ci := x0r-tr/2, x0i-ti/2
				dst.Re[o+l], dst.Im[o+l] = x0r+tr, x0i+ti
				dst.Re[o+out+l], dst.Im[o+out+l] = times(cr+ui, ci-ur, w[0], w[1])
				dst.Re[o+2*out+l], dst.Im[o+2*out+l] = times(cr-ui, ci+ur, w[2], w[3])
			}
		}
	}
}

// finishGo turns the lanes, whose transforms are done, and transforms across
// them.
func finishGo(dst, src *Complex) {
	const r = math.Sqrt2 / 2
	for k := range columns {
		var re, im [Lanes]float32
		w := &tables.last[k]
		for n := range Lanes {
			re[n], im[n] = times(src.Re[k*Lanes+n], src.Im[k*Lanes+n], w[0][n], w[1][n])
		}
		four(&re, &im, 0)
		four(&re, &im, 1)
		// The odd half times e^(-j2pi k/8).
		re[3], im[3] = r*(re[3]+im[3]), r*(im[3]-re[3])
		re[5], im[5] = im[5], -re[5]
		re[7], im[7] = r*(im[7]-re[7]), -r*(re[7]+im[7])
		for n := range 4 {
			dst.Re[k+columns*n], dst.Im[k+columns*n] = re[2*n]+re[2*n+1], im[2*n]+im[2*n+1]
			dst.Re[k+columns*(n+4)], dst.Im[k+columns*(n+4)] = re[2*n]-re[2*n+1], im[2*n]-im[2*n+1]
		}
	}
}

// four transforms the points first, first+2, ... in place.
func four(re, im *[Lanes]float32, first int) {
	a, b, c, d := first, first+2, first+4, first+6
	pr, pi, qr, qi := re[a]+re[c], im[a]+im[c], re[a]-re[c], im[a]-im[c]
	sr, si, tr, ti := re[b]+re[d], im[b]+im[d], re[b]-re[d], im[b]-im[d]
	re[a], im[a] = pr+sr, pi+si
	re[b], im[b] = qr+ti, qi-tr
	re[c], im[c] = pr-sr, pi-si
	re[d], im[d] = qr-ti, qi+tr
}

func times(ar, ai, br, bi float32) (re, im float32) { return ar*br - ai*bi, ar*bi + ai*br }
