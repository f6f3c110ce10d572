package sfu

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"earshot"
)

// ears collects what a tap hears.
type ears struct {
	mu    sync.Mutex
	heard []tapped
}

type tapped struct {
	who       earshot.ParticipantID
	seq       uint16
	timestamp uint32
	text      string
}

func (e *ears) handle(p *Publication, seq uint16, timestamp uint32, opus []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heard = append(e.heard, tapped{p.Participant(), seq, timestamp, string(opus)})
}

// take returns what was heard since the last take.
func (e *ears) take() []tapped {
	synctest.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	heard := e.heard
	e.heard = nil
	return heard
}

func mic(p *person) *Publication { return p.session.Microphone() }

// A tap hears two of three clients and a source, with the numbers that they
// were sent with.
func TestTapHears(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b, c := w.join(shape{}), w.join(shape{}), w.join(shape{video: 1})
		voice := w.sfu.NewSource("pa_npc")
		var e ears
		tap := w.sfu.NewTap(e.handle)
		tap.SetVoice([]*Publication{mic(a), nil, mic(b), mic(a), c.session.Video(SourceCamera), voice.Publication()})
		for range 10 {
			for _, p := range []*person{a, b, c} {
				p.sayFrame(string(p.id), -20)
			}
			voice.Write([]byte("pa_npc"), -23, time.Now())
			time.Sleep(frameTime)
		}
		last := map[earshot.ParticipantID]tapped{}
		count := map[earshot.ParticipantID]int{}
		for _, h := range e.take() {
			before, ok := last[h.who]
			if ok && (h.seq != before.seq+1 || h.timestamp != before.timestamp+960) {
				t.Errorf("%s: packet %d at %d after %d at %d", h.who, h.seq, h.timestamp, before.seq, before.timestamp)
			}
			if h.text != string(h.who) {
				t.Errorf("%s is heard saying %q", h.who, h.text)
			}
			last[h.who] = h
			count[h.who]++
		}
		if fmt.Sprint(count) != fmt.Sprint(map[earshot.ParticipantID]int{a.id: 10, b.id: 10, "pa_npc": 10}) {
			t.Errorf("packets heard: %v, want 10 of each but %s", count, c.id)
		}
		tap.Close()
		voice.Close()
	})
}

// Whatever takes a talker away from a tap, in mid-speech: not one packet more
// is handled, while the tap goes on to hear the other.
func TestTapStopsAtOnce(t *testing.T) {
	for name, stop := range map[string]func(tap *Tap, a, b *person){
		"denied":      func(tap *Tap, a, _ *person) { tap.Deny(a.id, true) },
		"walled":      func(tap *Tap, a, _ *person) { tap.DenyVoice(a.id, true) },
		"muted":       func(_ *Tap, a, _ *person) { mic(a).SetMuted(true) },
		"out of list": func(tap *Tap, _, b *person) { tap.SetVoice([]*Publication{mic(b)}) },
		"left":        func(_ *Tap, a, _ *person) { a.session.Close() },
		"denied, wanted again": func(tap *Tap, a, b *person) {
			tap.Deny(a.id, true)
			tap.SetVoice([]*Publication{mic(a), mic(b)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				a, b := w.join(shape{}), w.join(shape{})
				var e ears
				tap := w.sfu.NewTap(e.handle)
				tap.SetVoice([]*Publication{mic(a), mic(b)})
				both := func(n int) {
					for range n {
						a.sayFrame("a", -20)
						b.sayFrame("b", -20)
						time.Sleep(frameTime)
					}
				}
				both(10)
				if n := len(e.take()); n != 20 {
					t.Fatalf("%d packets before, want 20", n)
				}
				stop(tap, a, b)
				both(10)
				heard := e.take()
				for _, h := range heard {
					if h.who == a.id {
						t.Fatalf("packet %d of the one taken away was handled", h.seq)
					}
				}
				if len(heard) != 10 {
					t.Errorf("%d packets of the other, want 10", len(heard))
				}
				tap.Close()
				both(2)
				tap.SetVoice([]*Publication{mic(b)})
				both(2)
				if n := len(e.take()); n != 0 {
					t.Errorf("%d packets after Close, want 0", n)
				}
			})
		})
	}
}

func TestTapAllowsAgain(t *testing.T) {
	s := bareSource(t)
	var e ears
	tap := new(SFU).NewTap(e.handle)
	wanted := []*Publication{s.Publication()}
	tap.Deny("pa_npc", true)
	tap.SetVoice(wanted)
	s.Write([]byte("denied"), -20, time.Now())
	tap.Deny("pa_npc", false)
	tap.SetVoice(wanted)
	s.Write([]byte("allowed"), -20, time.Now())
	if len(e.heard) != 1 || e.heard[0].text != "allowed" {
		t.Errorf("heard %v, want the one that was allowed", e.heard)
	}
}

func TestTapHearsAtMostEight(t *testing.T) {
	var e ears
	tap := new(SFU).NewTap(e.handle)
	var all []*Publication
	var sources []*Source
	for range maxTapped + 3 {
		sources = append(sources, bareSource(t))
		all = append(all, sources[len(sources)-1].Publication())
	}
	for from := range 4 { // the list moves on: those who left make room
		tap.SetVoice(all[from:])
		e.heard = nil
		for i, s := range sources {
			s.Write([]byte{byte(i)}, -20, time.Now())
		}
		if len(e.heard) != min(maxTapped, len(all)-from) || e.heard[0].text != string([]byte{byte(from)}) {
			t.Errorf("from %d: %d heard, first %q", from, len(e.heard), e.heard[0].text)
		}
	}
}

// A source that talks without pause, while others deny, mute, reassign and
// close: after each call has returned, handle must not run for it. Run with
// -race.
func TestTapKeepsItsPromiseUnderLoad(t *testing.T) {
	s := bareSource(t)
	p := s.Publication()
	var mu sync.Mutex
	forbidden, broken, heard := true, 0, 0
	tap := new(SFU).NewTap(func(*Publication, uint16, uint32, []byte) {
		mu.Lock()
		defer mu.Unlock()
		heard++
		if forbidden {
			broken++
		}
	})
	set := func(on bool) {
		mu.Lock()
		defer mu.Unlock()
		forbidden = on
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				s.Write([]byte("x"), -20, time.Now())
			}
		}
	}()
	wait := func() { // until something was heard
		for before, now := 0, 0; now <= before+3; {
			mu.Lock()
			if now = heard; before == 0 {
				before = now
			}
			mu.Unlock()
		}
	}
	for round := range 300 {
		set(false)
		tap.Deny("pa_npc", false)
		p.SetMuted(false)
		tap.SetVoice([]*Publication{p})
		wait()
		switch round % 3 {
		case 0:
			tap.Deny("pa_npc", true)
		case 1:
			p.SetMuted(true)
		case 2:
			tap.SetVoice(nil)
		}
		set(true)
	}
	set(false)
	p.SetMuted(false)
	tap.SetVoice([]*Publication{p})
	wait()
	tap.Close()
	set(true)
	close(stop)
	<-stopped
	if broken != 0 || heard == 0 {
		t.Errorf("handle ran %d times for what was forbidden, of %d", broken, heard)
	}
}
