package gateway

import "earshot/gateway/protocol"

// size is how many are there, as everybody may know.
func (in *Instance) size() int {
	live := in.live.Load()
	return len(live.all) - live.hidden
}

// announce queues msg, which is about s, to everybody who may know of s. in.mu is
// held.
func (in *Instance) announce(s *session, msg protocol.ServerMessage) {
	switch {
	case !s.hidden:
		in.broadcast(msg)
	case s.opened.Load():
		s.send(msg)
	}
}
