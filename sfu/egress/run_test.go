package egress

import (
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	many := func(n, size int) string { return strings.TrimSpace(strings.Repeat(string(rune('a'+size))+" ", n)) }
	for _, tc := range []struct {
		packets string // a letter for the size, an upper one for another address
		want    int
	}{
		{"a", 1},
		{"c c c", 3},
		{"c c b", 3},   // the last may be smaller
		{"c c b c", 3}, // only the last
		{"c c b b", 3},
		{"c d", 1}, // none may be larger
		{"c C", 1}, // one address
		{"c c C", 2},
		{many(100, 3), maxSegments},
	} {
		var packets []packet
		for _, p := range strings.Fields(tc.packets) {
			lower := strings.ToLower(p)
			to := uint64(1)
			if lower != p {
				to = 2
			}
			packets = append(packets, packet{to: to, data: make([]byte, 1+int(lower[0]-'a'))})
		}
		if got := run(packets); got != tc.want {
			t.Errorf("run(%s) = %d, want %d", tc.packets, got, tc.want)
		}
	}
	big := make([]packet, maxSegments)
	for i := range big {
		big[i] = packet{to: 1, data: make([]byte, 1200)}
	}
	if got, want := run(big), maxMessageBytes/1200; got != want {
		t.Errorf("run(packets of 1200 bytes) = %d, want %d", got, want)
	}
}
