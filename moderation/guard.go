package moderation

import (
	"context"
	"encoding/json"

	"earshot/moderation/policy"
)

// Guard judges texts by a model: tier 1 or 2. It returns scores for each event
// of the batch in its order, or an error for all. It returns soon after ctx
// has ended.
type Guard interface {
	Judge(ctx context.Context, world string, batch []Event) ([]policy.Scores, error)
}

// Message is one of a conversation with a model.
type Message struct {
	Role    string // system, user or assistant
	Content string
}

// Asker asks a chat model. gateway implements it over npc.Inference, class
// moderation. schema is a JSON schema the answer has to follow, nil for free
// text.
type Asker interface {
	Ask(ctx context.Context, world, model string, messages []Message, schema json.RawMessage, maxTokens int) (string, error)
}
