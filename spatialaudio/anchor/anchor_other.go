//go:build !amd64

package anchor

func convolve(y *[4][MaxDelay + Block]float32, x *[Taps - 1 + Block]float32, h *filters) {
	convolveGo(y, x, h)
}
