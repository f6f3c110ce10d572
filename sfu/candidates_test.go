package sfu

import (
	"strings"
	"testing"

	"earshot"
)

func TestParseFragment(t *testing.T) {
	const candidate = "a=candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host\r\n"
	for _, c := range []struct {
		name, fragment, ufrag string
		candidates            int
		refused               bool
	}{
		{"one", "a=ice-ufrag:abcd\r\na=ice-pwd:x\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n" + candidate, "abcd", 1, false},
		{"the end only", "a=ice-ufrag:abcd\r\na=end-of-candidates\r\n", "abcd", 0, false},
		{"as many as allowed", strings.Repeat(candidate, maxCandidates), "", maxCandidates, false},
		{"too many", strings.Repeat(candidate, maxCandidates+1), "", 0, true},
		{"none", "a=mid:0\r\n", "", 0, true},
		{"empty", "", "", 0, true},
		{"no SDP", "hello", "", 0, true},
	} {
		ufrag, candidates, err := parseFragment(c.fragment)
		if c.refused {
			if earshot.CodeOf(err) != earshot.CodeInvalidArgument {
				t.Errorf("%s: parseFragment = %v, want %s", c.name, err, earshot.CodeInvalidArgument)
			}
		} else if err != nil || ufrag != c.ufrag || len(candidates) != c.candidates {
			t.Errorf("%s: parseFragment = %q, %d candidates, %v; want %q, %d", c.name, ufrag, len(candidates), err, c.ufrag, c.candidates)
		}
	}
}

func FuzzParseFragment(f *testing.F) {
	f.Add("a=ice-ufrag:abcd\r\na=candidate:1 1 udp 1 192.0.2.1 5000 typ host\r\n")
	f.Fuzz(func(t *testing.T, fragment string) {
		_, candidates, err := parseFragment(fragment)
		if len(candidates) > maxCandidates || err != nil && earshot.CodeOf(err) != earshot.CodeInvalidArgument {
			t.Errorf("parseFragment(%q) = %d candidates, %v", fragment, len(candidates), err)
		}
	})
}
