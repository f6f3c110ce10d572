package gateway

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/npc"
)

// completionRequest is what POST /v1/chat/completions takes: the parts of
// OpenAI's API that every server behind the router understands, and what the
// router wants to know besides. Unknown members are ignored, as OpenAI's
// clients send more every year.
type completionRequest struct {
	Model         string              `json:"model"`
	Messages      []completionMessage `json:"messages"`
	Stream        bool                `json:"stream"`
	StreamOptions struct {
		Usage bool `json:"include_usage"`
	} `json:"stream_options"`
	MaxTokens           int             `json:"max_tokens"`
	MaxCompletionTokens int             `json:"max_completion_tokens"`
	Temperature         *float64        `json:"temperature"`
	TopP                *float64        `json:"top_p"`
	Seed                *int            `json:"seed"`
	Stop                stopWords       `json:"stop"`
	Earshot             placementWishes `json:"earshot"`
}

// placementWishes are what a caller may ask of the router.
type placementWishes struct {
	Class      string   `json:"class"`       // dialogue (default) or moderation
	Models     []string `json:"models"`      // acceptable after model, in order
	Region     string   `json:"region"`      // where the answer is wanted
	Labels     []string `json:"labels"`      // besides those the world demands
	PatienceMS int      `json:"patience_ms"` // until the first token; 0 for the class's default
	NoHedge    bool     `json:"no_hedge"`
}

// completionMessage has text, as a string or in parts.
type completionMessage struct {
	Role    string      `json:"role"`
	Content textContent `json:"content"`
}

// textContent is a string, or a list of parts of type text.
type textContent string

// UnmarshalJSON implements json.Unmarshaler.
func (t *textContent) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] != '[' {
		return json.Unmarshal(data, (*string)(t))
	}
	var parts []struct{ Type, Text string }
	if err := json.Unmarshal(data, &parts); err != nil {
		return err
	}
	for _, p := range parts {
		if p.Type != "text" {
			return invalid("messages: a part of type %.32q is not supported, only text is", p.Type)
		}
		*t += textContent(p.Text)
	}
	return nil
}

// stopWords is a string or a list of them.
type stopWords []string

// UnmarshalJSON implements json.Unmarshaler.
func (s *stopWords) UnmarshalJSON(data []byte) error {
	if len(data) == 0 || data[0] != '"' {
		return json.Unmarshal(data, (*[]string)(s))
	}
	var word string
	err := json.Unmarshal(data, &word)
	*s = stopWords{word}
	return err
}

const (
	maxAnswerTokens = 16384
	maxLabels       = 16
	maxFallbacks    = 8
	maxPatience     = time.Minute
)

// request checks r and makes what the router understands of it. labels are
// what the world demands of the place where an answer is made; a caller can
// only add to them.
func (r *completionRequest) request(world string, labels []string) (npc.Request, error) {
	q := npc.Request{
		World: world, Region: r.Earshot.Region, NoHedge: r.Earshot.NoHedge,
		Models:    append([]string{r.Model}, r.Earshot.Models...),
		Labels:    slices.Concat(labels, r.Earshot.Labels),
		MaxTokens: max(r.MaxTokens, r.MaxCompletionTokens),
		Patience:  time.Duration(r.Earshot.PatienceMS) * time.Millisecond,
		Options:   npc.Options{Temperature: r.Temperature, TopP: r.TopP, Seed: r.Seed, Stop: r.Stop},
	}
	switch {
	case r.Model == "":
		return q, invalid("model: name one; GET /v1/models lists them")
	case len(r.Earshot.Models) > maxFallbacks || len(r.Earshot.Labels) > maxLabels || len(r.Stop) > maxLabels:
		return q, invalid("at most %d further models, %d labels and %d stop words", maxFallbacks, maxLabels, maxLabels)
	case r.MaxTokens < 0 || r.MaxCompletionTokens < 0 || q.MaxTokens > maxAnswerTokens:
		return q, invalid("max_tokens: want 0 to %d", maxAnswerTokens)
	case q.Patience < 0 || q.Patience > maxPatience:
		return q, invalid("earshot.patience_ms: want 0 to %d", maxPatience.Milliseconds())
	}
	switch r.Earshot.Class {
	case "", npc.Dialogue.String():
	case npc.Moderation.String():
		q.Class = npc.Moderation
	default:
		return q, invalid("earshot.class: %.32q is neither dialogue nor moderation", r.Earshot.Class)
	}
	for _, m := range r.Messages {
		q.Messages = append(q.Messages, npc.Message{Role: m.Role, Content: string(m.Content)})
	}
	return q, nil
}

