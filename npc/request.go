package npc

import (
	"hash/maphash"
	"time"
	"unicode/utf8"

	"earshot/npc/router"
)

// Request is a conversation to be continued, and what may be done with it.
type Request struct {
	World string
	Class router.Class
	// Models are acceptable models, the preferred one first.
	Models []string
	// Region is where the answer is wanted, Labels what policy demands of
	// where it is made.
	Region   string
	Labels   []string
	Messages []Message
	// MaxTokens bounds the answer; 0 leaves it to the server.
	MaxTokens int
	Options   Options
	// Patience is how long until the first token; 0 means the class's default.
	Patience time.Duration
	// NoHedge forbids to ask two backends at once.
	NoHedge bool
}

// validate checks what the router does not look at.
func (r *Request) validate(maxBytes int) error {
	if len(r.Messages) == 0 {
		return invalid("messages: there are none")
	}
	bytes := len(r.Options.Schema)
	for i, m := range r.Messages {
		if m.Role != "system" && m.Role != "user" && m.Role != "assistant" {
			return invalid("messages[%d].role: %q is none of system, user and assistant", i, m.Role)
		}
		bytes += len(m.Content)
	}
	if bytes > maxBytes {
		return invalid("messages: %d bytes, more than %d", bytes, maxBytes)
	}
	if r.Patience < 0 {
		return invalid("patience: %v is negative", r.Patience)
	}
	return nil
}

// place is r as the router sees it.
func (r *Request) place(seed maphash.Seed, blockTokens int, deadline time.Time) router.Request {
	q := router.Request{
		World: r.World, Class: r.Class, Models: r.Models, Capability: router.Chat, Region: r.Region, Labels: r.Labels,
		MaxOutput: r.MaxTokens, Deadline: deadline, NoHedge: r.NoHedge,
	}
	if r.Class == router.Moderation {
		q.Capability = 0 // a model for scoring need not be one for talking
	}
	q.PromptTokens, q.Prefix = prefix(r.Messages, seed, blockTokens)
	return q
}

// bytesPerToken is what English text comes to with the tokenizers of Llama and
// Qwen; other scripts are taken as a token for each character, which is
// nearer the truth for them. The router learns the cost per token so counted.
const bytesPerToken = 4

// prefix counts the tokens of a prompt and hashes it in blocks, each hash
// covering everything before it.
func prefix(messages []Message, seed maphash.Seed, blockTokens int) (tokens int, chain []uint64) {
	var h maphash.Hash
	h.SetSeed(seed)
	block := blockTokens * bytesPerToken
	filled, quarters := 0, 0
	write := func(s string) {
		for len(s) > 0 {
			n := min(block-filled, len(s))
			h.WriteString(s[:n])
			if s, filled = s[n:], filled+n; filled == block && len(chain) < router.MaxPrefixBlocks {
				chain, filled = append(chain, h.Sum64()), 0
			} else if filled == block {
				filled = 0
			}
		}
	}
	for _, m := range messages {
		write(m.Role)
		write("\x00")
		write(m.Content)
		write("\x00")
		quarters += 4*bytesPerToken + weigh(m.Content) // a message costs some tokens of framing
	}
	return quarters / bytesPerToken, chain
}

// weigh returns a number of tokens, times bytesPerToken.
func weigh(s string) (n int) {
	for _, r := range s {
		if r < utf8.RuneSelf {
			n++
		} else {
			n += bytesPerToken
		}
	}
	return n
}
