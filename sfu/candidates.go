package sfu

import (
	"strings"

	"github.com/pion/webrtc/v4"
)

// Limits of a trickle ICE fragment (PROTOCOL.md section 4).
const (
	maxFragmentBytes = 16 << 10
	maxCandidates    = 32
)

// AddCandidates takes the candidates of an SDP fragment (RFC 8840, section 9).
// The server is ICE-lite and learns a client's address from its checks, so
// candidates only help connections over which the client cannot begin. Errors
// are *earshot.Error.
func (s *Session) AddCandidates(fragment string) error {
	if len(fragment) > maxFragmentBytes {
		return refuse("the fragment has %d bytes, more than %d: send the candidates in several", len(fragment), maxFragmentBytes)
	}
	ufrag, candidates, err := parseFragment(fragment)
	if err != nil {
		return err
	}
	s.negotiating.Lock()
	defer s.negotiating.Unlock()
	if ufrag != "" && ufrag != s.credentials.ufrag {
		return refuse("the fragment is of another ICE generation (ice-ufrag %.32q): send the candidates of the last offer", ufrag)
	}
	first := s.offer.lines[0].mid
	for _, c := range candidates {
		// All lines are bundled with the first. A kind of candidate that pion
		// does not know, such as mDNS or TCP, is no reason to refuse the rest.
		if err := s.pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: c, SDPMid: &first, UsernameFragment: &ufrag}); err != nil {
			s.log.Debug("candidate", "error", err)
		}
	}
	return nil
}

// parseFragment returns the user fragment, if any, and the candidates.
func parseFragment(fragment string) (ufrag string, candidates []string, err error) {
	for line := range strings.Lines(fragment) {
		line = strings.TrimRight(line, "\r\n")
		switch name, value, _ := strings.Cut(line, ":"); name {
		case "a=ice-ufrag":
			ufrag = value
		case "a=candidate":
			if len(candidates) == maxCandidates {
				return "", nil, refuse("the fragment has more than %d candidates", maxCandidates)
			}
			candidates = append(candidates, "candidate:"+value)
		default:
			if line != "" && (len(line) < 2 || line[1] != '=') {
				return "", nil, refuse("the fragment is not SDP: %.40q", line)
			}
		}
	}
	if len(candidates) == 0 && !strings.Contains(fragment, "a=end-of-candidates") {
		return "", nil, refuse("the fragment holds no candidate")
	}
	return ufrag, candidates, nil
}
