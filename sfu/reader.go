package sfu

import (
	"errors"
	"io"
	"time"

	"earshot/sfu/forward"

	"github.com/pion/webrtc/v4"
)

// reader takes the packets of one layer of a publication from pion, judges them,
// and has them forwarded. One goroutine at a time uses it.
type reader struct {
	publication *Publication
	track       *webrtc.TrackRemote
	layer       uint8
	limits      *limits

	b            []byte
	budget, tiny forward.Budget
	packet       forward.Packet
	journey      journey
	failed       int // reads, one after the other
}

func newReader(p *Publication, track *webrtc.TrackRemote, layer int, l *limits) *reader {
	budget := forward.NewBudget(forward.VoicePackets)
	if p.kind == forward.Video {
		budget = forward.NewBudget(forward.VideoPackets / len(p.layers))
	}
	return &reader{
		publication: p, track: track, layer: uint8(layer), limits: l, b: make([]byte, readSize),
		budget: budget, tiny: forward.NewBudget(forward.TinyPackets), journey: journey{to: p.arrived},
	}
}

// step takes a packet, which it waits for, and returns false at the end.
func (r *reader) step() bool {
	n, err := r.read()
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe):
		return false
	case err != nil: // pion did not like the packet
		r.malformed()
		r.failed++
		return r.failed < maxReadErrors
	}
	r.failed = 0
	r.take(r.b[:n])
	return true
}

func (r *reader) read() (int, error) {
	n, _, err := r.track.Read(r.b)
	return n, err
}

// take judges a packet and has it forwarded.
func (r *reader) take(raw []byte) {
	p, m := r.publication, r.publication.metrics
	m.packetsIn.Inc()
	m.bytesIn.Add(float64(len(raw)))
	if r.packet.Parse(raw) != nil {
		r.malformed()
		return
	}
	r.packet.Layer = r.layer
	r.journey.take(&r.packet)
	now := time.Now()
	if !r.budget.Take(now) {
		m.dropRate.Inc()
		r.limits.refuse(forward.OffencePackets)
		return
	}
	if p.kind == forward.Video && r.packet.Tiny() && !r.tiny.Take(now) {
		m.dropRate.Inc()
		r.limits.refuse(forward.OffenceTiny)
		return
	}
	p.receive(&r.packet, now)
}

func (r *reader) malformed() {
	r.publication.metrics.dropMalformed.Inc()
	r.limits.refuse(forward.OffenceMalformed)
}
