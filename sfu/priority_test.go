package sfu

import (
	"strings"
	"testing"
)

func TestPrioritise(t *testing.T) {
	const answer = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" +
		"a=candidate:1 1 udp 2130706431 192.0.2.1 3478 typ host ufrag x\r\n" +
		"a=candidate:2 1 tcp 1671430143 192.0.2.1 3478 typ host tcptype passive\r\n" +
		"a=end-of-candidates\r\n"
	for generation, want := range map[int]string{1: "4096", 2: "8192", 1 << 20: "8388608"} {
		got := prioritise(answer, generation)
		for _, line := range []string{
			"a=candidate:1 1 udp " + want + " 192.0.2.1 3478 typ host ufrag x\r\n",
			"a=candidate:2 1 tcp " + want + " 192.0.2.1 3478 typ host tcptype passive\r\n",
			"\r\na=end-of-candidates\r\n", "v=0\r\nm=audio 9 ",
		} {
			if !strings.Contains(got, line) {
				t.Errorf("generation %d: %q lacks %q", generation, got, line)
			}
		}
	}
}
