package desk

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"earshot"
	"earshot/spatialaudio"
)

// plaza is a crowd of singers far from a few listeners.
type plaza struct {
	*room
	crowd   *Crowd
	curve   spatialaudio.Curve
	singers []*singer
	people  []Person
	stop    func()
}

// tones of singers, 300 Hz apart.
func hertz(i int) float64 { return 600 + 300*float64(i) }

// inPlaza has so many sing on one square metre, 30 m to the left of the middle.
func inPlaza(t *testing.T, singers int, f func(p *plaza)) {
	inRoom(t, DefaultConfig(), func(r *room) {
		p := &plaza{room: r, crowd: r.desk.NewCrowd(100), curve: spatialaudio.DefaultCurve()}
		p.curve.Range, p.curve.Fade = 60, 9
		ctx, stop := context.WithCancel(context.Background())
		for i := range singers {
			s := r.sing(ctx, fmt.Sprintf("pa_singer%d", i), hertz(i))
			p.singers = append(p.singers, s)
			p.people = append(p.people, Person{
				ID: p.crowd.Enter(s.id), Microphone: s.source.Publication(), Talks: true, LevelDB: -20,
				Position: earshot.Vec3{X: -30 + 0.1*float32(i), Y: 1.6, Z: 0.5}, Beds: 8, Alone: 2,
			})
		}
		f(p)
		stop()
		for _, s := range p.singers {
			<-s.done
		}
		p.crowd.Close()
	})
}

// listener adds one who stands in the middle, with a mix or without.
func (p *plaza) listener(id earshot.ParticipantID, mix *Listener) PersonID {
	who := Person{ID: p.crowd.Enter(id), Position: earshot.Vec3{Y: 1.6}, LevelDB: -127, Beds: 8, Alone: 2, Mix: mix}
	p.people = append(p.people, who)
	return who.ID
}

// pass lets time pass, in which the crowd is looked at.
func (p *plaza) pass(d time.Duration) {
	for ; d > 0; d -= PlanEvery {
		p.crowd.Look(p.people, &p.curve)
		time.Sleep(PlanEvery)
	}
}

// loud lists which singers are in a recording.
func (p *plaza) loud(pcm []float32) (list []int) {
	for i := range p.singers {
		if tone(pcm, 0, hertz(i)) > -65 || tone(pcm, 1, hertz(i)) > -65 {
			list = append(list, i)
		}
	}
	return list
}

// view returns the beds of somebody.
func (p *plaza) view(id PersonID) []Bed {
	var v View
	p.crowd.View(id, &v)
	return v.Beds
}

// TestCrowdIsHeard: a listener with a mix and one with slots hear all who sing far
// away by one bed, from where they sing; the singers get no bed with themselves.
func TestCrowdIsHeard(t *testing.T) {
	inPlaza(t, 6, func(p *plaza) {
		l, err := p.desk.Listen()
		check(t, err)
		tp := p.tape(l)
		l.Set(ahead, nil)
		p.listener("pa_mix", l)
		slots := p.listener("pa_slots", nil)
		p.pass(2 * time.Second)
		beds := p.view(slots)
		if len(beds) != 1 || beds[0].Voices != 6 || beds[0].Leaving || beds[0].Centre.X > -29 || beds[0].Centre.X < -31 {
			t.Fatalf("beds of a listener with slots: %+v", beds)
		}
		names := beds[0].Publication.Carried()
		for _, s := range p.singers {
			if !slices.Contains(names, s.id) {
				t.Errorf("the bed says that %v are in it, and not %s", names, s.id)
			}
		}
		forwarded := p.tapeOf(beds[0].Publication)
		tp.cut()
		p.pass(time.Second)
		for what, pcm := range map[string][]float32{"mix": tp.cut(), "bed": forwarded.cut()} {
			if got := p.loud(pcm); len(got) != 6 {
				t.Errorf("of six singers %v are in the %s", got, what)
			}
		}
		for i, s := range p.people[:6] {
			if beds := p.view(s.ID); len(beds) != 0 {
				t.Errorf("singer %d gets %+v of what they sing themselves", i, beds)
			}
		}
		forwarded.close()
		tp.close()
		l.Close()
	})
}

