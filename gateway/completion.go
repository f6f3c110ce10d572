package gateway

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"earshot/npc"
)

// keepAlive is how often a silent stream gets a comment, which also finds out
// whether the client is still there.
const keepAlive = 500 * time.Millisecond

// completionHead is what all parts of an answer share.
type completionHead struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	Model   string `json:"model"`
}

type completion struct {
	completionHead
	Choices   []choice       `json:"choices"`
	Usage     *usage         `json:"usage,omitempty"`
	Placement *npc.Placement `json:"earshot,omitempty"`
}

type choice struct {
	Index   int         `json:"index"`
	Message *choiceText `json:"message,omitempty"`
	Delta   *choiceText `json:"delta,omitempty"`
	Finish  *string     `json:"finish_reason"`
}

type choiceText struct {
	Role    string `json:"role,omitempty"`
	Content string `json:"content"`
}

type usage struct {
	Prompt     int `json:"prompt_tokens"`
	Completion int `json:"completion_tokens"`
	Total      int `json:"total_tokens"`
}

func usageOf(u npc.Usage) *usage {
	return &usage{u.PromptTokens, u.OutputTokens, u.PromptTokens + u.OutputTokens}
}

func finishOf(u npc.Usage) *string {
	if u.Finish == "" {
		u.Finish = "stop"
	}
	return &u.Finish
}

// wholeCompletion reads an answer to its end.
func wholeCompletion(s *npc.Stream, head completionHead) (*completion, error) {
	var text strings.Builder
	for {
		piece, err := s.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		text.WriteString(piece)
	}
	head.Object = "chat.completion"
	u, p := s.Usage(), s.Placement()
	return &completion{
		completionHead: head, Usage: usageOf(u), Placement: &p,
		Choices: []choice{{Message: &choiceText{"assistant", text.String()}, Finish: finishOf(u)}},
	}, nil
}

// piece is what a Stream returned.
type piece struct {
	text string
	err  error
}

// completionEvents writes an answer as server-sent events while it is made. A
// client that goes away is noticed at the next write, at most keepAlive later,
// and the upstream is closed.
func completionEvents(s *npc.Stream, head completionHead, withUsage bool) func(*bufio.Writer) {
	head.Object = "chat.completion.chunk"
	return func(w *bufio.Writer) {
		pieces, gone := make(chan piece), make(chan struct{})
		defer func() {
			close(gone)
			s.Close()
			for range pieces { // until the reader has ended
			}
		}()
		go func() {
			defer close(pieces)
			for {
				text, err := s.Next()
				select {
				case pieces <- piece{text, err}:
				case <-gone:
					return
				}
				if err != nil {
					return
				}
			}
		}()
		e := events{w: w, head: head}
		p := s.Placement()
		if e.send(completion{Choices: []choice{{Delta: &choiceText{Role: "assistant"}}}, Placement: &p}) != nil {
			return
		}
		e.follow(s, pieces, withUsage)
	}
}

// events writes server-sent events.
type events struct {
	w    *bufio.Writer
	head completionHead
}

func (e *events) follow(s *npc.Stream, pieces <-chan piece, withUsage bool) {
	alive := time.NewTicker(keepAlive)
	defer alive.Stop()
	for {
		select {
		case <-alive.C:
			if e.raw(": \n\n") != nil {
				return
			}
		case p, ok := <-pieces:
			switch {
			case !ok:
				return
			case p.err != nil:
				e.end(s, p.err, withUsage)
				return
			case e.send(completion{Choices: []choice{{Delta: &choiceText{Content: p.text}}}}) != nil:
				return
			}
		}
	}
}

// end says why the answer ends: all is said, or the backend failed in the
// midst of it.
func (e *events) end(s *npc.Stream, why error, withUsage bool) {
	if !errors.Is(why, io.EOF) {
		_, wire := wireError(why)
		data, _ := json.Marshal(fiber.Map{"error": fiber.Map{"message": wire.Message, "type": wire.Code, "code": wire.Code}})
		_ = e.raw("data: " + string(data) + "\n\n")
		return
	}
	u := s.Usage()
	last := completion{Choices: []choice{{Delta: &choiceText{}, Finish: finishOf(u)}}}
	if withUsage {
		last.Usage = usageOf(u)
	}
	if e.send(last) == nil {
		_ = e.raw("data: [DONE]\n\n")
	}
}

func (e *events) send(c completion) error {
	c.completionHead = e.head
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return e.raw("data: " + string(data) + "\n\n")
}

func (e *events) raw(text string) error {
	if _, err := e.w.WriteString(text); err != nil {
		return err
	}
	return e.w.Flush()
}
