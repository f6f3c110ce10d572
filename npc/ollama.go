package npc

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/ollama/ollama/api"
)

// ollama speaks Ollama's native API with the types of its api package.
//
// The api package's own Client is not used: it sets 8 MiB aside for each
// streamed answer, reads replies without a limit, follows redirects anywhere
// and has no credential but ollama.com's.
type ollama struct {
	*client
	keepAlive time.Duration
	anyName   bool
}

var _ backend = (*ollama)(nil)

// Chat implements backend by POST /api/chat.
func (o *ollama) Chat(ctx context.Context, req ChatRequest) (answer, error) {
	body, err := json.Marshal(o.request(req))
	if err != nil {
		return nil, o.failure(FailedRequest, "%v", err)
	}
	ctx, dog := o.watch(ctx)
	resp, err := o.send(ctx, "api/chat", "application/json", body)
	if err != nil {
		dog.stop()
		return nil, err
	}
	a := &ollamaAnswer{streamed{lines: o.lines(ctx, dog, resp.Body), model: req.Model, anyName: o.anyName}}
	a.event = a.read
	return a, nil
}

func (o *ollama) request(req ChatRequest) *api.ChatRequest {
	stream := true
	out := &api.ChatRequest{
		Model: req.Model, Stream: &stream, Format: req.Options.Schema,
		KeepAlive: &api.Duration{Duration: o.keepAlive}, Options: map[string]any{},
	}
	for _, m := range req.Messages {
		out.Messages = append(out.Messages, api.Message{Role: m.Role, Content: m.Content})
	}
	if req.MaxTokens > 0 {
		out.Options["num_predict"] = req.MaxTokens
	}
	if v := req.Options.Temperature; v != nil {
		out.Options["temperature"] = *v
	}
	if v := req.Options.TopP; v != nil {
		out.Options["top_p"] = *v
	}
	if v := req.Options.Seed; v != nil {
		out.Options["seed"] = *v
	}
	if len(req.Options.Stop) > 0 {
		out.Options["stop"] = req.Options.Stop
	}
	return out
}

// Inventory implements backend by GET /api/tags and /api/ps. Models that
// Ollama itself would forward to another host are left out: what a world's
// policy allows to be sent here, it does not allow there.
func (o *ollama) Inventory(ctx context.Context) (Inventory, error) {
	var have api.ListResponse
	var loaded api.ProcessResponse
	if err := o.call(ctx, inventoryBudget, "api/tags", nil, &have); err != nil {
		return Inventory{}, err
	}
	begin := time.Now() // of the second call, which needs no new connection
	if err := o.call(ctx, inventoryBudget, "api/ps", nil, &loaded); err != nil {
		return Inventory{}, err
	}
	inv := Inventory{RTT: time.Since(begin)}
	for _, m := range have.Models {
		if m.RemoteHost == "" {
			inv.Models = append(inv.Models, m.Name)
		}
	}
	for _, m := range loaded.Models {
		inv.Loaded = append(inv.Loaded, m.Name)
	}
	return inv, nil
}

// Prewarm implements backend: a chat without a prompt loads the model.
func (o *ollama) Prewarm(ctx context.Context, model string) error {
	stream := false
	var reply api.ChatResponse
	err := o.call(ctx, o.total, "api/chat", &api.ChatRequest{
		Model: model, Stream: &stream, KeepAlive: &api.Duration{Duration: o.keepAlive},
	}, &reply)
	if err == nil && !reply.Done {
		return o.failure(FailedGarbage, "did not say that %s is loaded", model)
	}
	return err
}

type ollamaAnswer struct{ streamed }

// read takes one line; it may carry no text, such as while a model thinks.
func (a *ollamaAnswer) read() (string, error) {
	line, err := a.next()
	if err != nil {
		return "", err
	}
	var event struct {
		api.ChatResponse
		Error string `json:"error"`
	}
	if err := json.Unmarshal(line, &event); err != nil {
		return "", a.c.failure(FailedGarbage, "%v", err)
	}
	if event.Error != "" {
		return "", a.c.failure(FailedServer, "%s", event.Error)
	}
	if event.RemoteHost != "" {
		return "", a.c.failure(FailedWrongModel, "%s was forwarded to another host", a.model)
	}
	if !a.anyName && !sameModel(a.model, event.Model) {
		return "", a.c.failure(FailedWrongModel, "asked for %q, answered as %q", a.model, event.Model)
	}
	if event.Done {
		a.ended = true
		a.usage = Usage{event.PromptEvalCount, event.EvalCount, event.LoadDuration, event.DoneReason}
		a.finish()
	}
	return event.Message.Content, nil
}

// sameModel reports whether a server that was asked for want and says it
// answers as got, keeps its word: got may spell out Ollama's implied tag, or
// the dated snapshot behind an alias ("m" and "m-2025-08-07").
func sameModel(want, got string) bool {
	if want == got || want+":latest" == got || want == got+":latest" {
		return true
	}
	date, ok := strings.CutPrefix(got, want+"-")
	if !ok || len(date) < 6 {
		return false
	}
	return strings.Trim(date, "0123456789-") == ""
}