// TestLeftOfTheMiddle: a bed comes from its side.
func TestLeftOfTheMiddle(t *testing.T) {
	inPlaza(t, 4, func(p *plaza) {
		l, err := p.desk.Listen()
		check(t, err)
		tp := p.tape(l)
		l.Set(earshot.Transform{Position: earshot.Vec3{Y: 1.6}, Rotation: earshot.Identity}, nil)
		p.listener("pa_mix", l)
		p.pass(2 * time.Second)
		tp.cut()
		p.pass(time.Second)
		pcm := tp.cut()
		if left, right := tone(pcm, 0, hertz(3)), tone(pcm, 1, hertz(3)); left < right+3 {
			t.Errorf("a crowd at the left is %.1f dBFS in the left ear, %.1f in the right", left, right)
		}
		tp.close()
		l.Close()
	})
}

// TestForbiddenInBeds: with Forbid done, or Silence of a muted voice, nothing of it
// is in a later packet of the listener's mix, nor of a bed that carries it no
// more; the listener's view has no bed with it. Everybody else goes on hearing
// all. What is allowed again comes back.
func TestForbiddenInBeds(t *testing.T) {
	inPlaza(t, 6, func(p *plaza) {
		l, err := p.desk.Listen()
		check(t, err)
		other, err := p.desk.Listen()
		check(t, err)
		tp, free := p.tape(l), p.tape(other)
		l.Set(ahead, nil)
		other.Set(ahead, nil)
		p.listener("pa_mix", l)
		p.listener("pa_other", other)
		slots := p.listener("pa_slots", nil)
		p.pass(2 * time.Second)
		bad := p.singers[0]
		mic := bad.source.Publication()
		for _, c := range []struct {
			name          string
			forbid, allow func()
			everybody     bool
		}{
			{
				"forbidden",
				func() { p.crowd.Forbid("pa_mix", bad.id); p.crowd.Forbid("pa_slots", bad.id) },
				func() { p.crowd.Allow("pa_mix", bad.id); p.crowd.Allow("pa_slots", bad.id) },
				false,
			},
			{
				"muted",
				func() { mic.SetMuted(true); p.desk.Silence(mic); p.people[0].Talks = false },
				func() { mic.SetMuted(false); p.people[0].Talks = true },
				true,
			},
		} {
			if got := p.loud(free.cut()); !slices.Contains(got, 0) {
				t.Fatalf("%s: before it only %v are heard", c.name, got)
			}
			synctest.Wait()
			c.forbid()
			for _, b := range p.view(slots) {
				if slices.Contains(b.Publication.Carried(), bad.id) && !c.everybody {
					t.Errorf("%s: a listener with slots still gets a bed with them", c.name)
				}
			}
			tapes := []*tape{tp}
			if c.everybody {
				tapes = append(tapes, free)
			}
			for _, tp := range tapes {
				tp.cut()
				tp.mu.Lock()
				tp.decoder.Reset()
				tp.mu.Unlock()
			}
			time.Sleep(40 * time.Millisecond) // in the first packets
			for i, tp := range tapes {
				if level := tone(tp.cut(), 0, hertz(0)); level > -65 {
					t.Errorf("%s: the forbidden is at %.0f dBFS in packets right after it, tape %d", c.name, level, i)
				}
			}
			p.pass(2 * time.Second)
			for i, tp := range tapes {
				pcm := tp.cut()
				if level := max(tone(pcm, 0, hertz(0)), tone(pcm, 1, hertz(0))); level > -75 {
					t.Errorf("%s: the forbidden is at %.0f dBFS, tape %d", c.name, level, i)
				}
				if got := p.loud(pcm); len(got) < 2 {
					t.Errorf("%s: of the others only %v are heard, tape %d", c.name, got, i)
				}
			}
			if got := p.loud(free.cut()); !c.everybody && len(got) != 6 {
				t.Errorf("%s: one who may hear all hears %v", c.name, got)
			}
			c.allow()
			p.pass(2 * time.Second)
			tp.cut()
			free.cut()
			p.pass(time.Second)
			if got := p.loud(tp.cut()); !slices.Contains(got, 0) {
				t.Errorf("%s: allowed again, %v are heard", c.name, got)
			}
		}
		tp.close()
		free.close()
		l.Close()
		other.Close()
	})
}

