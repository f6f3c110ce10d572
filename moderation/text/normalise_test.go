package text

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestNormalise(t *testing.T) {
	m := Default()
	var s Scratch
	for _, c := range []struct{ name, in, want string }{
		{"case and spaces", "  Hello   THERE\tyou \n", "hello there you"},
		{"full width", "ｆｕｌｌ ｗｉｄｔｈ", "full width"},
		{"mathematical", "𝓯𝓪𝓷𝓬𝔂 𝕝𝕖𝕥𝕥𝕖𝕣𝕤", "fancy letters"},
		{"circled and squared", "ⓒⓘⓡⓒⓛⓔ 🅱itch", "circle bitch"},
		{"small capitals", "sᴍᴀʟʟ", "small"},
		{"regional indicators", "🇳🇴🇵🇪", "nope"},
		{"Cyrillic in a Latin word", "bаd wоrd", "bad word"},
		{"Cyrillic that looks Latin", "ѕсаре", "scape"},
		{"Russian stays Russian", "Привет мир", "привет мир"},
		{"Greek stays Greek", "καλημέρα φίλε", "καλημέρα φίλε"},
		{"faint resemblance in a Latin word", "пigga яun", "nigga run"},
		{"accents", "Füße señor élève Straße", "fusse senor eleve strasse"},
		{"combining storm", "h\u0301\u0302\u0303e\u0316\u0317l\u0489lo", "hello"},
		{"zero width", "he\u200bl\u200dl\ufeffo", "hello"},
		{"soft hyphen and bidi", "\u202ehe\u00adllo\u202c", "hello"},
		{"invalid bytes", "he\xffll\xc0o", "hello"},
		{"leet", "l33t 5p34k 4tt4ck", "leet speak attack"},
		{"one is i or l", "b1tch k1ll ki11 b1ow", "bitch kill kill blow"},
		{"signs", "$hit b@d a$$ sh!t", "shit bad ass shit"},
		{"a mention stays one", "@bob hi", "@ bob hi"},
		{"money stays money", "it costs $5", "it costs $ 5"},
		{"figures stay figures", "at 5pm the 2nd 100k 1080p", "at 5pm the 2nd 100k 1080p"},
		{"spaced", "s p a c e d", "spaced"},
		{"dotted", "s.p.a.c.e.d out", "spaced out"},
		{"starred", "s*p*a*c*e", "space"},
		{"parted by emoji", "c👏l👏a👏p", "clap"},
		{"words of spaced letters", "k i c k  h i m", "kick him"},
		{"two letters are words", "u r nice", "u r nice"},
		{"a list is no word", "a, b and c", "a , b and c"},
		{"repeats", "coooooldddd", "cold"},
		{"doubles stay", "good book", "good book"},
		{"a cry", "aaaaah aaaa", "ah aa"},
		{"apostrophes", "don't l'idiot", "dont l idiot"},
		{"punctuation", "what?!?! ...", "what ? ! ? ! ."},
		{"emoji", "🔥🔥🔥 ok👍🏽", "🔥 ok 👍 🏽"},
		{"nothing", "\u200b\u200b", ""},
	} {
		if got := m.Normalise(c.in, &s); got != c.want {
			t.Errorf("%s: Normalise(%q) = %q, want %q", c.name, c.in, got, c.want)
		}
	}
}

// alphabet of texts that try to break things.
var nasty = []string{"a", "s", "f", "u", "c", "k", "i", "l", "1", "4", "5", "8", "9", "p", "m", " ", "  ", "\n", ".", "-", "*", "@", "$", "!", "|", "'", "€",
	"а", "х", "й", "σ", "ß", "ﬃ", "\u0301", "\u200b", "\u202e", "\xff", "\xf0\x9f", "👏", "🔥", "🅱", "🇫", "⑩", "漢", "◼", "fuck", "shit", "kill yourself", "Scunthorpe"}

func TestNormalisingTwiceChangesNothing(t *testing.T) {
	m := Default()
	rapid.Check(t, func(t *rapid.T) {
		var s Scratch
		in := strings.Join(rapid.SliceOfN(rapid.SampledFrom(nasty), 0, 24).Draw(t, "text"), "")
		once := m.Normalise(in, &s)
		if twice := m.Normalise(once, &s); twice != once {
			t.Fatalf("Normalise(%q) = %q, and of that %q", in, once, twice)
		}
	})
}

func TestMaskedTextHasNoTerm(t *testing.T) {
	m := Default()
	rapid.Check(t, func(t *rapid.T) {
		var s Scratch
		in := strings.Join(rapid.SliceOfN(rapid.SampledFrom(nasty), 0, 24).Draw(t, "text"), "")
		out := m.Mask(in, &s)
		if r := m.Score(out, &s); len(r.Terms) > 0 {
			t.Fatalf("Mask(%q) = %q, which still has %q", in, out, r.Terms[0].Name)
		}
	})
}

func FuzzScore(f *testing.F) {
	m := Default()
	for _, in := range nasty {
		f.Add(in)
	}
	f.Add("k i l l  y.o.u.r.s.e.l.f @$$hole f*ck ѕhіt")
	f.Add(strings.Repeat("a\u0301\u0302\u0303", 500))
	f.Add(strings.Repeat("motherfuck", 500))
	f.Fuzz(func(t *testing.T, in string) {
		var s Scratch
		r := m.Score(in, &s)
		checkResult(t, in, r, &s)
		masked := m.Mask(in, &s)
		if utf8.ValidString(in) && !utf8.ValidString(masked) {
			t.Fatalf("Mask(%q) = %q, which is not UTF-8", in, masked)
		}
		if len(in) < MaxBytes/3 {
			if r := m.Score(masked, &s); len(r.Terms) > 0 {
				t.Fatalf("Mask(%q) = %q, which still has %q", in, masked, r.Terms[0].Name)
			}
			once := m.Normalise(in, &s)
			if len(once) <= MaxBytes && m.Normalise(once, &s) != once {
				t.Fatalf("Normalise(%q) = %q, and of that %q", in, once, m.Normalise(once, &s))
			}
		}
	})
}

// checkResult fails for spans outside the text, scores outside 0 to 1, and
// work that is not bounded by MaxBytes.
func checkResult(t *testing.T, in string, r Result, s *Scratch) {
	t.Helper()
	if r.Read > len(in) || r.Read > MaxBytes || len(in) <= MaxBytes && r.Read != len(in) {
		t.Fatalf("read %d of %d bytes", r.Read, len(in))
	}
	for _, term := range r.Terms {
		if term.Start < 0 || term.Start >= term.End || term.End > r.Read {
			t.Fatalf("term %q at [%d, %d) of %d bytes", term.Name, term.Start, term.End, r.Read)
		}
	}
	for c, v := range r.Scores {
		if !(v >= 0 && v <= 1) {
			t.Fatalf("%s = %v", Category(c), v)
		}
	}
	// A byte gives at most three letters (ligatures), a cell at most a few features.
	if n := len(s.out); n > 2*MaxBytes+1 {
		t.Fatalf("%d cells from %d bytes", n, r.Read)
	}
	if n := len(s.feats); n > 16*2*MaxBytes {
		t.Fatalf("%d features from %d bytes", n, r.Read)
	}
}
