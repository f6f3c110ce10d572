package gateway

import (
	"earshot"
	"earshot/gateway/protocol"
)

// queryE2EE of a join says that the client encrypts its media end to end and can
// decrypt those of others.
const queryE2EE = "e2ee"

func (w *WorldConfig) validateE2EE(at string) error {
	switch w.E2EE {
	case protocol.E2EEAllowed, protocol.E2EERequired, protocol.E2EERefused:
		return nil
	}
	return invalid("%s.e2ee: %q is not allowed, required or refused", at, w.E2EE)
}

// encryption is what holds in a world now for media encrypted end to end. Who
// moderates voices promises that all are heard, and one click must not undo
// that: allowed is refused then. Who requires encryption means it: then voices
// are not moderated.
func (g *Gateway) encryption(world, configured string) string {
	if configured == protocol.E2EEAllowed && g.pipeline != nil && g.pipeline.Hears(world) {
		return protocol.E2EERefused
	}
	return configured
}

// hears reports whether voices are moderated in a world.
func (g *Gateway) hears(world, configured string) bool {
	return configured != protocol.E2EERequired && g.pipeline != nil && g.pipeline.Hears(world)
}

// mayEncrypt refuses a join with media that does not fit what the world says of
// encryption.
func (in *Instance) mayEncrypt(encrypted bool) error {
	switch policy := in.g.encryption(in.world, in.cfg.Load().E2EE); {
	case encrypted && policy == protocol.E2EERefused:
		return earshot.Errorf(earshot.CodeFailedPrecondition, "this world takes no end-to-end encrypted voices; join without a key")
	case !encrypted && policy == protocol.E2EERequired:
		return earshot.Errorf(earshot.CodeFailedPrecondition, "this world takes end-to-end encrypted voices only; join with a key (?%s=1)", queryE2EE)
	}
	return nil
}
