package npc

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime/multipart"
	"strings"
)

// SpeechRequest asks for the sound of a text.
type SpeechRequest struct {
	Model, Voice, Text string
	// Format is what the server should encode: "wav" or "pcm" (16-bit, mono,
	// 24 kHz for most servers), "opus", "mp3".
	Format string
	Speed  float64 // 0 leaves it to the server
}

// TranscriptionRequest asks what is said in a clip.
type TranscriptionRequest struct {
	Model    string
	Language string // ISO 639-1, or "" to have it detected
	Prompt   string // words to expect, such as names
	Name     string // of the clip, by whose ending servers know the encoding: "clip.wav"
	Clip     []byte
}

// Limits of speech. A sentence is spoken at a time, a turn transcribed at a
// time, so both are generous.
const (
	maxSpokenText = 4096
	maxClipBytes  = 16 << 20
)

// Speak implements voice by POST /v1/audio/speech. The sound may be read while
// it is still being made.
func (o *openAI) Speak(ctx context.Context, req SpeechRequest) (io.ReadCloser, error) {
	if req.Text == "" || len(req.Text) > maxSpokenText {
		return nil, o.failure(FailedRequest, "a text of %d bytes, want 1 to %d", len(req.Text), maxSpokenText)
	}
	body, err := json.Marshal(struct {
		Model  string  `json:"model"`
		Input  string  `json:"input"`
		Voice  string  `json:"voice"`
		Format string  `json:"response_format,omitempty"`
		Speed  float64 `json:"speed,omitempty"`
	}{req.Model, req.Text, req.Voice, req.Format, req.Speed})
	if err != nil {
		return nil, o.failure(FailedRequest, "%v", err)
	}
	ctx, dog := o.watch(ctx)
	resp, err := o.send(ctx, "v1/audio/speech", "application/json", body)
	if err != nil {
		dog.stop()
		return nil, err
	}
	s := &sound{lines: o.lines(ctx, dog, resp.Body)}
	kind := resp.Header.Get("Content-Type")
	if strings.HasPrefix(kind, "application/json") || strings.HasPrefix(kind, "text/") {
		s.close()
		return nil, o.failure(FailedGarbage, "answered with %q, not with sound", kind)
	}
	return s, nil
}

// sound is an utterance under way, read under the same watch as a chat.
type sound struct {
	*lines
	read int
}

// Read implements io.Reader. Errors but io.EOF are *Failure.
func (s *sound) Read(p []byte) (int, error) {
	s.dog.wait()
	defer s.dog.relax()
	n, err := s.r.Read(p)
	if s.read += n; s.read > maxSpeechBytes {
		return 0, s.c.failure(FailedGarbage, "an utterance of more than %d bytes", maxSpeechBytes)
	}
	if err == nil || err == io.EOF {
		return n, err
	}
	return n, s.c.broken(s.cause(), err, FailedCut)
}

// Close ends the request at once.
func (s *sound) Close() error {
	s.close()
	return nil
}

// Transcribe implements voice by POST /v1/audio/transcriptions.
func (o *openAI) Transcribe(ctx context.Context, req TranscriptionRequest) (string, error) {
	if len(req.Clip) == 0 || len(req.Clip) > maxClipBytes {
		return "", o.failure(FailedRequest, "a clip of %d bytes, want 1 to %d", len(req.Clip), maxClipBytes)
	}
	body, contentType, err := req.form()
	if err != nil {
		return "", o.failure(FailedRequest, "%v", err)
	}
	ctx, dog := o.watch(ctx)
	defer dog.stop()
	resp, err := o.send(ctx, "v1/audio/transcriptions", contentType, body)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	data, err := o.readAll(ctx, resp.Body, maxReplyBytes)
	if err != nil {
		return "", err
	}
	var reply struct {
		Text *string `json:"text"`
	}
	if err := json.Unmarshal(data, &reply); err != nil || reply.Text == nil {
		return "", o.failure(FailedGarbage, "a transcription without a text")
	}
	return strings.TrimSpace(*reply.Text), nil
}

func (r *TranscriptionRequest) form() (body []byte, contentType string, err error) {
	var buf bytes.Buffer
	form := multipart.NewWriter(&buf)
	for _, field := range []struct{ name, value string }{
		{"model", r.Model}, {"language", r.Language}, {"prompt", r.Prompt}, {"response_format", "json"},
	} {
		if field.value == "" {
			continue
		}
		if err := form.WriteField(field.name, field.value); err != nil {
			return nil, "", err
		}
	}
	part, err := form.CreateFormFile("file", r.Name)
	if err != nil {
		return nil, "", err
	}
	if _, err := part.Write(r.Clip); err != nil {
		return nil, "", err
	}
	err = form.Close() // writes the end, so before the bytes are taken
	return buf.Bytes(), form.FormDataContentType(), err
}
