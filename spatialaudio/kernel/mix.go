package kernel

// multiplyAddGo is MultiplyAdd in Go.
func multiplyAddGo(acc *Pair, x *Spectrum, h *Pair, gain float32, mirrored bool) {
	left, right := 0, 2
	if mirrored {
		left, right = 2, 0
	}
	for b := range acc {
		a, f := &acc[b], &h[b]
		for l := range Lanes {
			re, im := gain*x[b][0][l], gain*x[b][1][l]
			lr, li, rr, ri := f[left][l], f[left+1][l], f[right][l], f[right+1][l]
			a[0][l] += re*lr - im*li
			a[1][l] += re*li + im*lr
			a[2][l] += re*rr - im*ri
			a[3][l] += re*ri + im*rr
		}
	}
}

// filterGo is Filter in Go.
func filterGo(dst, x, w *Spectrum) {
	for b := range dst {
		for l := range Lanes {
			re, im, wr, wi := x[b][0][l], x[b][1][l], w[b][0][l], w[b][1][l]
			dst[b][0][l], dst[b][1][l] = re*wr-im*wi, re*wi+im*wr
		}
	}
}

// addGo is Add in Go.
func addGo(acc, x *Pair, gain float32) {
	for b := range acc {
		for ear := range acc[b] {
			for l := range Lanes {
				acc[b][ear][l] += gain * x[b][ear][l]
			}
		}
	}
}

// packGo is Pack in Go.
func packGo(z *Complex, a, b *Pair) {
	for k := Blocks*Lanes - 1; k >= 0; k-- {
		v, w, l := &a[k/Lanes], &b[k/Lanes], k%Lanes
		lr, li, rr, ri := v[0][l]+w[0][l], v[1][l]+w[1][l], v[2][l]+w[2][l], v[3][l]+w[3][l]
		z.Re[k], z.Im[k] = li+rr, lr-ri
		if k < N/2 {
			z.Re[N-k], z.Im[N-k] = rr-li, lr+ri
		}
	}
}

// interleaveGo is Interleave in Go.
func interleaveGo(out *Stereo, z *Complex) {
	for i := range Block {
		out[2*i], out[2*i+1] = z.Im[History+i], z.Re[History+i]
	}
}

// crossfadeGo is Crossfade in Go.
func crossfadeGo(out *Stereo, was, is *Complex) {
	for i, f := range fade {
		l, r := is.Im[History+i], is.Re[History+i]
		out[2*i] = l + f*(was.Im[History+i]-l)
		out[2*i+1] = r + f*(was.Re[History+i]-r)
	}
}
