package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"earshot"
	"earshot/moderation"
	"earshot/npc"
)

// maxGuardAnswer bounds what a guard model may say, in bytes.
const maxGuardAnswer = 64 << 10

// asker lets moderation ask models, within each world's data policy.
type asker Gateway

var _ moderation.Asker = (*asker)(nil)

// Ask implements moderation.Asker.
func (a *asker) Ask(ctx context.Context, world, model string, messages []moderation.Message, schema json.RawMessage, maxTokens int) (string, error) {
	g := (*Gateway)(a)
	w, _ := g.worldConfig(world)
	req := npc.Request{
		World: world, Class: npc.Moderation, Models: []string{model}, Region: g.deps.NPCs.Region, Labels: w.DataLabels,
		MaxTokens: maxTokens, Options: npc.Options{Schema: schema, Temperature: new(float64)}, // the likeliest answer, the same each time
	}
	for _, m := range messages {
		req.Messages = append(req.Messages, npc.Message{Role: m.Role, Content: m.Content})
	}
	stream, err := g.deps.Inference.Chat(ctx, req)
	if err != nil {
		return "", err
	}
	defer stream.Close()
	var answer strings.Builder
	for {
		text, err := stream.Next()
		if errors.Is(err, io.EOF) {
			return answer.String(), nil
		}
		if err != nil {
			return "", err
		}
		if answer.WriteString(text); answer.Len() > maxGuardAnswer {
			return "", earshot.Errorf(earshot.CodeResourceExhausted, "the guard model answers with more than %d bytes", maxGuardAnswer)
		}
	}
}

// listener turns voices into text for moderation.
type listener Gateway

var _ moderation.Transcriber = (*listener)(nil)

// Transcribe implements moderation.Transcriber.
func (l *listener) Transcribe(ctx context.Context, world, language string, clip []moderation.Packet) (string, error) {
	g := (*Gateway)(l)
	w, _ := g.worldConfig(world)
	packets := make([]npc.Packet, len(clip))
	for i, p := range clip {
		packets[i] = npc.Packet(p)
	}
	return g.deps.NPCs.Hearing.Transcribe(ctx, npc.Where{Region: g.deps.NPCs.Region, Labels: w.DataLabels}, language, packets)
}
