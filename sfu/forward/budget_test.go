package forward

import (
	"testing"
	"time"
)

func TestBudget(t *testing.T) {
	for _, c := range []struct {
		name        string
		every       time.Duration
		least, most int
	}{
		{"a browser's voice", 20 * time.Millisecond, 500, 500},
		{"ten times too many", 400 * time.Microsecond, 11*VoicePackets - 5, 11*VoicePackets + 1},
		{"all at once", 0, VoicePackets, VoicePackets},
	} {
		b := NewBudget(VoicePackets)
		now, passed := epoch, 0
		for range 1_000_000 {
			if b.Take(now) {
				passed++
			}
			now = now.Add(c.every)
			if now.Sub(epoch) >= 10*time.Second {
				break
			}
		}
		if passed < c.least || passed > c.most {
			t.Errorf("%s: %d packets in 10 s, want %d to %d", c.name, passed, c.least, c.most)
		}
	}
}
