package npc

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"earshot"
)

// One backend that speaks and transcribes, one that is broken and nearer.
func TestSpeakAndTranscribe(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/audio/speech", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "audio/wav")
		io.WriteString(w, "RIFF")
	})
	mux.HandleFunc("POST /v1/audio/transcriptions", func(w http.ResponseWriter, r *http.Request) {
		file, _, err := r.FormFile("file")
		if err != nil || r.FormValue("model") != "m" {
			http.Error(w, "no", http.StatusBadRequest)
			return
		}
		clip, _ := io.ReadAll(file)
		fmt.Fprintf(w, `{"text":" heard %s "}`, clip)
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	broken := httptest.NewServer(http.NotFoundHandler())
	defer broken.Close()
	config := func(id, url, region string) BackendConfig {
		return BackendConfig{ID: id, API: "openai", URL: url, Region: region, Labels: []string{"eu"},
			Models: []ModelConfig{{Name: "m", Capabilities: []string{"speech", "transcription"}}}}
	}
	in := started(t, nil, config("good", server.URL, "south"), config("broken", broken.URL, "north"))
	where := Where{Region: "north", Labels: []string{"eu"}}
	sound, err := in.Speak(t.Context(), where, SpeechRequest{Model: "m", Voice: "v", Text: "Hello."})
	if err != nil {
		t.Fatal(err)
	}
	defer sound.Close()
	if b, err := io.ReadAll(sound); err != nil || string(b) != "RIFF" {
		t.Errorf("sound %q, %v", b, err)
	}
	text, err := in.Transcribe(t.Context(), where, TranscriptionRequest{Model: "m", Name: "clip.wav", Clip: []byte("abc")})
	if err != nil || text != "heard abc" {
		t.Errorf("transcription %q, %v", text, err)
	}
	where.Labels = []string{"us"}
	if _, err := in.Speak(t.Context(), where, SpeechRequest{Model: "m", Text: "Hello."}); earshot.CodeOf(err) != earshot.CodeFailedPrecondition {
		t.Errorf("outside policy: %v, want failed_precondition", err)
	}
}
