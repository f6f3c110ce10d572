package moderation

import (
	"context"
	"encoding/json"
	"errors"
	"sync"

	"earshot"
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

// Template says how a model wants to be asked.
type Template string

// The templates. Servers wrap chat messages into a model's own format, so what
// is here is their content.
const (
	// LlamaGuard3 answers safe, or unsafe with the categories S1 to S14
	// (Meta's model card; the server's chat template adds task and categories).
	LlamaGuard3 Template = "llama-guard-3"
	// ShieldGemma answers Yes or No for one guideline at a time (Google's model
	// card), so each event costs four questions.
	ShieldGemma Template = "shieldgemma"
	// ChatScores is any chat model: it is asked for scores as JSON, a batch at
	// once.
	ChatScores Template = "chat"
)

// ModelGuard is a Guard by a chat model.
type ModelGuard struct {
	template Template
	model    string
	ask      Asker
	context  bool
}

var _ Guard = (*ModelGuard)(nil)

// NewGuard returns a guard that asks a model. With context the lines before an
// event are shown as well: for tier 2.
func NewGuard(template Template, model string, ask Asker, context bool) (*ModelGuard, error) {
	switch {
	case template != LlamaGuard3 && template != ShieldGemma && template != ChatScores:
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "moderation: template %.40q is none of %s, %s, %s", template, LlamaGuard3, ShieldGemma, ChatScores)
	case model == "" || ask == nil:
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "moderation: a guard needs a model and somebody to ask it")
	}
	return &ModelGuard{template, model, ask, context}, nil
}

// Judge implements Guard. The questions of a batch go out together.
func (g *ModelGuard) Judge(ctx context.Context, world string, batch []Event) ([]policy.Scores, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // one failure is that of all
	questions := g.template.questions(batch, g.context)
	out := make([]policy.Scores, len(batch))
	for i := range out {
		out[i] = policy.Scores{}
	}
	var (
		work sync.WaitGroup
		mu   sync.Mutex
		errs []error
	)
	for _, q := range questions {
		work.Go(func() {
			answer, err := g.ask.Ask(ctx, world, g.model, q.messages, q.schema, q.tokens)
			var scores []policy.Scores
			if err == nil {
				scores, err = q.parse(answer)
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				errs = append(errs, err)
				cancel()
				return
			}
			for i, s := range scores {
				for c, v := range s {
					out[q.first+i][c] = max(out[q.first+i][c], v)
				}
			}
		})
	}
	work.Wait()
	if len(errs) > 0 {
		return nil, errors.Join(errs[0])
	}
	return out, nil
}
