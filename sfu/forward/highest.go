package forward

import "time"

// layerGone is how long after its last packet a layer counts as not sent.
const layerGone = time.Second

// Highest follows, among the layers of a video, the highest that comes, for
// who takes one layer and has all the room in the world. It changes where a
// key frame begins. The zero Highest is ready for use; it belongs to one
// goroutine.
type Highest struct {
	seen    [MaxLayers]time.Time
	current int // and 1; 0 before the first
}

// Take notes a packet of a layer, and whether a key frame begins with it. It
// reports whether the packet is of the layer that is followed, and which layer
// needs a key frame for that to change, -1 for none.
func (h *Highest) Take(layer int, starts bool, now time.Time) (take bool, want int) {
	if layer < 0 || layer >= MaxLayers {
		return false, -1
	}
	h.seen[layer] = now
	best := layer
	for l := MaxLayers - 1; l > layer; l-- {
		if !h.seen[l].IsZero() && now.Sub(h.seen[l]) < layerGone {
			best = l
			break
		}
	}
	want = -1
	if h.current-1 != best {
		if layer == best && starts {
			h.current = best + 1
		} else {
			want = best
		}
	}
	return h.current-1 == layer, want
}

// Current returns the layer that is followed, -1 before the first key frame.
func (h *Highest) Current() int { return h.current - 1 }
