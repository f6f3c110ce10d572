package voice

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"earshot"
)

// realEspeak returns the espeak-ng of this machine.
func realEspeak(t testing.TB) *Espeak {
	e, err := FindEspeak(t.Context(), "espeak-ng")
	if err != nil {
		t.Skipf("=== NOT TESTED: %v ===", err)
	}
	return e
}

// spokenFor returns how long espeak-ng takes to say a text.
func spokenFor(t *testing.T, e *Espeak, text, language, name string, speed float64) time.Duration {
	t.Helper()
	sound, err := e.Speak(t.Context(), text, language, name, speed)
	if err != nil {
		t.Fatal(err)
	}
	_, levels := frames(t, sound)
	return time.Duration(len(levels)) * FrameTime
}

func TestEspeakSpeaks(t *testing.T) {
	e := realEspeak(t)
	const text = "Good evening, traveller. The bridge is closed until the morning."
	plain := spokenFor(t, e, text, "en-GB", "", 0)
	if plain < 2*time.Second || plain > 8*time.Second {
		t.Errorf("it takes %v to say %q", plain, text)
	}
	if fast := spokenFor(t, e, text, "en", "f3", 2); fast > plain*3/4 {
		t.Errorf("twice as fast takes %v, at speed 1 %v", fast, plain)
	}
	for _, language := range []string{"de-AT-1996", "fr", "zh", "tlh", ""} {
		if d := spokenFor(t, e, text, language, "alloy", 1); d < time.Second {
			t.Errorf("in %q it takes %v", language, d)
		}
	}
	// Markup, phonemes and commands are no commands: a break of ten seconds is
	// read out.
	if d := spokenFor(t, e, `Hello. <speak><break time="10s"/></speak> [[h@l'oU]] `+"\x0130S there", "en", "", 1); d > 9*time.Second {
		t.Errorf("markup is heeded: %v", d)
	}
	if d := spokenFor(t, e, "--help; $(touch x) `id` | cat", "en", "", 1); d < time.Second {
		t.Errorf("what looks like options and shell is not read out: %v", d)
	}
}

func TestEspeakVoice(t *testing.T) {
	e := &Espeak{voices: readVoices(`Pty Language       Age/Gender VoiceName          File                 Other Languages
 2  en-gb           --/M      English_(Great_Britain) gmw/en               (en 2)
 5  en-US-nyc       --/M      English_(America,_New_York_City) gmw/en-US-nyc
 5  cmn             --/M      Chinese_(Mandarin,_latin_as_English) sit/cmn              (zh-cmn 5)(zh 5)
`)}
	for _, c := range [][3]string{
		{"en-GB", "", "en-gb"}, {"en-GB-oxendict", "", "en-gb"}, {"en-us", "m1", "en+m1"}, {"EN-us-NYC", "", "en-us-nyc"},
		{"zh-Hant-TW", "f5", "zh+f5"}, {"x", "f9", "en"}, {"", "../../etc/passwd", "en"}, {"-v", "+f3", "en"},
	} {
		if got := e.voice(c[0], c[1]); got != c[2] {
			t.Errorf("voice(%q, %q) = %q, want %q", c[0], c[1], got, c[2])
		}
	}
}

// A programme in the place of espeak-ng that fails, hangs or is not there.
func TestEspeakFails(t *testing.T) {
	script := func(body string) string {
		path := filepath.Join(t.TempDir(), "espeak-ng")
		code := "#!/bin/sh\n[ \"$1\" = --voices ] && { echo ' 2  en-gb  --/M  English  gmw/en  (en 2)'; exit; }\n" + body
		if err := os.WriteFile(path, []byte(code), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if _, err := FindEspeak(t.Context(), filepath.Join(t.TempDir(), "nothing")); earshot.CodeOf(err) != earshot.CodeNotFound {
		t.Errorf("not there: %v", err)
	}
	broken, err := FindEspeak(t.Context(), script("echo no such voice >&2; exit 3"))
	if err != nil {
		t.Fatal(err)
	}
	sound, err := broken.Speak(t.Context(), "Hello.", "en", "", 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Begin(t.Context(), sound, Format{}, pcmCodecs); earshot.CodeOf(err) != earshot.CodeUnavailable || !strings.Contains(err.Error(), "no such voice") {
		t.Errorf("one that fails: %v", err)
	}
	hanging, err := FindEspeak(t.Context(), script("exec sleep 600"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	sound, err = hanging.Speak(ctx, "Hello.", "en", "", 1)
	if err != nil {
		t.Fatal(err)
	}
	begun := make(chan error)
	go func() {
		_, err := Begin(ctx, sound, Format{}, pcmCodecs)
		begun <- err
	}()
	cancel()
	if err := <-begun; !errors.Is(err, ErrClosed) {
		t.Errorf("one that hangs, cancelled: %v", err)
	}
	for name, text := range map[string]string{"nothing": " \x01[[]] ", "a book": strings.Repeat("a", maxSpoken+1)} {
		if _, err := hanging.Speak(t.Context(), text, "en", "", 1); earshot.CodeOf(err) != earshot.CodeInvalidArgument {
			t.Errorf("%s to say: %v", name, err)
		}
	}
}

func BenchmarkEspeak(b *testing.B) {
	e, n := realEspeak(b), 0
	for b.Loop() {
		sound, err := e.Speak(b.Context(), "Good evening, traveller. The bridge is closed until the morning.", "en", "", 1)
		if err != nil {
			b.Fatal(err)
		}
		size, err := io.Copy(io.Discard, sound)
		if err != nil {
			b.Fatal(err)
		}
		n += int(size) / 2 / 441
		sound.Close()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n)/20e6*100, "%realtime")
}
