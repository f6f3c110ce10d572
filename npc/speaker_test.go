package npc

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"earshot"
	"earshot/npc/persona"
	talk "earshot/npc/voice"

	"github.com/thesyncim/gopus"
)

// opusCodecs are what gateway makes of spatialaudio/opus.
func opusCodecs() talk.Codecs {
	return talk.Codecs{
		Encoder: func() (talk.Encoder, error) {
			e, err := gopus.NewEncoder(gopus.EncoderConfig{SampleRate: talk.Rate, Channels: 1, Application: gopus.ApplicationLowDelay})
			if err != nil {
				return nil, err
			}
			return opusEncoder{e}, errors.Join(e.SetFrameSize(talk.FrameSamples), e.SetBitrate(32000), e.SetComplexity(5))
		},
		Decoder: func(rate int) (talk.Decoder, error) {
			d, err := gopus.NewDecoder(gopus.DefaultDecoderConfig(rate, 1))
			return opusDecoder{d}, err
		},
	}
}

type opusEncoder struct{ *gopus.Encoder }

func (e opusEncoder) Encode(dst []byte, pcm []float32) ([]byte, error) {
	b := make([]byte, 1275)
	n, err := e.Encoder.Encode(pcm, b)
	return append(dst, b[:n]...), err
}

func (opusEncoder) Close() {}

type opusDecoder struct{ *gopus.Decoder }

func (d opusDecoder) Conceal(pcm []float32) (int, error) { return d.Decode(nil, pcm) }

func (d opusDecoder) Recover(b []byte, pcm []float32) (int, error) {
	return d.DecodeWithFEC(b, pcm, true)
}

func (opusDecoder) Close() {}

// sentences that differ in rhythm, as a transcription server of a test knows
// them.
var sentences = []string{
	"Good evening, traveller.",
	"The bridge is closed until the morning. Come back then, and bring a lamp!",
	"No. Nobody. Never.",
}

// sayAll speaks a sentence to its end and returns it as packets.
func sayAll(t *testing.T, v *Voices, voice persona.Voice, sentence string) (packets []Packet, loudest int8) {
	t.Helper()
	u, err := v.Speak(t.Context(), Where{}, voice, sentence)
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	loudest = -127
	for i := 0; ; i++ {
		f, err := u.Next()
		if errors.Is(err, io.EOF) {
			return packets, loudest
		}
		if err != nil {
			t.Fatal(err)
		}
		loudest = max(loudest, f.Level)
		packets = append(packets, Packet{Seq: uint16(i), Timestamp: uint32(i) * talk.FrameSamples, Opus: f.Opus})
	}
}

// envelope returns the RMS of each 40 ms of a WAV file of 16-bit mono, or why
// it is none.
func envelope(wav []byte, rate uint32) (rms []float64, problem string) {
	switch {
	case len(wav) < 44 || string(wav[:4]) != "RIFF" || string(wav[8:16]) != "WAVEfmt " || string(wav[36:40]) != "data":
		return nil, "not a WAV file"
	case binary.LittleEndian.Uint32(wav[4:]) != uint32(len(wav)-8) || binary.LittleEndian.Uint32(wav[40:]) != uint32(len(wav)-44):
		return nil, "sizes that are not its own"
	case binary.LittleEndian.Uint16(wav[22:]) != 1 || binary.LittleEndian.Uint32(wav[24:]) != rate || binary.LittleEndian.Uint16(wav[34:]) != 16:
		return nil, "another format"
	}
	size := int(rate) / 25 * 2
	for b := wav[44:]; len(b) >= size; b = b[size:] {
		sum := 0.0
		for i := 0; i < size; i += 2 {
			s := float64(int16(binary.LittleEndian.Uint16(b[i:])))
			sum += s * s
		}
		rms = append(rms, math.Sqrt(sum/float64(size/2)))
	}
	return rms, ""
}

// likeness is the correlation of two envelopes, 1 for the same.
func likeness(a, b []float64) float64 {
	var dot, aa, bb float64
	for i := range max(len(a), len(b)) {
		x, y := 0.0, 0.0
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		dot, aa, bb = dot+x*y, aa+x*x, bb+y*y
	}
	return dot / math.Sqrt(aa*bb)
}

