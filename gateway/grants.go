package gateway

import (
	"slices"

	"earshot/gateway/protocol"
)

// can reports whether s may do now what grant names: as its token says, or as an
// administrator has had it since.
func (s *session) can(grant string) bool {
	if list := s.granted.Load(); list != nil {
		return slices.Contains(*list, grant)
	}
	return s.claims.Can(grant)
}

// hears reports whether media of others may get to s at all.
func (s *session) hears() bool {
	return s.resident != nil || s.ghost != nil || s.can(protocol.GrantSubscribe)
}
