package loadtest

import (
	"time"

	"github.com/pion/rtp"
)

// eyes is what a bot sees in its video slots.
type eyes struct {
	tell func(slot int, at time.Time, p *VideoPacket) // Config.See
	one  VideoPacket                                  // what tell is given; take is called by one goroutine at a time
	last map[int]uint32                               // time stamp of the last packet, by slot
}

func newEyes(cfg *Config) *eyes {
	return &eyes{tell: cfg.See, last: map[int]uint32{}}
}

func (e *eyes) take(slot int, at time.Time, h *rtp.Header, payload []byte) {
	if e.tell == nil {
		return
	}
	last, before := e.last[slot]
	e.last[slot] = h.Timestamp
	e.one = VideoPacket{
		Seq: h.SequenceNumber, Timestamp: h.Timestamp, Bytes: len(payload), Last: h.Marker,
		First: !before || last != h.Timestamp,
	}
	if h.PayloadType == h264Payload {
		e.one.Key = keyH264(payload)
	} else {
		e.one.First, e.one.Key = firstVP8(payload)
	}
	if h.Marker {
		e.one.Mark, e.one.Marked = readMark(payload)
	}
	e.tell(slot, at, &e.one)
}

// firstVP8 reads a payload's descriptor and the first byte of the frame
// (RFC 7741 sections 4.2 and 4.3).
func firstVP8(b []byte) (first, key bool) {
	if len(b) == 0 || b[0]&0x1f != 0x10 {
		return false, false // not the start of partition 0
	}
	i := 1
	if b[0]&0x80 != 0 {
		if len(b) < 2 {
			return true, false
		}
		extension := b[1]
		i++
		if extension&0x80 != 0 {
			if len(b) > i && b[i]&0x80 != 0 {
				i++
			}
			i++
		}
		if extension&0x40 != 0 {
			i++
		}
		if extension&0x30 != 0 {
			i++
		}
	}
	return true, i < len(b) && b[i]&1 == 0
}

// keyH264 reports whether a payload begins parameter sets or an IDR slice
// (RFC 6184 sections 5.6 to 5.8).
func keyH264(b []byte) bool {
	const slice, parameters, aggregate, fragment = 5, 7, 24, 28
	if len(b) == 0 {
		return false
	}
	switch b[0] & 0x1f {
	case slice, parameters:
		return true
	case aggregate:
		return len(b) > 3 && (b[3]&0x1f == parameters || b[3]&0x1f == slice)
	case fragment:
		return len(b) > 1 && b[1]&0x80 != 0 && b[1]&0x1f == slice
	}
	return false
}
