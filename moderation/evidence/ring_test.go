package evidence

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
	"unsafe"

	"earshot"
)

func testStore(t testing.TB, cfg Config, deps Deps) *Store {
	t.Helper()
	s, err := New(cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// The ring holds exactly what is not older than the window, while it fits;
// otherwise the newest of that, as many as fit.
func TestRingHolds(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 7))
		most := 16<<10 + r.IntN(32<<10)
		s := testStore(t, Config{MaxBytes: most, Window: 5 * time.Second}, Deps{})
		largest := 20 + r.IntN(maxPacket-20)
		now := start
		var sent []Packet
		for i := range 3000 {
			now = now.Add(time.Duration(r.IntN(40)) * time.Millisecond)
			if r.IntN(500) == 0 {
				now = now.Add(4 * time.Second)
			}
			opus := make([]byte, 1+r.IntN(largest))
			for j := range opus {
				opus[j] = byte(r.Uint32())
			}
			s.Put("w", "pa_a", now, uint16(i), uint32(i*960), opus)
			sent = append(sent, Packet{uint16(i), uint32(i * 960), now, opus})
			if i%97 > 0 {
				continue
			}
			got := s.Recent("w", "pa_a", time.Time{}, now)
			want := sent[len(sent)-len(got):]
			bytesOf := 0
			for i := range got {
				if got[i].Seq != want[i].Seq || got[i].Timestamp != want[i].Timestamp || !got[i].At.Equal(want[i].At) || !bytes.Equal(got[i].Opus, want[i].Opus) {
					t.Fatalf("seed %d: packet %d of %d is not what was put", seed, i, len(got))
				}
				bytesOf += len(got[i].Opus) + tagBytes
			}
			ring := s.buffer.rings[speaker{"w", "pa_a"}]
			if len(ring.data) > most {
				t.Fatalf("a ring of %d bytes, at most %d", len(ring.data), most)
			}
			if len(got) == 0 || now.Sub(got[0].At) > 5*time.Second {
				t.Fatalf("seed %d: %d packets, the first %v old", seed, len(got), now.Sub(got[0].At))
			}
			whole := len(sent) == len(got) || now.Sub(sent[len(sent)-len(got)-1].At) > 5*time.Second
			if !whole && bytesOf < most-3*maxPacket-2*tagBytes {
				t.Fatalf("seed %d: %d bytes of %d are used, and something of the window is missing", seed, bytesOf, most)
			}
		}
		from, to := now.Add(-2*time.Second), now.Add(-time.Second)
		for _, p := range s.Recent("w", "pa_a", from, to) {
			if p.At.Before(from) || p.At.After(to) {
				t.Errorf("a packet of %v is not from %v to %v", p.At, from, to)
			}
		}
	}
}

// What Config and docs/evidence.md say of memory.
func TestRingIsBounded(t *testing.T) {
	if n := unsafe.Sizeof(held{}); n != heldBytes {
		t.Errorf("a packet takes %d bytes, want %d", n, heldBytes)
	}
	for _, tc := range []struct{ bytes, step, total, seconds int }{{80, 20, 336 << 10, 30}, {150, 20, 336 << 10, 30}, {80, 10, 374 << 10, 26}, {1500, 5, 374 << 10, 0}} {
		s := testStore(t, Config{}, Deps{})
		now := start
		for i := 0; now.Sub(start) < 40*time.Second; i++ {
			now = now.Add(time.Duration(tc.step) * time.Millisecond)
			s.Put("w", "pa_a", now, uint16(i), 0, make([]byte, tc.bytes))
		}
		r := s.buffer.rings[speaker{"w", "pa_a"}]
		if total := len(r.data) + len(r.packets)*heldBytes; total > tc.total {
			t.Errorf("%d bytes each %d ms take %d bytes, want at most %d", tc.bytes, tc.step, total, tc.total)
		}
		if age := now.Sub(s.Recent("w", "pa_a", start, now)[0].At); age < time.Duration(tc.seconds)*time.Second-100*time.Millisecond {
			t.Errorf("%d bytes each %d ms: only %v are remembered", tc.bytes, tc.step, age)
		}
	}
}

