package gateway

import (
	"time"

	"earshot"
	"earshot/sfu"
	"earshot/sfu/relay/wire"
)

// outgoing is the one copy of a publication that goes to another node.
type outgoing struct {
	end    *end
	number uint16
	video  bool
	wanted int // the highest encoding that is asked for; the end's mu guards it
	top    int // that is sent, less while the link is congested; the same
	copy   *sfu.Copy
	media  wire.Media // scratch of Take
}

var _ sfu.CopySink = (*outgoing)(nil)

// Take implements sfu.CopySink. It is on the hot path: nothing allocates.
func (o *outgoing) Take(p *sfu.CopyPacket) {
	o.media = wire.Media{
		Number: o.number, Codec: p.Codec, Layer: p.Layer, Marker: p.Marker, HasLevel: p.HasLevel, Voice: p.Voice, Level: p.Level,
		Padding: p.Padding, Seq: p.Seq, Timestamp: p.Timestamp, SSRC: p.SSRC, Descriptor: p.Descriptor, Payload: p.Payload,
	}
	o.end.peer.link.Media(&o.media, o.video)
	o.media.Descriptor, o.media.Payload = nil, nil
}

// Recall implements sfu.CopySink.
func (o *outgoing) Recall() { o.end.peer.link.Strike(o.number) }

// onWant begins and ends copies as the other node needs them.
func (c *spans) onWant(p *peer, m *wire.Want) {
	for _, number := range m.Drop {
		p.mu.Lock()
		o := p.copies[number]
		delete(p.copies, number)
		p.mu.Unlock()
		if o != nil {
			o.copy.Close()
		}
	}
	for i := range m.Add {
		if e := c.endOf(p, m.Add[i].Channel); e != nil {
			e.copy(&m.Add[i])
		}
	}
}

// copy begins a copy, or changes how much of a video is copied.
func (e *end) copy(w *wire.Wanted) {
	p := e.peer
	e.mu.Lock()
	defer e.mu.Unlock()
	p.mu.Lock()
	o := p.copies[w.Number]
	p.mu.Unlock()
	if o != nil && o.copy.Publication().ID() == w.Track {
		o.wanted, o.top = w.Top, w.Top
		o.copy.SetTop(w.Top)
		return
	}
	if o != nil {
		o.copy.Close()
	}
	t, track := e.find(w.Track)
	if track == nil || e.closed || t.flags.Isolated {
		return
	}
	o = &outgoing{end: e, number: w.Number, video: track.Video(), wanted: w.Top, top: w.Top}
	if o.copy = sfu.NewCopy(track, w.Top, o, t.held); o.copy == nil {
		return
	}
	p.mu.Lock()
	p.copies[w.Number] = o
	p.mu.Unlock()
}

// find returns a publication of those whom the other node was told of. e.mu is
// held.
func (e *end) find(track earshot.TrackID) (*telling, *sfu.Publication) {
	for _, t := range e.told {
		for _, p := range t.session.shareable() {
			if p.ID() == track {
				return t, p
			}
		}
	}
	return nil, nil
}

// ofPerson lists the copies of somebody.
func (e *end) ofPerson(id earshot.ParticipantID) (list []*outgoing) {
	e.peer.mu.Lock()
	defer e.peer.mu.Unlock()
	for _, o := range e.peer.copies {
		if o.end == e && o.copy.Publication().Participant() == id {
			list = append(list, o)
		}
	}
	return list
}

// remind says once a second that the videos are still wanted, tells the clocks
// of their encodings, and lets them give way where the link is congested.
func (e *end) remind(now time.Time) {
	e.peer.mu.Lock()
	var list []*outgoing
	for _, o := range e.peer.copies {
		if o.end == e && o.video {
			list = append(list, o)
		}
	}
	e.peer.mu.Unlock()
	congested := e.peer.link.Congested(now)
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, o := range list {
		top := min(o.top+1, o.wanted)
		if congested {
			top = max(0, o.top-1)
		}
		if top != o.top {
			o.top = top
			o.copy.SetTop(top)
		}
		o.copy.Refresh(now)
		for layer := range max(1, len(o.copy.Publication().Layers())) {
			if ntp, rtp, ok := o.copy.Clock(layer); ok && layer < wire.MaxLayers {
				e.say(&wire.Message{Clock: &wire.Clock{Number: o.number, Layer: layer, NTP: ntp, RTP: rtp}})
			}
		}
	}
}

func (p *peer) onKeyFrame(m *wire.KeyFrame) {
	p.mu.Lock()
	o := p.copies[m.Number]
	p.mu.Unlock()
	if o != nil {
		o.copy.WantKeyFrame(m.Layer)
	}
}
