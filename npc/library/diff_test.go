package library

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestDiff(t *testing.T) {
	show := func(hunks []Hunk) string {
		var b strings.Builder
		for _, h := range hunks {
			fmt.Fprintf(&b, "@%d,%d", h.FromLine, h.ToLine)
			for _, l := range h.Lines {
				b.WriteString(l.Op + l.Text)
			}
		}
		return b.String()
	}
	for _, tc := range []struct{ from, to, want string }{
		{"", "", ""},
		{"a\nb\n", "a\nb", ""},
		{"", "a\n", "@1,1+a"},
		{"a\n", "", "@1,1-a"},
		{"a\nb\nc\n", "a\nx\nc\n", "@1,1 a-b+x c"},
		{"1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n", "@7,7 7 8 9+10"},
		{"1\n2\n3\n4\n5\n6\n7\n8\n9\n", "x\n2\n3\n4\n5\n6\n7\n8\ny\n", "@1,1-1+x 2 3 4@6,6 6 7 8-9+y"},
		{"1\n2\n3\n4\n5\n6\n7\n8\n", "x\n2\n3\n4\n5\n6\n7\ny\n", "@1,1-1+x 2 3 4 5 6 7-8+y"},
		{"a\nb\nc\na\nb\nb\na\n", "c\nb\na\nb\na\nc\n", "@1,1-a-b c+b a b-b a+c"},
	} {
		if got := show(Diff(tc.from, tc.to)); got != tc.want {
			t.Errorf("Diff(%q, %q) = %s, want %s", tc.from, tc.to, got, tc.want)
		}
	}
}

// replay applies hunks to a text.
func replay(t *rapid.T, from []string, hunks []Hunk) (to []string) {
	at := 0
	for _, h := range hunks {
		to = append(to, from[at:h.FromLine-1]...)
		at = h.FromLine - 1
		if len(to) != h.ToLine-1 {
			t.Fatalf("hunk %+v comes at line %d of the new text", h, len(to)+1)
		}
		for _, l := range h.Lines {
			if l.Op != "+" {
				if from[at] != l.Text {
					t.Fatalf("line %d is %q, the hunk says %q", at+1, from[at], l.Text)
				}
				at++
			}
			if l.Op != "-" {
				to = append(to, l.Text)
			}
		}
	}
	return append(to, from[at:]...)
}

// Replaying a difference gives the new text, and no shorter one exists.
func TestDiffReplays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}), 0, 40)
		from, to := lines.Draw(t, "from"), lines.Draw(t, "to")
		hunks := Diff(strings.Join(from, "\n"), strings.Join(to, "\n"))
		if got := replay(t, from, hunks); !slices.Equal(got, to) {
			t.Fatalf("replayed %v, want %v", got, to)
		}
		changed := 0
		for _, h := range hunks {
			for _, l := range h.Lines {
				if l.Op != " " {
					changed++
				}
			}
		}
		if shortest := len(from) + len(to) - 2*common(from, to); changed != shortest {
			t.Fatalf("%d lines changed, %d are enough", changed, shortest)
		}
	})
}

// common is the length of the longest common subsequence, the slow way.
func common(x, y []string) int {
	row := make([]int, len(y)+1)
	for i := range x {
		corner := 0
		for j := range y {
			old := row[j+1]
			if x[i] == y[j] {
				row[j+1] = corner + 1
			} else {
				row[j+1] = max(row[j], old)
			}
			corner = old
		}
	}
	return row[len(y)]
}

// Files that have nothing in common end soon too.
func TestDiffOfStrangers(t *testing.T) {
	var x, y strings.Builder
	for i := range 50_000 {
		fmt.Fprintf(&x, "x%d\n", i)
		fmt.Fprintf(&y, "y%d\n", i)
	}
	hunks := Diff("same\n"+x.String(), "same\n"+y.String())
	if len(hunks) != 1 || len(hunks[0].Lines) != 100_001 || hunks[0].Lines[0].Op != " " {
		t.Errorf("%d hunks, want one with all", len(hunks))
	}
}

func FuzzDiff(f *testing.F) {
	f.Add("a\nb\nc", "a\nc\n\n")
	f.Fuzz(func(t *testing.T, from, to string) {
		if len(from) > 4096 || len(to) > 4096 {
			return
		}
		same := strings.TrimSuffix(from, "\n") == strings.TrimSuffix(to, "\n")
		if hunks := Diff(from, to); (len(hunks) == 0) != same && len(splitLines(from))+len(splitLines(to)) > 0 {
			t.Fatalf("%d hunks between %q and %q", len(hunks), from, to)
		}
	})
}