func TestRingIsEncrypted(t *testing.T) {
	s := testStore(t, Config{}, Deps{})
	opus := bytes.Repeat([]byte("plain opus "), 20)
	var first []byte
	for i := range 1600 {
		s.Put("w", "pa_a", start.Add(time.Duration(i)*20*time.Millisecond), uint16(i), 0, opus)
		ring := s.buffer.rings[speaker{"w", "pa_a"}]
		if bytes.Contains(ring.data, opus[:11]) {
			t.Fatal("a packet is in memory in the clear")
		}
		if i == 0 {
			first = slices.Clone(ring.data[:len(opus)])
		}
	}
	ring := s.buffer.rings[speaker{"w", "pa_a"}]
	last := &ring.packets[(ring.first+ring.count-1)%len(ring.packets)]
	if oldest := &ring.packets[ring.first]; oldest.key == last.key || start.Equal(last.key.born) {
		t.Error("after 32 s all packets are still under the first key")
	}
	if bytes.Equal(first, ring.encrypted(last)[:len(opus)]) {
		t.Error("the same packet looks the same twice")
	}
}

// Beyond the number of speakers nobody is remembered, until one has been
// silent for the window.
func TestSpeakersAreBounded(t *testing.T) {
	s := testStore(t, Config{MaxSpeakers: 3}, Deps{})
	put := func(who string, at time.Time) bool {
		s.Put("w", earshot.ParticipantID(who), at, 1, 1, []byte{1})
		return len(s.Recent("w", earshot.ParticipantID(who), at, at)) > 0
	}
	for i := range 3 {
		if !put(fmt.Sprint("pa_", i), start.Add(time.Duration(i)*time.Second)) {
			t.Errorf("speaker %d is not remembered", i)
		}
	}
	if put("pa_3", start.Add(29*time.Second)) {
		t.Error("a fourth speaker is remembered")
	}
	if !put("pa_3", start.Add(31*time.Second)) {
		t.Error("a fourth speaker is not remembered after the first fell silent")
	}
	s.Put("w", "pa_3", start, 1, 1, make([]byte, maxPacket+1))
	s.Put("w", "pa_3", start, 1, 1, nil)
	if f := s.Figures(); f.Refused != 3 || f.Speakers != 3 {
		t.Errorf("Figures = %+v, want 3 refused", f)
	}
	if _, err := s.Sweep(t.Context(), start.Add(time.Hour)); err != nil || s.Figures().Speakers != 0 {
		t.Errorf("Sweep = %v, then %+v: want nobody remembered", err, s.Figures())
	}
}

func TestPutDoesNotAllocate(t *testing.T) {
	s := testStore(t, Config{}, Deps{})
	opus, now, i := make([]byte, 80), start, 0
	put := func() {
		i++
		now = now.Add(time.Millisecond) // so that no key is replaced meanwhile
		s.Put("w", "pa_a", now, uint16(i), uint32(i), opus)
	}
	for now.Sub(start) < 65*time.Second {
		put()
	}
	if n := testing.AllocsPerRun(1000, put); n != 0 {
		t.Errorf("Put allocates %v times, want 0", n)
	}
}

func TestPutTogether(t *testing.T) {
	s := testStore(t, Config{Window: time.Second, MaxSpeakers: 6}, Deps{})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			who := earshot.ParticipantID(fmt.Sprint("pa_", i%4))
			for n := range 2000 {
				now := start.Add(time.Duration(n) * 20 * time.Millisecond)
				s.Put("w", who, now, uint16(n), uint32(n), []byte{1, 2, byte(i)})
				switch n % 50 {
				case 7:
					s.Keep(t.Context(), "w", who, "ic", now)
				case 17:
					s.Sweep(t.Context(), now)
				case 27:
					s.Erase(t.Context(), "pa_2")
				}
			}
		})
	}
	wg.Wait()
	if broken, err := s.Verify(t.Context()); err != nil || len(broken) > 0 {
		t.Errorf("Verify = %v, %v", broken, err)
	}
}

func BenchmarkPut(b *testing.B) {
	s := testStore(b, Config{}, Deps{})
	opus, now := make([]byte, 80), start
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		now = now.Add(20 * time.Millisecond)
		s.Put("w", "pa_a", now, uint16(i), uint32(i), opus)
	}
}