// What an NPC says by espeak-ng, and a player's client sends with 5 % loss and
// out of order, is understood by a server that knows the sentences by their
// rhythm.
func TestSpeaksAndHears(t *testing.T) {
	v := NewSpeaker(t.Context(), nil, SpeakerConfig{}, opusCodecs())
	kind, reason := v.Ability(nil)
	if kind != "espeak-ng" {
		t.Skipf("=== NOT TESTED: espeak-ng speaks no sentence here: %s ===", reason)
	}
	if reason == "" {
		t.Error("no reason why espeak-ng speaks")
	}
	voice := persona.Voice{Language: "en-GB"}
	known := map[string][]float64{}
	for _, s := range sentences {
		wav, err := v.Preview(t.Context(), Where{}, voice, s)
		if err != nil {
			t.Fatal(err)
		}
		rms, problem := envelope(wav, talk.Rate)
		if problem != "" {
			t.Fatalf("preview of %q: %s", s, problem)
		}
		known[s] = rms
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/audio/transcriptions", func(w http.ResponseWriter, r *http.Request) {
		file, header, err := r.FormFile("file")
		if err != nil || header.Filename != "clip.wav" || r.FormValue("language") != "en" {
			http.Error(w, "not what was agreed", http.StatusBadRequest)
			return
		}
		wav, _ := io.ReadAll(file)
		heard, problem := envelope(wav, talk.ClipRate)
		if problem != "" {
			http.Error(w, problem, http.StatusBadRequest)
			return
		}
		best, like := "", 0.0
		for s, rms := range known {
			if l := likeness(heard, rms); l > like {
				best, like = s, l
			}
		}
		if like < 0.9 {
			best = "mumble"
		}
		json.NewEncoder(w).Encode(map[string]string{"text": best})
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	in := started(t, nil, BackendConfig{ID: "ear", API: "openai", URL: server.URL,
		Models: []ModelConfig{{Name: "whisper", Capabilities: []string{"transcription"}}}})
	h := NewHearing(in, HearingConfig{}, opusCodecs())
	kind, reason = h.Ability(nil)
	if kind != "backend" {
		t.Fatalf("NewHearing: %s: %s", kind, reason)
	}
	random := rand.New(rand.NewPCG(3, 4))
	lost := 0
	for _, s := range sentences {
		packets, loudest := sayAll(t, v, voice, s)
		if d := time.Duration(len(packets)) * talk.FrameTime; d < time.Second/2 || d > 8*time.Second {
			t.Errorf("%q takes %v", s, d)
		}
		if loudest < -26 || loudest > -8 {
			t.Errorf("%q is at most %d dBov loud, want about -20", s, loudest)
		}
		arrived := []Packet{packets[0]}
		for i, p := range packets[1 : len(packets)-1] {
			switch {
			case random.Float64() < 0.05 || i == 7:
				lost++
			case i%9 == 0: // twice, the second time late
				arrived = append(arrived, p, p)
			default:
				arrived = append(arrived, p)
			}
		}
		for i := 5; i+2 < len(arrived); i += 11 {
			arrived[i], arrived[i+2] = arrived[i+2], arrived[i]
		}
		text, err := h.Transcribe(t.Context(), Where{}, "en-GB", append(arrived, packets[len(packets)-1]))
		if err != nil || text != s {
			t.Errorf("%q is heard as %q, %v", s, text, err)
		}
	}
	if f := h.Figures(); f.Clips != 3 || f.Failures != 0 || f.Lost != uint64(lost) {
		t.Errorf("Figures() = %+v, want 3 clips and %d lost packets", f, lost)
	}
	if text, err := h.Transcribe(t.Context(), Where{}, "", nil); text != "" || err != nil {
		t.Errorf("silence is heard as %q, %v", text, err)
	}
}

// fakeEspeak is a programme that says the same whatever it is asked.
func fakeEspeak(t *testing.T) string {
	dir := t.TempDir()
	pcm := make([]int16, talk.Rate)
	for i := range pcm {
		pcm[i] = int16(8000 * math.Sin(float64(i)/10))
	}
	script := "#!/bin/sh\n[ \"$1\" = --voices ] && { echo ' 2  en-gb  --/M  English  gmw/en  (en 2)'; exit; }\nexec cat " + filepath.Join(dir, "sound")
	path := filepath.Join(dir, "espeak-ng")
	for name, b := range map[string][]byte{"sound": talk.WAV(pcm, talk.Rate), "espeak-ng": []byte(script)} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// A backend that speaks is used; one that fails in any way is stood in for,
// and that is counted.
func TestSpeakerFallsBack(t *testing.T) {
	pcm := make([]int16, 24000)
	for i := range pcm {
		pcm[i] = int16(9000 * math.Sin(float64(i)/5))
	}
	espeak := fakeEspeak(t)
	for name, c := range map[string]struct {
		answer   http.HandlerFunc
		fellBack uint64
	}{
		"speaks": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "audio/wav")
			w.Write(talk.WAV(pcm, 24000))
		}, 0},
		"has an error": {func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", 500) }, 1},
		"says JSON": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, `{"error":"no such voice"}`)
		}, 1},
		"sends garbage as sound": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "audio/wav")
			io.WriteString(w, "RIFF\xff\xff\xff\xffWAVEdata")
		}, 1},
		"is silent": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "audio/wav")
			w.Write(talk.WAV(make([]int16, 24000), 24000))
		}, 1},
		"hangs": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "audio/wav")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			mux := http.NewServeMux()
			mux.HandleFunc("POST /v1/audio/speech", c.answer)
			server := httptest.NewServer(mux)
			defer server.Close()
			in := started(t, nil, BackendConfig{ID: "mouth", API: "openai", URL: server.URL,
				Models: []ModelConfig{{Name: "tts", Capabilities: []string{"speech"}}}})
			first := 20 * time.Second
			if name == "hangs" {
				first = 200 * time.Millisecond
			}
			v := NewSpeaker(t.Context(), in, SpeakerConfig{Espeak: espeak, FirstSound: first}, opusCodecs())
			kind, reason := v.Ability(nil)
			if kind != "backend" {
				t.Fatalf("NewSpeaker: %s: %s", kind, reason)
			}
			packets, _ := sayAll(t, v, persona.Voice{}, "Hello.")
			if len(packets) < 45 || len(packets) > 60 {
				t.Errorf("%d frames, want a second of them", len(packets))
			}
			if f := v.Figures(); f != (SpeakerFigures{Sentences: 1, FellBack: c.fellBack}) {
				t.Errorf("Figures() = %+v, want one sentence, %d fallen back", f, c.fellBack)
			}
		})
	}
}