// postCompletion continues a conversation on the model server that will answer
// first within policy, as OpenAI's API has it.
func (g *Gateway) postCompletion(c *fiber.Ctx) error {
	stream, r, err := g.beginCompletion(c)
	if err != nil {
		return completionError(c, err)
	}
	p := stream.Placement()
	c.Set("Earshot-Backend", p.Backend)
	c.Set("Earshot-Degraded", p.Degraded.String())
	head := completionHead{
		ID: "chatcmpl-" + string(earshot.NewEventID())[len("ev_"):], Created: time.Now().Unix(), Model: p.Model,
	}
	if r.Stream {
		c.Set(fiber.HeaderContentType, "text/event-stream")
		c.Set(fiber.HeaderCacheControl, "no-store")
		c.Context().SetBodyStreamWriter(completionEvents(stream, head, r.StreamOptions.Usage))
		return nil
	}
	defer stream.Close()
	answer, err := wholeCompletion(stream, head)
	if err != nil {
		return completionError(c, err)
	}
	return c.JSON(answer)
}

func (g *Gateway) beginCompletion(c *fiber.Ctx) (*npc.Stream, *completionRequest, error) {
	claims, err := g.inferring(c)
	if err != nil {
		return nil, nil, err
	}
	text, err := body(c, protocol.MaxSDPBytes)
	if err != nil {
		return nil, nil, err
	}
	var r completionRequest
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		if earshot.CodeOf(err) != earshot.CodeInternal {
			return nil, nil, err
		}
		return nil, nil, invalid("the body is not a chat completion request: %v", err)
	}
	world := claims.World
	if world == "" {
		world = worldOf(claims.Instance)
	}
	cfg, ok := g.worldConfig(world)
	if !ok {
		return nil, nil, earshot.Errorf(earshot.CodeNotFound, "the token is for world %q, which is not here; GET /v1/worlds lists those that are", world)
	}
	q, err := r.request(world, cfg.DataLabels)
	if err != nil {
		return nil, nil, err
	}
	// fasthttp does not say when a client goes away: the first write finds out.
	stream, err := g.deps.Inference.Chat(context.Background(), q)
	return stream, &r, err
}

// inferring verifies that the bearer may use the model servers, if there are any.
func (g *Gateway) inferring(c *fiber.Ctx) (*Claims, error) {
	claims, err := g.authorize(c)
	if err != nil {
		return nil, err
	}
	if !claims.Can(protocol.GrantInference) {
		return nil, missing(protocol.GrantInference)
	}
	if g.deps.Inference == nil {
		return nil, noInference
	}
	return claims, nil
}

// getBackends is the catalogue with live estimates.
func (g *Gateway) getBackends(c *fiber.Ctx) error {
	if _, err := g.inferring(c); err != nil {
		return err
	}
	return c.JSON(fiber.Map{"backends": g.deps.Inference.Snapshot(time.Now())})
}

// getModels lists the models of all backends, as OpenAI's API has it.
func (g *Gateway) getModels(c *fiber.Ctx) error {
	if _, err := g.inferring(c); err != nil {
		return completionError(c, err)
	}
	type model struct {
		ID     string `json:"id"`
		Object string `json:"object"`
		Owner  string `json:"owned_by"`
	}
	list, seen := []model{}, map[string]bool{}
	for _, b := range g.deps.Inference.Snapshot(time.Now()) {
		for _, m := range b.Models {
			if !seen[m.Name] {
				seen[m.Name] = true
				list = append(list, model{m.Name, "model", "earshot"})
			}
		}
	}
	return c.JSON(fiber.Map{"object": "list", "data": list})
}

// completionError replies with the wire error, and with the same once more in
// the place where OpenAI's clients look for it.
func completionError(c *fiber.Ctx, err error) error {
	status, e := wireError(err)
	switch status {
	case http.StatusUnauthorized:
		c.Set(fiber.HeaderWWWAuthenticate, "Bearer")
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		c.Set(fiber.HeaderRetryAfter, "1")
	}
	return c.Status(status).JSON(struct {
		*earshot.Error
		OpenAI fiber.Map `json:"error"`
	}{e, fiber.Map{"message": e.Message, "type": e.Code, "code": e.Code}})
}
