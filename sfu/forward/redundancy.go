package forward

// What of a slot's voice is remembered for redundancy.
const (
	MaxRedundancy = 2    // earlier frames that every packet carries at most
	MaxRescue     = 13   // that one packet carries after a surge, which swallowed up to 260 ms of voice
	keptFrames    = 16   // some more, so that frames may come out of order
	keptSize      = 320  // bytes of one: a voice at 128 kbit/s; what is larger is not repeated
	maxREDPacket  = 1200 // bytes of a payload with its earlier frames, so that it fits the path
)

// Redundancy packs the frames of a slot with those that it sent before
// (RFC 2198), so that a listener who loses a packet finds its sound in the next.
// What it remembers is of one epoch of the slot's Rewriter: whoever may not be
// heard any more, because they were muted, denied or left the slot, cannot come
// with somebody else's packet either. The zero Redundancy is ready for use.
type Redundancy struct {
	epoch  uint32
	frames [keptFrames]keptFrame // by sequence number
	packed [maxREDPacket]byte
}

type keptFrame struct {
	used      bool
	seq       uint16
	timestamp uint32
	size      int
	data      [keptSize]byte
}

// Forget drops what is remembered, bytes included.
func (r *Redundancy) Forget() {
	for i := range r.frames {
		f := &r.frames[i]
		clear(f.data[:f.size])
		f.used, f.size = false, 0
	}
}

// Pack returns a frame of Opus together with up to depth that left just before
// it in the same epoch, and remembers it. ok is false where there is none to
// repeat: the frame then goes as it is. pt is the payload type of the frames.
// The result is good until the next call.
func (r *Redundancy) Pack(epoch uint32, stamp Stamp, pt uint8, payload []byte, depth int) (packed []byte, ok bool) {
	if epoch != r.epoch {
		r.Forget()
		r.epoch = epoch
	}
	packed, ok = r.pack(stamp, pt, payload, min(depth, MaxRescue))
	r.keep(stamp, payload)
	return packed, ok
}

func (r *Redundancy) pack(stamp Stamp, pt uint8, payload []byte, depth int) ([]byte, bool) {
	if depth < 1 {
		return nil, false
	}
	var earlier [MaxRescue]*keptFrame
	n, size := 0, 1+len(payload)
	for back := 1; back <= depth; back++ {
		f := r.get(stamp.Seq - uint16(back))
		if f == nil || stamp.Timestamp-f.timestamp > maxREDOffset || size+redHeader+f.size > maxREDPacket {
			continue
		}
		earlier[n] = f
		n++
		size += redHeader + f.size
	}
	if n == 0 || size > maxREDPacket {
		return nil, false
	}
	b := r.packed[:0]
	for i := n - 1; i >= 0; i-- { // the oldest first
		b = appendREDHeader(b, pt, stamp.Timestamp-earlier[i].timestamp, earlier[i].size)
	}
	b = append(b, pt)
	for i := n - 1; i >= 0; i-- {
		b = append(b, earlier[i].data[:earlier[i].size]...)
	}
	return append(b, payload...), true
}

func (r *Redundancy) get(seq uint16) *keptFrame {
	if f := &r.frames[seq%keptFrames]; f.used && f.seq == seq {
		return f
	}
	return nil
}

func (r *Redundancy) keep(stamp Stamp, payload []byte) {
	f := &r.frames[stamp.Seq%keptFrames]
	if f.used && int16(stamp.Seq-f.seq) < 0 {
		return // it is late, and what came after it is kept
	}
	f.used = len(payload) > 0 && len(payload) <= keptSize
	if !f.used {
		return
	}
	f.seq, f.timestamp = stamp.Seq, stamp.Timestamp
	f.size = copy(f.data[:], payload)
}
