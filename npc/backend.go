package npc

import (
	"context"
	"encoding/json"
	"io"
	"time"
)

// Message is one utterance of the conversation that a model continues.
type Message struct {
	Role    string `json:"role"` // system, user or assistant
	Content string `json:"content"`
}

// Options steer the sampling. Zero values leave the choice to the server.
type Options struct {
	Temperature *float64
	TopP        *float64
	Seed        *int
	Stop        []string
	// Schema is a JSON schema that the answer must follow; nil for free text.
	Schema json.RawMessage
}

// ChatRequest is what a Backend is asked: Model by the server's own name, and
// at most MaxTokens of answer.
type ChatRequest struct {
	Model     string
	Messages  []Message
	MaxTokens int
	Options   Options
}

// Usage is what an answer took, as far as the server says; the fields it does
// not say are 0.
type Usage struct {
	PromptTokens, OutputTokens int
	Load                       time.Duration // spent on loading the model
	Finish                     string        // "stop", "length", ...
}

// answer is one chat under way.
type answer interface {
	// Next returns the next piece of text, which is never empty; io.EOF after
	// the last; a *Failure if the server failed. It is not safe for concurrent
	// use.
	Next() (string, error)
	// Usage is complete once Next has returned io.EOF.
	Usage() Usage
	// Close closes the connection at once unless the answer is complete. It is
	// idempotent and may be called from any goroutine.
	Close()
}

// Inventory is what a model server says of itself.
type Inventory struct {
	Models []string // that it has
	Loaded []string // those that are in memory
	RTT    time.Duration
	Silent bool // it cannot say: take its description's word
}

// backend is a model server. Errors are *Failure.
type backend interface {
	// Chat sends the request and returns once the server has begun to answer,
	// which may be before the first token. Ending ctx closes the connection.
	Chat(ctx context.Context, req ChatRequest) (answer, error)
	// Inventory asks what the server has, and what is loaded.
	Inventory(ctx context.Context) (Inventory, error)
	// Prewarm has the server load a model; it returns once it is loaded.
	Prewarm(ctx context.Context, model string) error
}

// voice is a backend that speaks and listens.
type voice interface {
	// Speak returns the sound of text. The caller closes it.
	Speak(ctx context.Context, req SpeechRequest) (io.ReadCloser, error)
	// Transcribe returns what is said in a clip.
	Transcribe(ctx context.Context, req TranscriptionRequest) (string, error)
}
