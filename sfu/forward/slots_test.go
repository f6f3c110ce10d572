package forward

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"pgregory.net/rapid"
)

// TestSlotsScripts runs testdata/slots. Commands:
//
//	new n=                   so many slots
//	grow n=                  so many from now on
//	close i= | open i=       nobody may be there, or anybody again
//	assign [after=ms]        one candidate a line: name score [talks]
//	until [every=] [limit=]  assign the same again every so many ms until something changes
func TestSlotsScripts(t *testing.T) {
	datadriven.Walk(t, "testdata/slots", func(t *testing.T, path string) {
		var s *Slots[string]
		now := epoch
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "new":
				s, now = NewSlots[string](number(t, d, "n", 1)), epoch
				return ""
			case "grow":
				s.Grow(number(t, d, "n", 1))
				return showSlots(s, now)
			case "close", "open":
				s.Close(number(t, d, "i", 0), d.Cmd == "close")
				return showSlots(s, now)
			case "assign":
				now = now.Add(ms(t, d, "after"))
				s.Assign(now, readCandidates(t, d))
				return showSlots(s, now)
			case "until":
				candidates := readCandidates(t, d)
				for end := now.Add(2 * time.Second); now.Before(end); {
					now = now.Add(time.Duration(number(t, d, "every", 50)) * time.Millisecond)
					if s.Assign(now, candidates) {
						return showSlots(s, now)
					}
				}
				return "no change in 2 s\n"
			}
			d.Fatalf(t, "unknown command %s", d.Cmd)
			return ""
		})
	})
}

func readCandidates(t *testing.T, d *datadriven.TestData) []Candidate[string] {
	var out []Candidate[string]
	for line := range strings.Lines(d.Input) {
		f := strings.Fields(line)
		score, err := strconv.ParseFloat(f[1], 32)
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		out = append(out, Candidate[string]{Key: f[0], ScoreDB: float32(score), Talking: len(f) > 2})
	}
	return out
}

func showSlots(s *Slots[string], now time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d ms:", now.Sub(epoch).Milliseconds())
	for i := range s.Len() {
		if key, _, ok := s.At(i); ok {
			b.WriteString(" " + key)
		} else {
			b.WriteString(" -")
		}
	}
	return b.String() + "\n"
}

// TestSlotsProperties walks a crowd with random loudness through few slots.
func TestSlotsProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 6).Draw(t, "slots")
		s := NewSlots[int](n)
		now := epoch
		var last []Candidate[int]
		for range rapid.IntRange(1, 40).Draw(t, "rounds") {
			last = drawCandidates(t)
			before := occupants(s)
			changed := s.Assign(now, last)
			after := occupants(s)
			if changed != (fmt.Sprint(before) != fmt.Sprint(after)) {
				t.Fatalf("Assign = %v, but slots went from %v to %v", changed, before, after)
			}
			checkOccupants(t, after, last)
			now = now.Add(time.Duration(rapid.IntRange(1, 300).Draw(t, "ms")) * time.Millisecond)
		}
		checkSettles(t, s, now, last)
	})
}

func drawCandidates(t *rapid.T) []Candidate[int] {
	var out []Candidate[int]
	for key := 1; key <= 10; key++ {
		if rapid.IntRange(0, 3).Draw(t, "present") > 0 {
			out = append(out, Candidate[int]{
				Key: key, ScoreDB: float32(rapid.IntRange(-120, 0).Draw(t, "dB")), Talking: rapid.Bool().Draw(t, "talks"),
			})
		}
	}
	return out
}

func occupants(s *Slots[int]) []int {
	out := make([]int, s.Len())
	for i := range out {
		out[i], _, _ = s.At(i)
	}
	return out
}

func checkOccupants(t *rapid.T, slots []int, candidates []Candidate[int]) {
	present := map[int]bool{}
	for _, c := range candidates {
		present[c.Key] = true
	}
	seen, free := map[int]bool{}, 0
	for _, key := range slots {
		switch {
		case key == 0:
			free++
		case seen[key]:
			t.Fatalf("%d has two slots: %v", key, slots)
		case !present[key]:
			t.Fatalf("%d is no candidate and has a slot: %v", key, slots)
		}
		seen[key] = true
	}
	if want := max(0, len(slots)-len(candidates)); free != want {
		t.Fatalf("%d slots are free with %d candidates: %v, want %d", free, len(candidates), slots, want)
	}
}

// checkSettles holds the candidates as they are: within two seconds nobody
// outside is clearly more audible than anybody inside, and then nothing changes.
func checkSettles(t *rapid.T, s *Slots[int], now time.Time, candidates []Candidate[int]) {
	for range 40 {
		now = now.Add(50 * time.Millisecond)
		s.Assign(now, candidates)
	}
	for i := range s.Len() {
		key, score, ok := s.At(i)
		for _, c := range candidates {
			if ok && s.find(c.Key) < 0 && c.ScoreDB-score >= SlotHysteresis {
				t.Fatalf("%d with %v dB has no slot, %d with %v dB has", c.Key, c.ScoreDB, key, score)
			}
		}
	}
	for range 40 {
		now = now.Add(50 * time.Millisecond)
		if s.Assign(now, candidates) {
			t.Fatalf("slots changed to %v though nothing else did", occupants(s))
		}
	}
}

func TestAssignDoesNotAllocate(t *testing.T) {
	s := NewSlots[int](12)
	var a, b []Candidate[int]
	for i := range 64 {
		a = append(a, Candidate[int]{Key: i, ScoreDB: float32(-i), Talking: i%3 == 0})
		b = append(b, Candidate[int]{Key: i, ScoreDB: float32(i - 64), Talking: i%3 == 1})
	}
	now := epoch
	s.Assign(now, a)
	if n := testing.AllocsPerRun(200, func() {
		now = now.Add(time.Second)
		s.Assign(now, a)
		now = now.Add(time.Second)
		s.Assign(now, b)
	}); n != 0 {
		t.Errorf("%v allocations a round, want 0", n)
	}
}
