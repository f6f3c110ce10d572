package jitter

// maxQueued is how many frames wait at most: more than a second of 20 ms each.
const maxQueued = 64

// frame is an Opus packet that waits for its turn.
type frame struct {
	ts        int64 // unwrapped
	length    int64 // samples
	seq       uint16
	redundant bool // came as a copy in a later packet
	payload   []byte
}

// queue holds frames in the order of their timestamps. It keeps the memory of
// payloads; once it has seen the largest, it allocates no more.
type queue struct {
	frames [maxQueued]frame
	order  [maxQueued]uint8 // indices of frames: the first n wait, the rest are free
	n      int
	made   bool
}

// first returns the oldest frame, or nil.
func (q *queue) first() *frame { return q.at(0) }

func (q *queue) at(i int) *frame {
	if i >= q.n {
		return nil
	}
	return &q.frames[q.order[i]]
}

// drop removes the oldest frame. Its payload stays readable until the next put.
func (q *queue) drop() {
	free := q.order[0]
	copy(q.order[:], q.order[1:q.n])
	q.n--
	q.order[q.n] = free
}

// clear removes all frames, bytes included.
func (q *queue) clear() {
	for i := range q.frames {
		clear(q.frames[i].payload)
		q.frames[i].payload = q.frames[i].payload[:0]
	}
	q.n = 0
}

// find returns the place of a timestamp, and whether a frame is there.
func (q *queue) find(ts int64) (place int, found bool) {
	i := q.n
	for i > 0 && q.at(i-1).ts >= ts {
		i--
	}
	return i, i < q.n && q.at(i).ts == ts
}

// put adds a frame whose place find returned. Where the queue is full, the
// oldest frame makes room, and put reports it.
func (q *queue) put(place int, f frame) (overflow bool) {
	if !q.made {
		q.made = true
		for i := range q.order {
			q.order[i] = uint8(i)
		}
	}
	if q.n == maxQueued {
		if place == 0 {
			return true // older than all that wait
		}
		q.drop()
		place--
		overflow = true
	}
	slot := q.order[q.n]
	copy(q.order[place+1:q.n+1], q.order[place:q.n])
	q.order[place] = slot
	q.n++
	to := &q.frames[slot]
	f.payload = append(to.payload[:0], f.payload...)
	*to = f
	return overflow
}
