package gateway

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"

	"github.com/gofiber/fiber/v2"

	"earshot"
	"earshot/npc"
	"earshot/npc/director"
	"earshot/npc/persona"
)

const (
	maxTalkTurns    = 64
	maxPreviewRunes = 500
	maxTalk         = 2 * time.Minute // of one test answer
	maxPreview      = 30 * time.Second
)

// talkRequest is a test of a draft: the conversation so far, which nobody
// remembers.
type talkRequest struct {
	YAML  string `json:"yaml"`
	World string `json:"world"`
	Turns []struct {
		Own     bool   `json:"own"`
		Speaker string `json:"speaker"`
		Text    string `json:"text"`
	} `json:"turns"`
}

// talkEnd is the last event of a test answer.
type talkEnd struct {
	Done      bool    `json:"done"`
	Source    string  `json:"source"`
	Degraded  string  `json:"degraded"`
	Reason    string  `json:"reason"`
	Backend   string  `json:"backend"`
	Model     string  `json:"model"`
	TTFT      float64 `json:"ttft_ms"`
	TokensIn  int     `json:"tokens_in"`
	TokensOut int     `json:"tokens_out"`
}

// postTalk answers as a draft would, piece by piece.
func (g *Gateway) postTalk(c *fiber.Ctx, d *designer) error {
	var in talkRequest
	if err := decode(c, &in); err != nil {
		return err
	}
	if len(in.Turns) == 0 || len(in.Turns) > maxTalkTurns {
		return invalid("turns: %d, want 1 to %d", len(in.Turns), maxTalkTurns)
	}
	p, err := persona.Parse("draft.yaml", []byte(in.YAML))
	if err != nil {
		return refusePersona(c, err)
	}
	character, err := persona.NewCharacter(*p)
	if err != nil {
		return refusePersona(c, err)
	}
	scene := persona.Scene{World: d.world, User: d.name, Act: len(p.Actions) > 0}
	for _, t := range in.Turns {
		scene.Turns = append(scene.Turns, persona.Turn{Own: t.Own, Speaker: t.Speaker, Text: t.Text})
	}
	prompt, err := character.Prompt(scene)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), maxTalk)
	stream, failed := g.askModel(ctx, d.world, d.name, p, prompt)
	c.Set(fiber.HeaderContentType, "text/event-stream")
	c.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
		defer cancel()
		if failed != nil {
			line := character.Say(&scene, p.Lines.Fallback, len(in.Turns)/2)
			writeEvent(w, fiber.Map{"text": line})
			writeEvent(w, talkEnd{Done: true, Source: npc.SourceScript, Degraded: npc.DegradedScript, Reason: reasonOf(failed)})
			return
		}
		defer stream.Close()
		talk{w, stream, director.NewSplitter([]string{p.Called(), p.Name}, []string{d.name}, 0)}.write()
	})
	return nil
}

// askModel begins an answer to prompt.
func (g *Gateway) askModel(ctx context.Context, world, user string, p *persona.Persona, prompt persona.Prompt) (*npc.Stream, error) {
	if g.deps.Inference == nil {
		return nil, noInference
	}
	w, _ := g.worldConfig(world)
	req := npc.Request{
		World: world, Class: npc.Dialogue, Region: g.deps.NPCs.Region, Labels: w.DataLabels,
		MaxTokens: prompt.MaxOutput,
		Options:   npc.Options{Temperature: p.Model.Temperature, TopP: p.Model.TopP, Stop: npc.StopWords(user)},
	}
	req.Models = g.deps.Inference.Acceptable(g.deps.NPCs.Models, p.Model.Preferred, w.DataLabels)
	if len(req.Models) == 0 {
		return nil, earshot.Errorf(earshot.CodeFailedPrecondition, "no model server answers; configure one, or start Ollama on this machine")
	}
	for _, m := range prompt.Messages {
		req.Messages = append(req.Messages, npc.Message{Role: string(m.Role), Content: m.Content})
	}
	return g.deps.Inference.Chat(ctx, req)
}

// talk is a test answer on its way, as the NPC would say it: in sentences,
// without stage directions and what else a model adds.
type talk struct {
	w      *bufio.Writer
	stream *npc.Stream
	split  *director.Splitter
}

// write passes the answer on. A write that fails ends it: nobody reads.
func (t talk) write() {
	p := t.stream.Placement()
	end := talkEnd{
		Done: true, Source: npc.SourceModel, Degraded: degradedText(p.Degraded), Backend: p.Backend, Model: p.Model,
		TTFT: float64(p.TTFT.Microseconds()) / 1000,
	}
	for said := 0; !t.split.Done(); {
		text, err := t.stream.Next()
		pieces := t.split.Write(text)
		if err != nil {
			whole := errors.Is(err, io.EOF) && (said == 0 || t.stream.Usage().Finish != "length")
			pieces = append(pieces, t.split.End(whole)...)
		}
		for _, piece := range pieces {
			if !t.piece(piece) {
				return
			}
			said++
		}
		if err != nil && !errors.Is(err, io.EOF) {
			end.Reason = reasonOf(err)
		}
	}
	usage := t.stream.Usage()
	end.TokensIn, end.TokensOut = usage.PromptTokens, usage.OutputTokens
	writeEvent(t.w, end)
}

func (t talk) piece(p director.Piece) bool {
	switch p.Kind {
	case director.PieceGesture:
		return writeEvent(t.w, fiber.Map{"gesture": p.Text})
	case director.PieceAction:
		return writeEvent(t.w, fiber.Map{"action": p.Text})
	}
	return writeEvent(t.w, fiber.Map{"text": p.Text + " "})
}

func writeEvent(w *bufio.Writer, v any) bool {
	data, err := json.Marshal(v)
	if err != nil {
		return false
	}
	_, _ = w.WriteString("data: ")
	_, _ = w.Write(data)
	_, _ = w.WriteString("\n\n")
	return w.Flush() == nil
}

// degradedText names how far an answer is from what was asked for as captions
// do.
func degradedText(d npc.Degradation) string {
	if d == npc.NotDegraded {
		return npc.DegradedNot
	}
	return d.String()
}

func reasonOf(err error) string {
	_, e := wireError(err)
	return e.Message
}

// postSpeech is how a draft's voice sounds.
func (g *Gateway) postSpeech(c *fiber.Ctx, d *designer) error {
	var in struct {
		YAML string `json:"yaml"`
		Text string `json:"text"`
	}
	if err := decode(c, &in); err != nil {
		return err
	}
	if in.Text == "" || len([]rune(in.Text)) > maxPreviewRunes {
		return invalid("text: want 1 to %d characters", maxPreviewRunes)
	}
	n := &g.deps.NPCs
	w, _ := g.worldConfig(d.world)
	if a := g.speech(w.DataLabels); a.Kind == npc.AbleNone {
		return earshot.Errorf(earshot.CodeFailedPrecondition, "NPCs have no voice here: %s", a.Reason)
	}
	p, err := persona.Parse("draft.yaml", []byte(in.YAML))
	if err != nil {
		return refusePersona(c, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), maxPreview)
	defer cancel()
	wav, err := n.Speaker.Preview(ctx, npc.Where{Region: n.Region, Labels: w.DataLabels}, p.Voice, in.Text)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, "audio/wav")
	return c.Send(wav)
}
