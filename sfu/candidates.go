package sfu

import "strings"

// Limits of a trickle ICE fragment (PROTOCOL.md section 4).
const (
	maxFragmentBytes = 16 << 10
	maxCandidates    = 32
)

// AddCandidates checks the candidates of an SDP fragment (RFC 8840, section 9)
// and does not use them. The server is ICE-lite: it never probes an address
// that a client names, and learns where the client is from the client's own
// checks. Errors are *earshot.Error.
func (s *Session) AddCandidates(fragment string) error {
	if len(fragment) > maxFragmentBytes {
		return refuse("the fragment has %d bytes, more than %d: send the candidates in several", len(fragment), maxFragmentBytes)
	}
	ufrag, _, err := parseFragment(fragment)
	if err != nil {
		return err
	}
	s.negotiating.Lock()
	defer s.negotiating.Unlock()
	if ufrag != "" && ufrag != s.credentials.ufrag {
		return refuse("the fragment is of another ICE generation (ice-ufrag %.32q): send the candidates of the last offer", ufrag)
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
