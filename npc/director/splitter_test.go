package director

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// show writes pieces as a test reads them: sentences by |, gestures in *, the
// lines of actions as they are.
func show(pieces []Piece) string {
	var parts []string
	for _, p := range pieces {
		switch p.Kind {
		case PieceGesture:
			parts = append(parts, "*"+p.Text+"*")
		default:
			parts = append(parts, p.Text)
		}
	}
	return strings.Join(parts, " | ")
}

func splitIn(text string, size int) (pieces []Piece) {
	s := NewSplitter([]string{"Mara", "Mara Holt"}, []string{"Ada"}, 0)
	for len(text) > 0 {
		n := min(size, len(text))
		pieces = append(pieces, s.Write(text[:n])...)
		text = text[n:]
	}
	return append(pieces, s.End(true)...)
}

var splits = []struct{ name, text, want string }{
	{"two", "Good evening. Come in!", "Good evening. | Come in!"},
	{"abbreviations", "Dr. Oake met Mrs. Pim. They spoke, e.g. of rain.", "Dr. Oake met Mrs. Pim. | They spoke, e.g. of rain."},
	{"initials", "J. R. Holt lived here. He left.", "J. R. Holt lived here. | He left."},
	{"I ends a sentence", "It is I. Come in.", "It is I. | Come in."},
	{"numbers", "It costs 3.50 silver. See example.org for No. 5 of it.", "It costs 3.50 silver. | See example.org for No. 5 of it."},
	{"no", "No. You may not.", "No. | You may not."},
	{"list", "1. Salt\n2. Rope", "1. Salt | 2. Rope"},
	{"ellipsis goes on", "Well... perhaps. Well… perhaps.", "Well... perhaps. | Well… perhaps."},
	{"ellipsis ends", "I wonder... But no.", "I wonder... | But no."},
	{"quotes", `She said "Go away." Then she left. "What?" he asked. Nobody knew.`, `She said "Go away." | Then she left. | "What?" he asked. | Nobody knew.`},
	{"several marks", "What?! Really?!! Yes.", "What?! | Really?!! | Yes."},
	{"Chinese", "你好。你要什么？“好！”他说。", "你好。 | 你要什么？ | “好！” | 他说。"},
	{"Japanese", "ようこそ。外は雨です！お茶をどうぞ", "ようこそ。 | 外は雨です！ | お茶をどうぞ"},
	{"Hindi", "नमस्ते। अंदर आइए।", "नमस्ते। | अंदर आइए।"},
	{"paragraphs", "First line\n\nSecond line", "First line | Second line"},
	{"stage direction first", "*waves* Hello there.", "*wave* | Hello there."},
	{"stage direction last", "Hello there. *nods slowly*", "Hello there. | *nod*"},
	{"unknown direction", "*polishes a glass* Evening.", "Evening."},
	{"bowl is no bow", "*fills a bowl* Eat.", "Eat."},
	{"shaking", "*shakes her head* No.", "*shake_head* | No."},
	{"brackets", "(sighs) Not again. It was (as you know) late.", "*sigh* | Not again. | It was (as you know) late."},
	{"emphasis", "I *really* mean it. **Never** do that.", "I really mean it. | Never do that."},
	{"lone asterisk", "5 * 3 is fifteen", "5 3 is fifteen"},
	{"own name", "Mara: Come in. \nMara Holt: Sit.", "Come in. | Sit."},
	{"others' words", "Come in.\nAda: Thank you!\nMara: Sit.", "Come in."},
	{"thinking", "<think>She is wet. Be kind.</think>\nCome in.", "Come in."},
	{"Markdown", "# Rooms\n- one. \n> two `beds`", "Rooms | one. | two beds"},
	{"action", "Here is the key.\n@give_item {\"item\": \"room key\", \"count\": 1}", `Here is the key. | @give_item {"item": "room key", "count": 1}`},
	{"action over lines", "Here.\n@give_item {\n \"item\": \"a. B! }\"\n}\nEnjoy.", `Here. | @give_item {  "item": "a. B! }" } | Enjoy.`},
	{"action without arguments", "Bye.\n@wave", "Bye. | @wave"},
	{"action behind words", `Here you go. @give_item {"item": "mug of ale"}`, `Here you go. | @give_item {"item": "mug of ale"}`},
	{"no action", "@everybody, listen. Write to a@b.example now.", "@everybody, listen. | Write to a@b.example now."},
	{"action that never ends", "Here.\n@give_item {\"item\": \"room", "Here."},
	{"only marks", "... !!! \n --- \nHm.", "Hm."},
	{"empty", "", ""},
}

