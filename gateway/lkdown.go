package gateway

import (
	"context"
	"sync"

	"earshot"
	"earshot/gateway/livekit"
	"earshot/gateway/livekit/wire"
	"earshot/gateway/protocol"
	"earshot/sfu"
)

// lkDown is how far the server's offers to a client of version 0 are, by which
// it receives.
type lkDown struct {
	mu    sync.Mutex // one offer at a time; taken before lkLine.mu
	lines sfu.Down
	id    uint32 // of the last offer
	owes  bool   // another is due when the last one is answered
}

// offerDown makes an offer to a client of version 0, with the lines there are
// and as many more as needed.
func (l *lkLine) offerDown(need livekit.Need, restart bool) {
	l.down.mu.Lock()
	defer l.down.mu.Unlock()
	l.down.lines.Voice += need.Audio
	l.down.lines.Video += need.Video
	l.sendOffer(restart)
}

// sendOffer sends one, or notes that one is due. down.mu is held.
func (l *lkLine) sendOffer(restart bool) {
	l.mu.Lock()
	l.naming = make(map[string]string)
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), joinDeadline)
	defer cancel()
	down := l.down.lines
	down.Restart = restart
	sdp, err := l.media.OfferDown(ctx, down)
	switch {
	case earshot.CodeOf(err) == earshot.CodeFailedPrecondition:
		l.down.owes = true
		return
	case err != nil:
		l.g.log.Debug("no offer could be made to a LiveKit client", "session", l.s.id, "error", err)
		return // the session ends itself
	}
	l.down.id++
	l.down.owes = false
	l.mu.Lock()
	names := l.naming
	l.mu.Unlock()
	l.tell(&wire.SignalResponse{Offer: &wire.SessionDescription{Type: "offer", SDP: sdp, ID: l.down.id, MIDToTrackID: names}})
}

// onAnswer takes the client's answer. One to an offer that was superseded is
// dropped; older clients repeat no id.
func (l *lkLine) onAnswer(answer *wire.SessionDescription) {
	if l.guest.hello.V1 {
		return
	}
	l.down.mu.Lock()
	defer l.down.mu.Unlock()
	if answer.ID != 0 && answer.ID != l.down.id {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), joinDeadline)
	defer cancel()
	if err := l.media.AcceptDown(ctx, answer.SDP); err != nil {
		l.refuseDescription(err)
		return
	}
	if l.down.owes {
		l.sendOffer(false)
	}
}

// refuseDescription ends the session of a client whose SDP cannot be taken: it
// would wait for what follows forever.
func (l *lkLine) refuseDescription(err error) {
	_, e := wireError(err)
	l.g.log.Debug("a description of a LiveKit client was refused", "session", l.s.id, "error", err)
	l.s.end(protocol.ReasonKicked, &protocol.Bye{Code: e.Code, Message: e.Message})
}
