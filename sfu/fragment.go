package sfu

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pion/sdp/v3"
)

// ICE returns the number of the ICE generation in force: 1 from the join on,
// one more with every restart.
func (s *Session) ICE() int {
	s.negotiating.Lock()
	defer s.negotiating.Unlock()
	return s.generation
}

// Patch takes an SDP fragment of the client (RFC 8840, section 9). Where its
// credentials are new it restarts ICE and answers with the server's fragment;
// else its candidates are checked as by AddCandidates, and the answer is empty.
// Everything else of the session stays as it is. Errors are *earshot.Error.
func (s *Session) Patch(ctx context.Context, fragment string) (answer string, err error) {
	if s.livekit != nil {
		return "", s.AddCandidates(fragment) // it restarts by a whole offer
	}
	next, err := parseCredentials(fragment)
	if err != nil {
		return "", err
	}
	s.negotiating.Lock()
	if next.ufrag == "" || next.ufrag == s.credentials.ufrag {
		s.negotiating.Unlock()
		return "", s.AddCandidates(fragment)
	}
	defer s.negotiating.Unlock()
	if !iceString(next.ufrag, 4) || !iceString(next.password, 22) {
		return "", refuse("a restart needs a=ice-ufrag (4 to 256 letters, digits, + or /) and a=ice-pwd (22 to 256)")
	}
	description, err := s.negotiateLocked(ctx, next)
	if err != nil {
		return "", err
	}
	return fragmentOf(description)
}

// parseCredentials returns what a fragment says of credentials, which may be
// nothing, and is valid only where it is used.
func parseCredentials(fragment string) (credentials, error) {
	var c credentials
	if len(fragment) > maxFragmentBytes {
		return c, refuse("the fragment has %d bytes, more than %d: send the candidates in several", len(fragment), maxFragmentBytes)
	}
	count := 0
	for line := range strings.Lines(fragment) {
		line = strings.TrimRight(line, "\r\n")
		name, value, _ := strings.Cut(line, ":")
		into := &c.ufrag
		switch {
		case name == "a=candidate":
			if count++; count > maxCandidates {
				return c, refuse("the fragment has more than %d candidates", maxCandidates)
			}
			continue
		case name == "a=ice-pwd":
			into = &c.password
		case name != "a=ice-ufrag":
			if line != "" && (len(line) < 2 || line[1] != '=') {
				return c, refuse("the fragment is not SDP: %s", shorten(line))
			}
			continue
		}
		if *into != "" && *into != value {
			return c, refuse("the fragment has two different %s: all media is in one bundle", shorten(name))
		}
		*into = value
	}
	return c, nil
}

// fragmentOf returns what of an answer a client has to know of a restart: the
// credentials and all candidates, under the media line that carries the bundle.
func fragmentOf(answer string) (string, error) {
	var d sdp.SessionDescription
	if err := d.UnmarshalString(answer); err != nil {
		return "", fmt.Errorf("sfu: own answer: %w", err)
	}
	if len(d.MediaDescriptions) == 0 {
		return "", errors.New("sfu: own answer has no media line")
	}
	m := d.MediaDescriptions[0]
	var b strings.Builder
	b.WriteString("a=ice-lite\r\n")
	if group, ok := d.Attribute(sdp.AttrKeyGroup); ok {
		fmt.Fprintf(&b, "a=group:%s\r\n", group)
	}
	fmt.Fprintf(&b, "m=%s\r\n", m.MediaName.String())
	for _, key := range []string{sdp.AttrKeyMID, "ice-ufrag", "ice-pwd"} {
		value, ok := m.Attribute(key)
		if !ok {
			return "", fmt.Errorf("sfu: own answer has no a=%s", key)
		}
		fmt.Fprintf(&b, "a=%s:%s\r\n", key, value)
	}
	for _, a := range m.Attributes {
		// Component 2 would be RTCP on a port of its own, which is never used.
		if fields := strings.Fields(a.Value); a.Key == "candidate" && len(fields) > 1 && fields[1] == "1" {
			fmt.Fprintf(&b, "a=candidate:%s\r\n", a.Value)
		}
	}
	b.WriteString("a=end-of-candidates\r\n")
	return b.String(), nil
}
