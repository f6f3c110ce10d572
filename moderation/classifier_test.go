package moderation

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"earshot"
	"earshot/moderation/policy"
)

func wav(clip []Packet) ([]byte, error) {
	if len(clip) == 0 {
		return nil, nil
	}
	return []byte("RIFF"), nil
}

// What a backend answers, over a real connection: scores, nonsense, nothing at
// all, too much, or that somebody else should have the sound.
func TestSoundClassifier(t *testing.T) {
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	t.Cleanup(other.Close)
	for _, tc := range []struct {
		story  string
		answer func(w http.ResponseWriter, r *http.Request)
		want   policy.Scores
		failed bool
	}{
		{"scores", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"scores":{"harassment":0.9,"sexual":0,"melancholy":0.7},"model":"x"}`)
		}, policy.Scores{policy.Harassment: 0.9, policy.Sexual: 0}, false},
		{"no findings", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"scores":{}}`) }, policy.Scores{}, false},
		{"hangs", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, nil, true},
		{"hangs in the middle", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, `{"scores":{"harass`)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, nil, true},
		{"garbage", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, nil, true},
		{"no scores", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"harassment":0.9}`) }, nil, true},
		{"a score of 7", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"scores":{"hate":7}}`) }, nil, true},
		{"a negative score", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"scores":{"hate":-0.1}}`) }, nil, true},
		{"a score of null", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"scores":{"hate":null}}`) }, nil, true},
		{"down", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }, nil, true},
		{"without end", func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := io.WriteString(w, strings.Repeat(" ", 1<<16)); err != nil {
					return
				}
			}
		}, nil, true},
		{"elsewhere", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		}, nil, true},
	} {
		t.Run(tc.story, func(t *testing.T) {
			asked := make(chan string, 1)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				asked <- fmt.Sprint(r.Method, r.Header.Get("Content-Type"), r.Header.Get("Authorization"), string(body))
				tc.answer(w, r)
			}))
			defer server.Close()
			c, err := NewSoundClassifier(ClassifierConfig{URL: server.URL, Deadline: 300 * time.Millisecond}, "secret", map[string][]string{"w": nil}, wav)
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.Classify(t.Context(), "w", []Packet{{Opus: []byte{1}}})
			if (err != nil) != tc.failed || tc.failed && earshot.CodeOf(err) != earshot.CodeUnavailable || fmt.Sprint(got) != fmt.Sprint(tc.want) {
				t.Errorf("Classify = %v, %v; want %v, failed: %v", got, err, tc.want, tc.failed)
			}
			if a := <-asked; a != "POSTaudio/wavBearer secretRIFF" {
				t.Errorf("asked %q", a)
			}
		})
	}
	if elsewhere.Load() != 0 {
		t.Error("sound followed a redirect")
	}
}

// Sound goes only where the labels of its world allow.
func TestSoundStaysWhereItMay(t *testing.T) {
	c, err := NewSoundClassifier(ClassifierConfig{URL: "http://127.0.0.1:1", Labels: []string{"eu", "own"}}, "", map[string][]string{
		"open": nil, "eu": {"eu"}, "strict": {"eu", "audited"},
	}, wav)
	if err != nil {
		t.Fatal(err)
	}
	for world, want := range map[string]bool{"open": true, "eu": true, "strict": false, "unknown": false} {
		if c.Takes(world) != want {
			t.Errorf("Takes(%s) = %v, want %v", world, !want, want)
		}
	}
	if _, err := c.Classify(t.Context(), "strict", []Packet{{Opus: []byte{1}}}); earshot.CodeOf(err) != earshot.CodePermissionDenied {
		t.Errorf("Classify(strict) = %v, want permission_denied", err)
	}
	for _, cfg := range []ClassifierConfig{{URL: "classifier:80"}, {URL: "ftp://x"}, {URL: "http://x", Deadline: time.Minute}, {}} {
		if _, err := NewSoundClassifier(cfg, "", nil, wav); earshot.CodeOf(err) != earshot.CodeInvalidArgument {
			t.Errorf("%+v: %v, want invalid_argument", cfg, err)
		}
	}
}

