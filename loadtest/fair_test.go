package loadtest

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestLoudestDoesNotWin: of two who talk in turns and at once, as far from a
// listener with one slot, one 20 dB hotter than the other, both are heard for
// about as long.
func TestLoudestDoesNotWin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		const listener, hot, faint = 40, 41, 42
		s := newSimulation(t, 0)
		defer s.shutdown()
		for number, level := range map[uint32]float64{listener: 0, hot: -12, faint: -32} {
			cfg := s.configure(number)
			cfg.Move = &scripted{time.Now(), stay(float32(number)-listener, 0)}
			cfg.Talk = DefaultTalk()
			cfg.Talk.Pause, cfg.Talk.Level = cfg.Talk.Spurt, level
			switch number {
			case listener:
				cfg.Speak, cfg.Slots = false, 1
			case hot:
				cfg.Move = &scripted{time.Now(), stay(0, -2)}
			case faint:
				cfg.Move = &scripted{time.Now(), stay(0, 2)}
			}
			s.bots[number] = s.join(ctx, cfg)
		}
		time.Sleep(5 * time.Second) // until it is known how they talk
		from := time.Now()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		said := func(talker uint32) (n int) {
			for _, r := range s.packets(talker, listener) {
				if r.At.After(from) && r.Frame.Into > 0 { // no pause
					n++
				}
			}
			return n
		}
		loud, soft := said(hot), said(faint)
		share := float64(soft) / float64(loud+soft)
		t.Logf("of %d frames of speech %.0f %% are of the one who is 20 dB fainter", loud+soft, 100*share)
		if loud+soft < 3500 || share < 0.35 || share > 0.65 {
			t.Errorf("%d frames of the hot one, %d of the faint one", loud, soft)
		}
	})
}
