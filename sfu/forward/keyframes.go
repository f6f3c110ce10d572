package forward

import "time"

// Times of asking a publisher for a key frame.
const (
	KeyFrameInterval = 500 * time.Millisecond // at most one request in
	KeyFrameRetry    = time.Second            // ask again when none came for
)

// KeyFrames merges the wishes of many listeners for a key frame of one
// publication into few requests to its publisher. A key frame serves all who
// asked before it, so that no listener can make a publisher send one more
// often than KeyFrameInterval. The zero KeyFrames is ready for use.
type KeyFrames struct {
	asked  time.Time
	wanted bool
	sent   bool // the present wish was passed on
}

// Want notes that a listener needs a key frame and reports whether to ask the
// publisher now.
func (k *KeyFrames) Want(now time.Time) bool {
	k.wanted = true
	return k.Due(now)
}

// Due reports whether to ask the publisher now: somebody wants a key frame and
// none has been asked for since, or none came. It is to be called now and then.
func (k *KeyFrames) Due(now time.Time) bool {
	if !k.wanted {
		return false
	}
	wait := KeyFrameInterval
	if k.sent {
		wait = KeyFrameRetry
	}
	if !k.asked.IsZero() && now.Sub(k.asked) < wait {
		return false
	}
	k.asked, k.sent = now, true
	return true
}

// Arrived notes a key frame.
func (k *KeyFrames) Arrived() { k.wanted, k.sent = false, false }