func TestSpeakerKinds(t *testing.T) {
	absent := filepath.Join(t.TempDir(), "espeak-ng")
	idle := started(t, nil)
	for _, c := range []struct {
		in           *Inference
		cfg          SpeakerConfig
		kind, reason string
	}{
		{nil, SpeakerConfig{Espeak: "off"}, "none", "no model servers are configured; espeak-ng is switched off"},
		{nil, SpeakerConfig{Espeak: absent}, "none", "not installed"},
		{idle, SpeakerConfig{Espeak: "off"}, "none", "/v1/audio/speech"},
		{idle, SpeakerConfig{Espeak: fakeEspeak(t)}, "espeak-ng", "/v1/audio/speech"},
		{idle, SpeakerConfig{Espeak: "off", Model: "tts"}, "none", "/v1/audio/speech"},
	} {
		v := NewSpeaker(t.Context(), c.in, c.cfg, opusCodecs())
		kind, reason := v.Ability(nil)
		if kind != c.kind || !strings.Contains(reason, c.reason) || v.Able(nil) != (kind != "none") {
			t.Errorf("with %+v, Ability = %s, %q, want %s, %q", c.cfg, kind, reason, c.kind, c.reason)
		}
	}
	v := NewSpeaker(t.Context(), idle, SpeakerConfig{Espeak: "off", Model: "tts"}, opusCodecs())
	if _, err := v.Speak(t.Context(), Where{}, persona.Voice{}, "Hello."); earshot.CodeOf(err) != earshot.CodeFailedPrecondition {
		t.Errorf("no backend: %v", err)
	}
	if _, err := v.Preview(t.Context(), Where{}, persona.Voice{}, strings.Repeat("a", maxPreviewText+1)); earshot.CodeOf(err) != earshot.CodeInvalidArgument {
		t.Errorf("a long preview: %v", err)
	}
	for _, in := range []*Inference{nil, idle} {
		h := NewHearing(in, HearingConfig{}, opusCodecs())
		if kind, reason := h.Ability(nil); kind != "none" || reason == "" || h.Able(nil) {
			t.Errorf("Ability = %s, %q, want none and a reason", kind, reason)
		}
	}
	// One that registers later is used from then on, within policy.
	late := BackendConfig{ID: "late", API: "openai", URL: "http://127.0.0.1:9", Labels: []string{"eu"},
		Models: []ModelConfig{{Name: "both", Capabilities: []string{"speech", "transcription"}}}}
	if _, err := idle.Register(late, time.Minute, time.Now()); err != nil {
		t.Fatal(err)
	}
	h := NewHearing(idle, HearingConfig{}, opusCodecs())
	if !h.Able([]string{"eu"}) || !v.Able([]string{"eu"}) || h.Able([]string{"us"}) || v.Able([]string{"us"}) {
		t.Error("a backend that registered late is not used, or used against policy")
	}
}