func FuzzParseClassified(f *testing.F) {
	for _, s := range []string{`{"scores":{"harassment":0.9}}`, `{"scores":null}`, `{"scores":{"hate":1e999}}`, "[]", ""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := parseClassified(data)
		if err == nil && !sound([]policy.Scores{s}, 1) {
			t.Errorf("%q gives %v", data, s)
		}
	})
}

// tone is a Classifier.
type tone func(ctx context.Context) (policy.Scores, error)

func (f tone) Classify(ctx context.Context, _ string, _ []Packet) (policy.Scores, error) {
	return f(ctx)
}

func (tone) Takes(world string) bool { return world == "w" }

// A voice is judged by its words and by its sound, by the harsher of the two;
// a classifier that hangs or fails leaves the words.
func TestAVoiceIsJudgedByItsSound(t *testing.T) {
	shouting := func(context.Context) (policy.Scores, error) { return policy.Scores{policy.Harassment: 0.95}, nil }
	calm := func(context.Context) (policy.Scores, error) { return policy.Scores{policy.Harassment: 0.01}, nil }
	hang := func(ctx context.Context) (policy.Scores, error) { <-ctx.Done(); return nil, ctx.Err() }
	wrong := func(context.Context) (policy.Scores, error) { return policy.Scores{policy.Hate: 9}, nil }
	for _, tc := range []struct {
		story  string
		words  string
		deaf   bool // nobody transcribes
		sound  tone
		guard  Guard
		source policy.Source // of the incident; "": there is none
	}{
		{"harmless words, shouted", clean, false, shouting, nil, policy.Tier1},
		{"no words, shouted", "", false, shouting, nil, policy.Tier1},
		{"nobody transcribes, shouted", "", true, shouting, nil, policy.Tier1},
		{"harmless words, calm", clean, false, calm, nil, ""},
		{"severe words, calm", severe, false, calm, nil, policy.Tier0},
		{"severe words, and the classifier hangs", severe, false, hang, nil, policy.Tier0},
		{"severe words, and the classifier answers nonsense", severe, false, wrong, nil, policy.Tier0},
		{"harmless words, and the classifier answers nonsense", clean, false, wrong, nil, ""},
		{"doubtful words that the guard clears, shouted", uncertain, false, shouting, answers(time.Second, nothing), policy.Tier1},
	} {
		t.Run(tc.story, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil, func(c *Config, d *Deps) {
					c.Worlds, d.Classifier, d.Tier1 = map[string]WorldConfig{"w": {Voice: true}, "v": {Voice: true}}, tc.sound, tc.guard
					if !tc.deaf {
						d.Transcriber = scribe(func(context.Context, []Packet) (string, error) { return tc.words, nil })
					}
				})
				defer b.stop()
				if !b.p.Hears("w") || b.p.Hears("v") == tc.deaf {
					t.Errorf("hears %v and %v, want v only where its sound need not go to the classifier", b.p.Hears("w"), b.p.Hears("v"))
				}
				e := b.p.Listen(Speaker{World: "w", Instance: "in_w", Who: "pa_a", Name: "Ann"})
				next := speak(e, 0, 2*time.Second, true)
				speak(e, next, time.Second, false)
				e.Close()
				time.Sleep(time.Minute)
				items, err := b.journal.Recent(t.Context(), "w", 10)
				if err != nil || (len(items) == 1) != (tc.source != "") || len(items) > 1 {
					t.Fatalf("incidents %+v, %v, want one from %q", items, err, tc.source)
				}
				for _, it := range items {
					if sig, d := it.Now(); sig.Source != tc.source || d.Strike == nil || sig.Kind != policy.Voice {
						t.Errorf("incident %+v, %+v, want a strike by %s", sig, d, tc.source)
					}
				}
			})
		})
	}
}
