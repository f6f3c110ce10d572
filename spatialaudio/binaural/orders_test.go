package binaural

import (
	"math/rand/v2"
	"testing"

	"earshot"
)

// A listener hears two voices; one is blocked. From the next block on the mix is
// bit for bit what somebody hears who never heard the blocked voice: no tail,
// no fade.
func TestDroppedVoiceLeavesNothing(t *testing.T) {
	_, filters := kemar()
	m := NewMixer(filters)
	rng := rand.New(rand.NewPCG(5, 5))
	var kept, blocked Source
	var l, witness Listener
	var got, want Stereo
	both := []Heard{{Source: &blocked, Gain: 1, Position: at(50, 0, 1)}, {Source: &kept, Gain: 1, Position: at(-50, 0, 1)}}
	for tick := range 8 {
		kept.Analyse(m, noise(rng, 0.2))
		blocked.Analyse(m, noise(rng, 1))
		heard := both
		if tick >= 4 {
			heard = both[1:]
		}
		if tick == 4 {
			l.Drop(&blocked)
		}
		head := earshot.Transform{Rotation: earshot.YawQuat(float32(tick) / 4)}
		m.Mix(&l, head, heard, &got)
		m.Mix(&witness, head, both[1:], &want)
		if (got == want) != (tick >= 4) {
			t.Errorf("tick %d: the mix is that of somebody who never heard the voice: %t", tick, got == want)
		}
	}
}

// A talker is muted between two blocks. Their source has nothing left that a
// mix, of whoever heard them before, could have in it.
func TestResetVoiceLeavesNothing(t *testing.T) {
	sc := newScene()
	sc.hear(ahead, at(50, 0, 1))
	sc.hear(ahead, at(50, 0, 1))
	sc.s.Reset()
	for _, heard := range [][]Heard{sc.heard, nil} {
		if sc.m.Mix(&sc.l, ahead, heard, &sc.out) || sc.out != (Stereo{}) {
			t.Error("something of a voice is heard that was reset")
		}
		sc.s.Silence(sc.m)
	}
	// When they may speak again, the first block has nothing of before in it.
	fresh := newScene()
	fresh.m.Mix(&fresh.l, ahead, fresh.heard, &fresh.out) // as sc did: not heard before
	block := noise(sc.rng, 1)
	sc.s.Analyse(sc.m, block)
	fresh.s.Analyse(fresh.m, block)
	sc.m.Mix(&sc.l, ahead, sc.heard, &sc.out)
	fresh.l.Reset()
	fresh.heard[0].Position = sc.heard[0].Position
	fresh.m.Mix(&fresh.l, ahead, fresh.heard, &fresh.out)
	if sc.out != fresh.out {
		t.Error("the first block after a mute is not that of a new voice")
	}
}

// Without an order a voice that is no longer heard fades out within one block.
func TestVoiceFadesOut(t *testing.T) {
	sc := newScene()
	sc.hear(ahead, at(50, 0, 1))
	sc.hear(ahead, at(50, 0, 1))
	sc.s.Analyse(sc.m, noise(sc.rng, 0.5))
	if !sc.m.Mix(&sc.l, ahead, nil, &sc.out) {
		t.Error("it does not fade out, it stops")
	}
	if end := sc.out[len(sc.out)-1]; end > 1e-4 || end < -1e-4 {
		t.Errorf("it ends at %g", end)
	}
	sc.s.Analyse(sc.m, noise(sc.rng, 0.5))
	if sc.m.Mix(&sc.l, ahead, nil, &sc.out) {
		t.Error("it is still heard a block later")
	}
}