func TestSplitter(t *testing.T) {
	for _, tc := range splits {
		if got := show(splitIn(tc.text, len(tc.text)+1)); got != tc.want {
			t.Errorf("%s: %q\n got %s\nwant %s", tc.name, tc.text, got, tc.want)
		}
	}
}

// How the model's answer is cut into pieces on its way does not matter.
func TestSplitterDoesNotCareForPieces(t *testing.T) {
	for _, tc := range splits {
		for size := 1; size < 12; size++ {
			if got := show(splitIn(tc.text, size)); got != tc.want {
				t.Errorf("%s in pieces of %d: got %s, want %s", tc.name, size, got, tc.want)
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.SampledFrom([]rune("ab A.!?…*@{}\"(): \n。3<>-é世")), 0, 80, -1).Draw(t, "text")
		whole := show(splitIn(text, len(text)+1))
		if got := show(splitIn(text, rapid.IntRange(1, 9).Draw(t, "size"))); got != whole {
			t.Fatalf("%q in pieces: %s, whole: %s", text, got, whole)
		}
	})
}

// A sentence is certain as soon as the next one begins.
func TestSplitterIsPrompt(t *testing.T) {
	s := NewSplitter(nil, nil, 0)
	if got := s.Write("Good evening"); len(got) != 0 {
		t.Errorf("before the full stop: %v", got)
	}
	if got := s.Pending(); got != "Good evening" {
		t.Errorf("Pending() = %q, want what was said so far", got)
	}
	s.Write(".")
	if got := show(s.Write(" W")); got != "Good evening." {
		t.Errorf("at the next word: %q, want the sentence", got)
	}
	if got := show(s.Write("hat? ")); got != "What?" {
		t.Errorf("after a question: %q, want it at once", got)
	}
	s.Write("*wav")
	if got := s.Pending(); got != "" {
		t.Errorf("Pending() = %q, shows a stage direction", got)
	}
}

// Half a sentence may say the opposite: it is dropped when the answer breaks
// off.
func TestSplitterDropsHalfSentence(t *testing.T) {
	s := NewSplitter(nil, nil, 0)
	got := append([]Piece(nil), s.Write("Stay here. You must never")...)
	if got = append(got, s.End(false)...); show(got) != "Stay here." {
		t.Errorf("got %s, want the whole sentence only", show(got))
	}
	if !s.Done() || s.Write("more. And more.") != nil {
		t.Errorf("the splitter goes on after the end")
	}
}

func FuzzSplitter(f *testing.F) {
	for _, tc := range splits {
		f.Add(tc.text, 3)
	}
	f.Fuzz(func(t *testing.T, text string, size int) {
		for _, p := range splitIn(text, max(size, 1)) {
			if p.Kind != PieceSentence {
				continue
			}
			if !utf8.ValidString(p.Text) || strings.ContainsAny(p.Text, "\n*`") || strings.TrimSpace(p.Text) == "" {
				t.Errorf("sentence %q of %q", p.Text, text)
			}
			if n := utf8.RuneCountInString(p.Text); n > DefaultSentence+128 {
				t.Errorf("a sentence of %d runes", n)
			}
		}
	})
}

func TestLongSentenceIsCutWhereABreathMayBeTaken(t *testing.T) {
	long := "when the ships come in, " + strings.Repeat("and the gulls cry over the harbour ", 12) + "we drink."
	for _, p := range splitIn(long, 7) {
		if n := utf8.RuneCountInString(p.Text); n > DefaultSentence+1 || strings.HasPrefix(p.Text, " ") || strings.HasSuffix(p.Text, "gul") {
			t.Errorf("%d runes: %q", n, p.Text)
		}
	}
	whole := ""
	for _, p := range splitIn(long, 7) {
		whole = strings.TrimSpace(whole + " " + p.Text)
	}
	if whole != long {
		t.Errorf("words were lost:\n%q\n%q", whole, long)
	}
}
