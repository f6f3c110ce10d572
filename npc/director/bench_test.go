package director

import (
	"strings"
	"testing"
	"time"
)

// One look at twelve people, two of whom talk, with the step of the body.
func BenchmarkSee(b *testing.B) {
	s := twelve(b)
	around := s.around()
	b.ReportAllocs()
	for b.Loop() {
		s.now = s.now.Add(50 * time.Millisecond)
		s.d.See(s.now, around)
		s.d.Step(s.now)
		for {
			if _, ok := s.d.Next(); !ok {
				break
			}
		}
	}
}

// An answer of 40 words, word by word.
func BenchmarkSplitter(b *testing.B) {
	words := strings.SplitAfter(strings.Repeat("I have four rooms, and two of them are dry. ", 4), " ")
	b.ReportAllocs()
	for b.Loop() {
		s := NewSplitter([]string{"Mara"}, []string{"Ada"}, 0)
		for _, w := range words {
			s.Write(w)
		}
		s.End(true)
	}
}
