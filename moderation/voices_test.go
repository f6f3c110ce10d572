package moderation

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"earshot"
	"earshot/moderation/evidence"
	"earshot/moderation/policy"
)

// talk is who talks from when to when.
type talk struct{ from, to time.Duration }

// cuts feeds packets of 20 ms for a while and returns the windows.
func cuts(total time.Duration, talks ...talk) (out []string) {
	var c cutter
	start := time.Unix(1000, 0)
	for at := time.Duration(0); at < total; at += 20 * time.Millisecond {
		talking := false
		for _, t := range talks {
			talking = talking || at >= t.from && at < t.to
		}
		if w, ok := c.packet(start.Add(at), talking); ok {
			out = append(out, fmt.Sprintf("%.1f-%.1f", w.from.Sub(start).Seconds(), w.to.Sub(start).Seconds()))
		}
	}
	return out
}

func TestWindowsAreCutAtPauses(t *testing.T) {
	const s = time.Second
	for _, tc := range []struct {
		story string
		total time.Duration
		talks []talk
		want  string
	}{
		{"silence", 10 * s, nil, "[]"},
		{"a cough", 5 * s, []talk{{s, s + 200*time.Millisecond}}, "[]"},
		{"one short sentence", 5 * s, []talk{{s, 2 * s}}, "[1.0-3.5]"},
		{"a pause after three seconds", 8 * s, []talk{{0, 35 * s / 10}, {4 * s, 6 * s}}, "[0.0-3.9 4.0-7.5]"},
		{"a pause before three seconds ends nothing", 8 * s, []talk{{0, 2 * s}, {25 * s / 10, 4 * s}}, "[0.0-4.4]"},
		{"without a pause", 12 * s, []talk{{0, 12 * s}}, "[0.0-5.0 5.0-10.0]"},
	} {
		if got := fmt.Sprint(cuts(tc.total, tc.talks...)); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.story, got, tc.want)
		}
	}
}

func TestLeadIn(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(1000+s), 0) }
	w := window{lead: at(0), from: at(20), to: at(25)}
	if got := w.begins(false); !got.Equal(at(19)) {
		t.Errorf("begins %v before, want a second", w.from.Sub(got))
	}
	if got := w.begins(true); w.to.Sub(got) != windowWhole {
		t.Errorf("the whole is %v, want %v", w.to.Sub(got), windowWhole)
	}
	w.lead = at(18)
	if got := w.begins(true); !got.Equal(at(18)) {
		t.Errorf("begins %v before, want not before the talking", w.from.Sub(got))
	}
}

// scribe is a Transcriber.
type scribe func(ctx context.Context, clip []Packet) (string, error)

func (f scribe) Transcribe(ctx context.Context, _, _ string, clip []Packet) (string, error) {
	return f(ctx, clip)
}

func speak(e *Ear, from uint16, d time.Duration, talking bool) (next uint16) {
	for range int(d / (20 * time.Millisecond)) {
		e.Put(time.Now(), Packet{Seq: from, Timestamp: uint32(from) * 960, Opus: []byte{1, 2, 3, byte(from)}}, talking)
		from++
		time.Sleep(20 * time.Millisecond)
	}
	return from
}

func hearing(tr Transcriber) func(*Config, *Deps) {
	return func(c *Config, d *Deps) {
		c.Worlds = map[string]WorldConfig{"w": {Voice: true}}
		d.Transcriber = tr
	}
}

func TestAVoiceIsTranscribedAndMuted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, err := evidence.New(evidence.Config{}, evidence.Deps{})
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		b := newBench(t, nil, func(c *Config, d *Deps) {
			hearing(scribe(func(context.Context, []Packet) (string, error) { return severe, nil }))(c, d)
			d.Evidence = store
		})
		defer b.stop()
		if !b.p.Hears("w") || b.p.Hears("quiet") || b.p.Listen(Speaker{World: "quiet", Who: "pa_a"}) != nil {
			t.Error("voices are judged where the world has not asked for it, or not where it has")
		}
		ear := b.p.Listen(Speaker{World: "w", Instance: "in_w", Who: "pa_a", Name: "Ann"})
		seq := uint16(65500)
		for range 8 {
			seq = speak(ear, seq, time.Second, true)
			seq = speak(ear, seq, 2*time.Second, false)
		}
		synctest.Wait()
		if _, ok := sanctioned(b.last(), policy.Mute, time.Now()); !ok {
			t.Fatalf("eight windows with a slur: %+v, want a mute", b.last())
		}
		items, _ := b.journal.History(t.Context(), "pa_a", 1)
		if len(items) != 1 || items[0].Signal.Kind != policy.Voice || len(items[0].Evidence) != 1 {
			t.Fatalf("the incident %+v, want one of a voice with evidence", items)
		}
		if m, ok := store.Meta(items[0].Evidence[0]); !ok || m.Who != "pa_a" || m.Packets == 0 {
			t.Errorf("evidence %+v", m)
		}
		if len(b.seen().retracted) != 0 {
			t.Error("what was heard was taken back")
		}
		ear.Close()
		ear.Put(time.Now(), Packet{Opus: []byte{1}}, true)
		if b.value("voice_packets_total", "dropped") != 1 {
			t.Error("a packet after the end was kept")
		}
	})
}

