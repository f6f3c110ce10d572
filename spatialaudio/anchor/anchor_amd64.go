package anchor

import "golang.org/x/sys/cpu"

var avx2 = cpu.X86.HasAVX2 && cpu.X86.HasFMA

func convolve(y *[4][MaxDelay + Block]float32, x *[Taps - 1 + Block]float32, h *filters) {
	if avx2 {
		convolveAVX2(y, x, h)
	} else {
		convolveGo(y, x, h)
	}
}

// convolveAVX2 is convolveGo: 24 samples of four signals at a time, all sums in
// registers.
//
//go:noescape
func convolveAVX2(y *[4][MaxDelay + Block]float32, x *[Taps - 1 + Block]float32, h *filters)
