package router

// budget allows something for a share of the requests that are dispatched.
type budget struct {
	share, credit, most float64
}

func (b *budget) earn() { b.credit = min(b.credit+b.share, b.most) }

// spend reports whether there is credit, and takes it.
func (b *budget) spend() bool {
	if b.credit < 1 {
		return false
	}
	b.credit--
	return true
}

const (
	hedgeBurst = 16.0
	retryBurst = 32.0 // also the credit to start with, so that a pool's first errors are retried
)

// tail is an estimate of a high quantile of the first tokens' lateness, the
// time taken over the time predicted. Each sample moves it by a step, up so
// much more than down that it rests where one in twenty is above it.
type tail struct{ ratio float64 }

const (
	tailStart = 3.0
	tailLeast = 1.2
	tailMost  = 20.0
)

func (t *tail) add(took, predicted float64) {
	if predicted <= 0 {
		return
	}
	if took/predicted > t.ratio {
		t.ratio *= 1.095
	} else {
		t.ratio *= 0.995
	}
	t.ratio = min(max(t.ratio, tailLeast), tailMost)
}
