package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestE2ENPC is an NPC in a browser: walked up to, typed to, spoken to, heard
// from where it stands. The model is a real Ollama where EARSHOT_TEST_OLLAMA
// names one (with EARSHOT_TEST_OLLAMA_MODEL in it), else a server that says
// what it is told; speech is turned into text by such a server in any case:
// nothing that transcribes can be installed from packages. The voice is
// espeak-ng's.
func TestE2ENPC(t *testing.T) {
	abilities := []string{"model", "hearing"}
	if _, err := exec.LookPath("espeak-ng"); err == nil {
		abilities = append(abilities, "voice")
	} else {
		t.Log("=== espeak-ng is not installed: the NPC was tested WITHOUT a voice ===")
	}
	runBrowserTest(t, "e2e/npc.mjs", npcConfig(t), "EARSHOT_NPC="+strings.Join(abilities, ","))
}

// TestE2EScriptedNPC is the same where no model server answers.
func TestE2EScriptedNPC(t *testing.T) {
	runBrowserTest(t, "e2e/npc.mjs", "inference: {discover: ''}\n", "EARSHOT_NPC=voice")
}

// TestE2EStudio is a designer at work in a browser.
func TestE2EStudio(t *testing.T) { runBrowserTest(t, "e2e/studio.mjs", npcConfig(t)) }

// npcConfig is the demo world with model servers.
func npcConfig(t *testing.T) string {
	if os.Getenv("EARSHOT_E2E") != "1" {
		return "" // runBrowserTest says that it does not run
	}
	fake := httptest.NewServer(scriptedModels())
	t.Cleanup(fake.Close)
	models := "      - { name: scripted, capabilities: [chat] }\n"
	backends := ""
	if url, model := os.Getenv("EARSHOT_TEST_OLLAMA"), os.Getenv("EARSHOT_TEST_OLLAMA_MODEL"); url != "" {
		t.Logf("the model is %s of the Ollama at %s", model, url)
		models = ""
		backends = fmt.Sprintf("  - id: ollama\n    api: ollama\n    url: %s\n    models: [{ name: %q, prewarm: true }]\n", url, model)
	}
	return fmt.Sprintf(`inference:
  discover: ""
  backends:
  - id: scripted
    api: openai
    url: %s
    slots: 4
    models:
%s      - { name: ears, capabilities: [transcription] }
%s`, fake.URL, models, backends)
}

// scriptedModels is a real HTTP server with the parts of OpenAI's API that the
// browser tests need. It answers every prompt with the same words, one after
// the other as a model does, and understands every clip as the same sentence.
func scriptedModels() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"object":"list","data":[{"id":"scripted","object":"model"},{"id":"ears","object":"model"}]}`)
	})
	mux.HandleFunc("POST /v1/chat/completions", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, word := range strings.SplitAfter("I am Mara, and this is the plaza. I look after the fountain here. Where do you come from?", " ") {
			data, _ := json.Marshal(word)
			fmt.Fprintf(w, "data: {\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"model\":\"scripted\",\"choices\":[{\"index\":0,\"delta\":{\"content\":%s}}]}\n\n", data)
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
				return
			case <-time.After(30 * time.Millisecond):
			}
		}
		_, _ = io.WriteString(w, "data: {\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"model\":\"scripted\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
	})
	mux.HandleFunc("POST /v1/audio/transcriptions", func(w http.ResponseWriter, r *http.Request) {
		clip, _, err := r.FormFile("file")
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		defer clip.Close()
		head := make([]byte, 12)
		if _, err := io.ReadFull(clip, head); err != nil || string(head[:4]) != "RIFF" || string(head[8:]) != "WAVE" {
			http.Error(w, "the clip is no WAV file", http.StatusBadRequest)
			return
		}
		_, _ = io.WriteString(w, `{"text":"Front center. Mara, can you hear me?"}`)
	})
	return mux
}
