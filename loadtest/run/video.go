package run

import (
	"time"

	"earshot/gateway/protocol"
	"earshot/loadtest"
	"earshot/loadtest/report"
	"earshot/loadtest/truth"
)

// maxScreens is how many video slots there can be.
const maxScreens = 8

// screen is how a person sees others' cameras. Its ear's mutex guards it.
type screen struct {
	slots  [maxScreens]picture
	since  time.Time
	totals watched
}

// picture is one video slot.
type picture struct {
	shown  bool
	next   uint16 // sequence number expected
	seen   bool   // next holds
	began  time.Time
	frame  time.Time // when the last complete frame came
	every  time.Duration
	stamp  uint32
	intact bool // no packet of the present frame is missing
}

// watched are figures of video that add up.
type watched struct {
	latency        truth.Histogram
	expected, lost int64
	bytes          float64
	shown, frozen  float64 // s
}

// freezeFrom is from when on a picture counts as frozen.
const freezeFrom = 150 * time.Millisecond

func (s *screen) rejoin() { s.slots = [maxScreens]picture{} }

func (s *screen) reset(now time.Time) {
	s.since, s.totals = now, watched{}
	for i := range s.slots {
		if p := &s.slots[i]; p.shown {
			p.began, p.frame = now, now
		}
	}
}

// shown takes what the server says is in the slots.
func (s *screen) shown(at time.Time, list []protocol.Slot) {
	for i := range list {
		n := list[i].Slot
		if n < 0 || n >= maxScreens {
			continue
		}
		p := &s.slots[n]
		if shown := list[i].Participant != ""; shown != p.shown {
			if p.shown {
				s.totals.shown += at.Sub(p.began).Seconds()
				s.freeze(p, at)
			}
			*p = picture{shown: shown, began: at, frame: at}
		}
	}
}

// freeze counts the time since the last frame, where that is too long.
func (s *screen) freeze(p *picture, at time.Time) {
	if gap := at.Sub(p.frame); gap > max(freezeFrom, 3*p.every) {
		s.totals.frozen += gap.Seconds()
	}
	p.frame = at
}

// see takes a video packet.
func (e *ear) see(slot int, at time.Time, v *loadtest.VideoPacket) {
	if slot < 0 || slot >= maxScreens {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.screen.take(&e.screen.slots[slot], at, v)
}

func (s *screen) take(p *picture, at time.Time, v *loadtest.VideoPacket) {
	t := &s.totals
	t.bytes += float64(v.Bytes)
	missing := int16(0)
	if p.seen {
		missing = int16(v.Seq - p.next)
	}
	switch {
	case missing < 0: // repaired: it had counted as lost
		t.lost = max(0, t.lost-1)
		return
	case missing > 0:
		t.lost += int64(missing)
		t.expected += int64(missing)
		p.intact = false
	}
	t.expected++
	p.next, p.seen = v.Seq+1, true
	if v.First {
		p.intact = true
	}
	if !v.Last {
		return
	}
	if v.Marked {
		t.latency.Add(float64(at.Sub(v.Mark.At)) / float64(time.Millisecond))
	}
	if p.stamp != 0 {
		p.every = time.Duration(v.Timestamp-p.stamp) * time.Second / 90000
	}
	p.stamp = v.Timestamp
	if p.intact {
		s.freeze(p, at)
	}
}

// account ends the account of a window.
func (s *screen) account(now time.Time, all *watched, m report.Metrics) {
	t := &s.totals
	for i := range s.slots {
		if p := &s.slots[i]; p.shown {
			t.shown += now.Sub(p.began).Seconds()
			p.began = now
			if gap := now.Sub(p.frame); gap > max(freezeFrom, 3*p.every) {
				t.frozen += gap.Seconds()
			}
		}
	}
	t.metrics(m)
	all.latency.Merge(&t.latency)
	all.expected += t.expected
	all.lost += t.lost
	all.bytes += t.bytes
	all.shown += t.shown
	all.frozen += t.frozen
}

func (w *watched) metrics(m report.Metrics) {
	if w.shown <= 0 {
		return
	}
	m["video.freeze_share"] = min(1, w.frozen/w.shown)
	m["video.kbps"] = w.bytes * 8 / 1000 / w.shown
	if w.expected > 0 {
		m["video.loss_share"] = float64(w.lost) / float64(w.expected)
	}
}

func (w *watched) report(m *measured) {
	w.metrics(m.metrics)
	m.put("video.latency_ms", distribution(&w.latency, "ms"))
}