// What a guard finds in a transcript leads to an order, later.
func TestADoubtfulTranscript(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var clips [][]Packet
		b := newBench(t, nil, func(c *Config, d *Deps) {
			hearing(scribe(func(_ context.Context, clip []Packet) (string, error) {
				mu.Lock()
				clips = append(clips, clip)
				mu.Unlock()
				return uncertain, nil
			}))(c, d)
			d.Tier1 = answers(time.Second, found)
		})
		defer b.stop()
		ear := b.p.Listen(Speaker{World: "w", Who: "pa_a"})
		speak(ear, 0, 16*time.Second, true)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if b.count() == 0 {
			t.Error("tier 1 found hate in a transcript, and nothing was ordered")
		}
		mu.Lock()
		defer mu.Unlock()
		if len(clips) < 3 || len(clips[1]) < 9*50 || len(clips[0]) > 5*50+1 {
			t.Fatalf("%d clips; after a doubtful window the next comes with what was said before", len(clips))
		}
		ear.Close()
	})
}

// Under load everybody is sampled, and who was reported is always listened to.
func TestReportedTalkersFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		heard := map[byte]int{}
		b := newBench(t, nil, func(c *Config, d *Deps) {
			hearing(scribe(func(ctx context.Context, clip []Packet) (string, error) {
				mu.Lock()
				heard[clip[0].Opus[0]]++
				mu.Unlock()
				wait(ctx, 2*time.Second) // 1 window a second of the two at once
				return clean, nil
			}))(c, d)
		})
		defer b.stop()
		for i := range 3 {
			if _, err := b.p.Report(t.Context(), Report{
				World: "w", Instance: "in_w", From: earshot.ParticipantID(fmt.Sprint("pa_r", i)), Who: "pa_0",
				Since: time.Now().Add(-1000 * time.Hour),
			}); err != nil {
				t.Fatal(err)
			}
		}
		const talkers = 20
		ears := make([]*Ear, talkers)
		for i := range ears {
			ears[i] = b.p.Listen(Speaker{World: "w", Instance: "in_w", Who: earshot.ParticipantID(fmt.Sprint("pa_", i))})
		}
		for n := range 60 * 50 { // a minute
			for i, e := range ears {
				e.Put(time.Now(), Packet{Seq: uint16(n), Timestamp: uint32(n * 960), Opus: []byte{byte(i), 0, 0}}, true)
			}
			time.Sleep(20 * time.Millisecond)
		}
		mu.Lock()
		defer mu.Unlock()
		if heard[0] < 11 || len(heard) != talkers {
			t.Errorf("the reported talker was heard %d times of 12, of %d talkers %d at all: %v", heard[0], talkers, len(heard), heard)
		}
		for i, n := range heard {
			if i > 0 && n > 4 {
				t.Errorf("talker %d was heard %d times: others less", i, n)
			}
		}
		if b.value("voice_windows_total", "skipped") == 0 {
			t.Error("what was not listened to is not counted")
		}
	})
}

func TestATranscriberThatIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		b := newBench(t, nil, func(c *Config, d *Deps) {
			c.Transcriptions = 1
			hearing(scribe(func(context.Context, []Packet) (string, error) { asked.Add(1); return "", errDown }))(c, d)
		})
		defer b.stop()
		ear := b.p.Listen(Speaker{World: "w", Who: "pa_a"})
		speak(ear, 0, 100*time.Second, true)
		if asked.Load() > 14 || b.value("voice_windows_total", "failed") < 15 {
			t.Errorf("asked %d times, %v windows counted as failed", asked.Load(), b.value("voice_windows_total", "failed"))
		}
		ear.Close()
	})
}

func TestAnEarIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, hearing(scribe(func(context.Context, []Packet) (string, error) { return "", nil })))
		defer b.stop()
		ear := b.p.Listen(Speaker{World: "w", Who: "pa_a"})
		now := time.Now()
		for i := range 5000 { // 2 ms apart
			ear.Put(now.Add(time.Duration(i)*2*time.Millisecond), Packet{Seq: uint16(i), Opus: make([]byte, 1400)}, false)
		}
		if ear.bytes > earBytes || ear.count > earPackets {
			t.Errorf("an ear keeps %d packets of %d bytes", ear.count, ear.bytes)
		}
		kept, dropped := b.value("voice_packets_total", "kept"), b.value("voice_packets_total", "dropped")
		if kept+dropped != 5000 || dropped == 0 {
			t.Errorf("%v kept, %v dropped of 5000", kept, dropped)
		}
		later := now.Add(time.Hour)
		for range 2 * earPackets {
			later = later.Add(20 * time.Millisecond)
			ear.Put(later, Packet{Opus: []byte{1, 2, 3}}, false)
		}
		if more := b.value("voice_packets_total", "dropped") - dropped; more != 0 {
			t.Errorf("%v small packets are dropped an hour after large ones", more)
		}
		small := Packet{Opus: []byte{1, 2, 3}} // here: evidence is a function value, so what Put takes is on the heap
		if allocs := testing.AllocsPerRun(200, func() {
			later = later.Add(20 * time.Millisecond)
			ear.Put(later, small, false)
		}); allocs > 0 {
			t.Errorf("Put allocates %v times", allocs)
		}
		var none *Ear
		none.Put(now, Packet{Opus: []byte{1}}, true)
		none.Close()
	})
}

func TestSpeakersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, hearing(scribe(func(context.Context, []Packet) (string, error) { return "", nil })))
		defer b.stop()
		for range maxEars {
			if b.p.Listen(Speaker{World: "w", Who: "pa_a"}) == nil {
				t.Fatal("refused too early")
			}
		}
		if b.p.Listen(Speaker{World: "w", Who: "pa_a"}) != nil || b.value("refused_total", "speakers") != 1 {
			t.Error("one speaker too many is listened to, or not counted")
		}
	})
}
