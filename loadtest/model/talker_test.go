package model

import (
	"testing"
	"time"
)

func TestTalkerHasTheStatisticsOfConversation(t *testing.T) {
	const frames = 50 * 3600
	talker := NewTalker(DefaultTalk(), 1)
	var voiced, spurts int
	was := false
	for range frames {
		s := talker.Next()
		if !s.Send {
			t.Fatal("without DTX every frame is sent")
		}
		if s.Voice {
			voiced++
			if !was {
				spurts++
			}
			if s.Level < 10 || s.Level > 45 {
				t.Fatalf("level while talking = -%d dBov", s.Level)
			}
		} else if s.Level < 55 {
			t.Fatalf("level in a pause = -%d dBov", s.Level)
		}
		was = s.Voice
	}
	if share := float64(voiced) / frames; share < 0.35 || share > 0.43 {
		t.Errorf("talks %.1f %% of an hour, want 38.5 %%", 100*share)
	}
	mean := time.Duration(voiced/spurts) * FrameDuration
	if mean < 900*time.Millisecond || mean > 1100*time.Millisecond {
		t.Errorf("mean talkspurt = %v, want about 1 s", mean)
	}
}

func TestTalkerWithDTXSendsSpeechAndComfortNoiseOnly(t *testing.T) {
	cfg := DefaultTalk()
	cfg.DTX = true
	talker := NewTalker(cfg, 2)
	gap := 0
	voice := false
	for i := range 50 * 600 {
		s := talker.Next()
		if s.Voice && !s.Send {
			t.Fatalf("frame %d: speech not sent", i)
		}
		if s.Start != (s.Voice && !voice && gap > 0) && i > 0 && gap > 0 {
			t.Fatalf("frame %d: marker %v after a gap of %d", i, s.Start, gap)
		}
		if s.Send {
			gap = 0
		} else if gap++; gap >= dtxFrames {
			t.Fatalf("frame %d: silent for %d frames, comfort noise is due every %d", i, gap, dtxFrames)
		}
		voice = s.Voice
	}
}

func TestTalkerIsSeeded(t *testing.T) {
	a, b, c := NewTalker(DefaultTalk(), 7), NewTalker(DefaultTalk(), 7), NewTalker(DefaultTalk(), 8)
	same := true
	for range 1000 {
		x, y, z := a.Next(), b.Next(), c.Next()
		if x != y {
			t.Fatal("the same seed spoke differently")
		}
		same = same && x == z
	}
	if same {
		t.Fatal("another seed spoke the same")
	}
}

func TestTalkerExtremes(t *testing.T) {
	endless := NewTalker(TalkConfig{Spurt: time.Second, Level: -20}, 1)
	silent := NewTalker(TalkConfig{Mute: true}, 1)
	for range 5000 {
		if s := endless.Next(); !s.Voice || !s.Send {
			t.Fatal("a talker without pauses paused")
		}
		if s := silent.Next(); s.Send {
			t.Fatal("a mute bot sent")
		}
	}
}
