package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"earshot/npc/voice"
)

const (
	frameTime = 20 * time.Millisecond
	clipRate  = 16000 // of WAV files for transcription, and of what is decoded here
	clipFrame = clipRate / 50
	alikeFrom = 0.9 // correlation of envelopes from which two sounds are the same words
)

// recording is a sentence as it is spoken into a microphone.
type recording struct {
	text     string
	frames   []voice.Frame
	envelope []float64 // dB of each 20 ms
}

// find returns where in a sound the recording begins, in frames, and how alike
// the two are there: the correlation of their envelopes, at most 1.
func (r *recording) find(pcm []float32) (at int, alike float64) {
	there := envelope(pcm)
	for from := 0; from+len(r.envelope) <= len(there); from++ {
		if c := correlation(r.envelope, there[from:from+len(r.envelope)]); c > alike {
			at, alike = from, c
		}
	}
	return at, alike
}

// envelope is how loud each 20 ms are, in dB, with a floor.
func envelope(pcm []float32) (out []float64) {
	for ; len(pcm) >= clipFrame; pcm = pcm[clipFrame:] {
		sum := 0.0
		for _, s := range pcm[:clipFrame] {
			sum += float64(s) * float64(s)
		}
		out = append(out, max(-60, 10*math.Log10(sum/clipFrame+1e-12)))
	}
	return out
}

func correlation(a, b []float64) float64 {
	mean := func(x []float64) (m float64) {
		for _, v := range x {
			m += v / float64(len(x))
		}
		return m
	}
	ma, mb := mean(a), mean(b)
	var ab, aa, bb float64
	for i := range a {
		ab += (a[i] - ma) * (b[i] - mb)
		aa += (a[i] - ma) * (a[i] - ma)
		bb += (b[i] - mb) * (b[i] - mb)
	}
	return ab / math.Sqrt(aa*bb+1e-9)
}

func length(pcm []float32) time.Duration {
	return time.Duration(len(pcm)) * time.Second / clipRate
}

// recogniser is a server of transcriptions as OpenAI has it. It knows a few
// recordings and says which of them are in a clip, in their order.
type recogniser struct {
	t     *testing.T
	known []*recording

	mu       sync.Mutex
	answers  []string
	answered []time.Time
}

func (r *recogniser) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"object":"list","data":[{"id":"ears","object":"model"}]}`)
	})
	mux.HandleFunc("POST /v1/audio/transcriptions", func(w http.ResponseWriter, req *http.Request) {
		file, _, err := req.FormFile("file")
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		defer file.Close()
		data, err := io.ReadAll(file)
		var pcm []float32
		if err == nil {
			pcm, err = readWAV(data)
		}
		if err != nil || req.FormValue("model") != "ears" {
			r.t.Errorf("the server of transcriptions was sent a clip for %q: %v", req.FormValue("model"), err)
			http.Error(w, "no such clip or model", http.StatusBadRequest)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"text": r.recognise(pcm)})
	})
	return mux
}

func (r *recogniser) recognise(pcm []float32) string {
	if d := length(pcm); d > 16*time.Second {
		r.t.Errorf("a clip of %v, want 15 s at most", d)
	}
	type found struct {
		at   int
		text string
	}
	var all []found
	for _, k := range r.known {
		if at, alike := k.find(pcm); alike >= alikeFrom {
			all = append(all, found{at, k.text})
		}
	}
	slices.SortFunc(all, func(a, b found) int { return a.at - b.at })
	var words []string
	for _, f := range all {
		words = append(words, f.text)
	}
	text := strings.Join(words, " ")
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answers, r.answered = append(r.answers, text), append(r.answered, time.Now())
	return text
}

// said is everything that was understood.
func (r *recogniser) said() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.answers)
}

// answeredBefore is when the last abuse before a time was understood.
func (r *recogniser) answeredBefore(at time.Time) (last time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, a := range r.answered {
		if a.Before(at) && strings.Contains(r.answers[i], abusiveWords) {
			last = a
		}
	}
	return last
}

// readWAV returns the samples of a WAV file of 16 bits, mono, at clipRate.
func readWAV(b []byte) ([]float32, error) {
	if len(b) < 44 || string(b[:4]) != "RIFF" || string(b[8:16]) != "WAVEfmt " || string(b[36:40]) != "data" {
		return nil, errors.New("no plain WAV file")
	}
	if f := b[20:36]; binary.LittleEndian.Uint16(f) != 1 || binary.LittleEndian.Uint16(f[2:]) != 1 ||
		binary.LittleEndian.Uint32(f[4:]) != clipRate || binary.LittleEndian.Uint16(f[14:]) != 16 {
		return nil, errors.New("not 16 bits, mono, 16 kHz")
	}
	data := b[44:]
	if int(binary.LittleEndian.Uint32(b[40:])) != len(data) {
		return nil, errors.New("the WAV file is not as long as it says")
	}
	pcm := make([]float32, len(data)/2)
	for i := range pcm {
		pcm[i] = float32(int16(binary.LittleEndian.Uint16(data[2*i:]))) / 32768
	}
	return pcm, nil
}

// decodeFrames returns the sound of Opus packets at clipRate.
func decodeFrames(t *testing.T, frames []voice.Frame) (pcm []float32) {
	t.Helper()
	d, err := newCodecs().Decoder(clipRate)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var buf [clipRate / 1000 * 120]float32
	for i, f := range frames {
		n, err := d.Decode(f.Opus, buf[:])
		if err != nil {
			t.Fatalf("packet %d of %d: %v", i, len(frames), err)
		}
		pcm = append(pcm, buf[:n]...)
	}
	return pcm
}

// decodeOgg returns the sound of an Ogg Opus file (RFC 7845), whose empty
// packets stand for 20 ms that are missing.
func decodeOgg(t *testing.T, file []byte) []float32 {
	t.Helper()
	var packets [][]byte
	var packet []byte
	for len(file) > 0 {
		if len(file) < 27 || string(file[:4]) != "OggS" || len(file) < 27+int(file[26]) {
			t.Fatalf("no page of Ogg: % x", file[:min(len(file), 27)])
		}
		lacing := file[27 : 27+int(file[26])]
		file = file[27+len(lacing):]
		for _, n := range lacing {
			if len(file) < int(n) {
				t.Fatal("a page of Ogg is cut off")
			}
			packet, file = append(packet, file[:n]...), file[n:]
			if n < 255 {
				packets, packet = append(packets, packet), nil
			}
		}
	}
	if len(packets) < 3 || !strings.HasPrefix(string(packets[0]), "OpusHead") || !strings.HasPrefix(string(packets[1]), "OpusTags") {
		t.Fatalf("an Ogg file of %d packets, want OpusHead, OpusTags and sound", len(packets))
	}
	var frames []voice.Frame
	for _, p := range packets[2:] {
		frames = append(frames, voice.Frame{Opus: p})
	}
	return decodeFrames(t, frames)
}
