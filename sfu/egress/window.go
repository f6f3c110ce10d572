package egress

// replayWindow is how far behind the newest packet one may be. It is what pion
// takes; RFC 3711, section 3.3.2, asks for at least as much.
const replayWindow = 64

// window remembers which of the last replayWindow indices there were. The zero
// window has seen none.
type window struct {
	started bool
	newest  int64
	seen    uint64 // which of those from newest on, backwards, came
}

// fresh reports whether an index may be taken: it did not come, and is not too
// old to know.
func (w *window) fresh(index int64) bool {
	behind := w.newest - index
	return !w.started || behind < 0 || behind < replayWindow && w.seen>>behind&1 == 0
}

func (w *window) note(index int64) {
	switch ahead := index - w.newest; {
	case !w.started || ahead >= replayWindow:
		w.seen = 1
	case ahead > 0:
		w.seen = w.seen<<ahead | 1
	default:
		w.seen |= 1 << -ahead
		return
	}
	w.started, w.newest = true, index
}