// TestForbiddenInPackets: of those who are muted nothing is in a later packet of a
// bed that listeners with slots get, neither faded nor in the memory of its
// limiter and encoder.
func TestForbiddenInPackets(t *testing.T) {
	inPlaza(t, 6, func(p *plaza) {
		slots := p.listener("pa_slots", nil)
		p.pass(2 * time.Second)
		tp := p.tapeOf(p.view(slots)[0].Publication)
		mute := func(singers []*singer) {
			for _, s := range singers {
				s.source.Publication().SetMuted(true)
				p.desk.Silence(s.source.Publication())
			}
			tp.cut()
			tp.mu.Lock()
			tp.decoder.Reset()
			tp.mu.Unlock()
		}
		p.pass(time.Second)
		if got := p.loud(tp.cut()); len(got) != 6 {
			t.Fatalf("before it only %v are heard", got)
		}
		synctest.Wait()
		mute(p.singers[:1])
		p.pass(time.Second)
		if got := p.loud(tp.cut()); slices.Contains(got, 0) || len(got) != 5 {
			t.Errorf("after one of six was muted, %v are heard", got)
		}
		synctest.Wait()
		mute(p.singers[1:]) // with nobody left, a trace of somebody would stand out
		time.Sleep(40 * time.Millisecond)
		if got := p.loud(tp.cut()); len(got) > 0 {
			t.Errorf("%v are in the packets right after all were muted", got)
		}
		tp.close()
	})
}

// TestRoomsApart: beds do not cross walls, however near.
func TestRoomsApart(t *testing.T) {
	inPlaza(t, 8, func(p *plaza) {
		for i := range p.people {
			p.people[i].Room = 1 + i%2
		}
		in := p.listener("pa_in", nil)
		p.people[len(p.people)-1].Room = 1
		out := p.listener("pa_out", nil)
		p.pass(2 * time.Second)
		if beds := p.view(out); len(beds) != 0 {
			t.Errorf("outside of both rooms there are %+v", beds)
		}
		beds := p.view(in)
		if len(beds) != 1 || beds[0].Centre.X < -31 || beds[0].Centre.X > -29 {
			t.Fatalf("in a room with four singers there are %+v", beds)
		}
		for i, s := range p.singers {
			if got := slices.Contains(beds[0].Publication.Carried(), s.id); got != (i%2 == 0) {
				t.Errorf("singer %d is in the bed of the first room: %v", i, got)
			}
		}
	})
}

// TestComingAndGoing: nobody who left is heard, whose id is another's by then; and
// when few are left, beds end.
func TestComingAndGoing(t *testing.T) {
	inPlaza(t, 6, func(p *plaza) {
		slots := p.listener("pa_slots", nil)
		p.pass(2 * time.Second)
		if len(p.view(slots)) != 1 {
			t.Fatal("no bed")
		}
		for i := range 5 {
			p.crowd.Leave(p.singers[i].id)
		}
		gone := p.people[:5:5]
		p.people = p.people[5:]
		p.pass(2 * time.Second)
		if beds := p.view(slots); len(beds) != 0 {
			t.Errorf("one is left, whom everybody can hear alone, and there are %+v", beds)
		}
		fresh := p.crowd.Enter("pa_fresh")
		if !slices.ContainsFunc(gone, func(g Person) bool { return g.ID == fresh }) {
			t.Errorf("a newcomer has id %d, want one of those who left", fresh)
		}
	})
}

// TestOrdersAndPlans: whatever is forbidden, allowed and muted while plans are
// made and put in force and people come and go, at no time is somebody in a bed of
// a listener who may not hear them.
func TestOrdersAndPlans(t *testing.T) {
	inPlaza(t, 13, func(p *plaza) {
		var ears []earshot.ParticipantID
		var ids []PersonID
		for i := range 6 {
			ears = append(ears, earshot.ParticipantID(fmt.Sprintf("pa_ear%d", i)))
			ids = append(ids, p.listener(ears[i], nil))
		}
		p.pass(time.Second)
		var all sync.WaitGroup
		all.Go(func() { p.pass(10 * time.Second) })
		had := 0
		for n := range 1000 {
			time.Sleep(PlanEvery / 25) // every 25th order comes as a plan is made
			ear, bad := n%6, p.singers[n/6%12].id
			if n%5 == 4 {
				passer := earshot.ParticipantID(fmt.Sprintf("pa_passer%d", n))
				p.crowd.Enter(passer)
				p.crowd.Leave(passer)
				p.desk.Silence(p.singers[12].source.Publication())
			}
			if p.crowd.Forbids(ears[ear], bad) {
				p.crowd.Allow(ears[ear], bad)
				continue
			}
			p.crowd.Forbid(ears[ear], bad)
			for i, id := range ids {
				for _, b := range p.view(id) {
					had++
					for _, who := range b.Publication.Carried() {
						if p.crowd.Forbids(ears[i], who) {
							t.Fatalf("order %d: listener %d gets a bed with %s", n, i, who)
						}
					}
				}
			}
		}
		all.Wait()
		if had == 0 {
			t.Error("nobody got any bed")
		}
	})
}
