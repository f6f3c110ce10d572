package npc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"
)

// openAI speaks the OpenAI-compatible API as vLLM, SGLang, llama.cpp's server
// and TGI do. The configured URL is the part before /v1.
type openAI struct {
	*client
	anyName bool
}

var (
	_ backend = (*openAI)(nil)
	_ voice   = (*openAI)(nil)
)

type openAIRequest struct {
	Model         string         `json:"model"`
	Messages      []Message      `json:"messages"`
	Stream        bool           `json:"stream"`
	StreamOptions map[string]any `json:"stream_options,omitempty"`
	MaxTokens     int            `json:"max_tokens,omitempty"`
	Temperature   *float64       `json:"temperature,omitempty"`
	TopP          *float64       `json:"top_p,omitempty"`
	Seed          *int           `json:"seed,omitempty"`
	Stop          []string       `json:"stop,omitempty"`
	Format        any            `json:"response_format,omitempty"`
}

// Chat implements backend by POST /v1/chat/completions.
func (o *openAI) Chat(ctx context.Context, req ChatRequest) (answer, error) {
	out := openAIRequest{
		Model: req.Model, Messages: req.Messages, MaxTokens: req.MaxTokens,
		Stream: true, StreamOptions: map[string]any{"include_usage": true},
		Temperature: req.Options.Temperature, TopP: req.Options.TopP, Seed: req.Options.Seed, Stop: req.Options.Stop,
	}
	if req.Options.Schema != nil {
		out.Format = map[string]any{
			"type":        "json_schema",
			"json_schema": map[string]any{"name": "answer", "strict": true, "schema": req.Options.Schema},
		}
	}
	body, err := json.Marshal(out)
	if err != nil {
		return nil, o.failure(FailedRequest, "%v", err)
	}
	ctx, dog := o.watch(ctx)
	resp, err := o.send(ctx, "v1/chat/completions", "application/json", body)
	if err != nil {
		dog.stop()
		return nil, err
	}
	a := &openAIAnswer{streamed{lines: o.lines(ctx, dog, resp.Body), model: req.Model, anyName: o.anyName}}
	a.event = a.read
	if kind := resp.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/event-stream") {
		a.close()
		return nil, o.failure(FailedGarbage, "answered as %q, not as a stream of events", kind)
	}
	return a, nil
}

// Inventory implements backend by GET /v1/models. What such a server has is
// loaded, for the API knows no other state.
func (o *openAI) Inventory(ctx context.Context) (Inventory, error) {
	var list struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	begin := time.Now() // from the second probe on without a new connection
	err := o.call(ctx, inventoryBudget, "v1/models", nil, &list)
	inv := Inventory{RTT: time.Since(begin)}
	var f *Failure
	if errors.As(err, &f) && f.Kind == FailedModel { // 404: as whisper.cpp's server
		inv.Silent = true
		return inv, nil
	}
	if err != nil {
		return Inventory{}, err
	}
	for _, m := range list.Data {
		inv.Models = append(inv.Models, m.ID)
	}
	inv.Loaded = inv.Models
	return inv, nil
}

// Prewarm implements backend: one token, since the API has no call for it.
func (o *openAI) Prewarm(ctx context.Context, model string) error {
	a, err := o.Chat(ctx, ChatRequest{Model: model, Messages: []Message{{Role: "user", Content: "."}}, MaxTokens: 1})
	if err != nil {
		return err
	}
	defer a.Close()
	for {
		if _, err := a.Next(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

type openAIAnswer struct{ streamed }

type openAIEvent struct {
	Model   string `json:"model"`
	Choices []struct {
		Delta struct {
			Content string `json:"content"`
		} `json:"delta"`
		FinishReason string `json:"finish_reason"`
	} `json:"choices"`
	Usage *struct {
		PromptTokens     int `json:"prompt_tokens"`
		CompletionTokens int `json:"completion_tokens"`
	} `json:"usage"`
	Error *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// read takes one line of the event stream (HTML, section 9.2). Servers of
// this API put the whole data of an event on one line.
func (a *openAIAnswer) read() (string, error) {
	line, err := a.next()
	if err != nil {
		return "", err
	}
	data, ok := bytes.CutPrefix(line, []byte("data:"))
	if !ok {
		if i := bytes.IndexByte(line, ':'); i == 0 || i > 0 && isField(string(line[:i])) {
			return "", nil // a comment to keep the connection, or a field that carries nothing for us
		}
		return "", a.c.failure(FailedGarbage, "not an event: %q", line[:min(len(line), 64)])
	}
	if data = bytes.TrimSpace(data); string(data) == "[DONE]" {
		a.ended = true
		a.finish()
		return "", nil
	}
	var event openAIEvent
	if err := json.Unmarshal(data, &event); err != nil {
		return "", a.c.failure(FailedGarbage, "%v", err)
	}
	return a.take(&event)
}

func (a *openAIAnswer) take(event *openAIEvent) (string, error) {
	if event.Error != nil {
		return "", a.c.failure(FailedServer, "%s", event.Error.Message)
	}
	if !a.anyName && event.Model != "" && !sameModel(a.model, event.Model) {
		return "", a.c.failure(FailedWrongModel, "asked for %q, answered as %q", a.model, event.Model)
	}
	if event.Usage != nil {
		a.usage.PromptTokens, a.usage.OutputTokens = event.Usage.PromptTokens, event.Usage.CompletionTokens
	}
	if len(event.Choices) == 0 {
		return "", nil
	}
	if reason := event.Choices[0].FinishReason; reason != "" {
		a.usage.Finish = reason
	}
	return event.Choices[0].Delta.Content, nil
}

func isField(name string) bool { return name == "event" || name == "id" || name == "retry" }
