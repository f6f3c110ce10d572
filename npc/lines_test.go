package npc

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// linesOf reads body as if a server had sent it.
func linesOf(t testing.TB, body io.Reader) *lines {
	c := &client{id: "a", hang: time.Minute, total: time.Minute}
	ctx, dog := c.watch(context.Background())
	t.Cleanup(dog.stop)
	return c.lines(ctx, dog, io.NopCloser(body))
}

// Whatever a server sends, in whatever pieces: the lines are those of the
// body, and both APIs either make words of them or fail with a kind.
func FuzzLines(f *testing.F) {
	for _, seed := range []string{
		"", "\n\n\r\n", "a\nb", "a\r\n\r\n b \nc\n", strings.Repeat("x", 5000) + "\ny\n", "\x00\xff\n",
		`{"model":"m","message":{"content":"w"},"done":false}` + "\n" + `{"model":"m","message":{"content":""},"done":true}` + "\n",
		`{"error":"no"}` + "\n", `{"model":"tiny","message":{"content":"w"}}` + "\n", `{"remote_host":"x"}`, "{}\n{}\n", "[]", "null\n",
		": keep\nevent: x\ndata: {\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"w\"}}]}\n\ndata: [DONE]\n\n",
		"data: {\"error\":{\"message\":\"no\"}}\n\n", "data:\n\n", "data: {]\n\n", "data: {\"choices\":null,\"usage\":null}\n", "<html>", ":\n", "id\n",
	} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, data []byte, bytewise bool) {
		body := func() io.Reader {
			if bytewise {
				return iotest.OneByteReader(bytes.NewReader(data))
			}
			return bytes.NewReader(data)
		}
		l := linesOf(t, body())
		for _, want := range bytes.Split(data, []byte("\n")) {
			if want = bytes.TrimSpace(want); len(want) == 0 {
				continue
			}
			if got, err := l.next(); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("next() = %q, %v, want %q", got, err, want)
			}
		}
		if _, err := l.next(); !isFailure(err, FailedCut) {
			t.Fatalf("next() at the end = %v, want a cut", err)
		}
		ollama := &ollamaAnswer{streamed{lines: linesOf(t, body()), model: "m"}}
		ollama.event = ollama.read
		drain(t, ollama)
		openAI := &openAIAnswer{streamed{lines: linesOf(t, body()), model: "m"}}
		openAI.event = openAI.read
		drain(t, openAI)
	})
}

func isFailure(err error, kind FailureKind) bool {
	var f *Failure
	return errors.As(err, &f) && f.Kind == kind
}

// drain reads an answer to its end.
func drain(t *testing.T, a answer) {
	t.Helper()
	defer a.Close()
	for {
		text, err := a.Next()
		var f *Failure
		switch {
		case err == io.EOF:
			if _, err := a.Next(); err != io.EOF {
				t.Fatalf("Next() after the end = %v, want io.EOF", err)
			}
			return
		case err != nil && !errors.As(err, &f):
			t.Fatalf("Next() = %v, want a *Failure", err)
		case err != nil:
			return
		case text == "":
			t.Fatal("Next() = an empty piece")
		}
	}
}

// repeated is a body without an end.
type repeated struct {
	piece string
	at    int
}

func (r *repeated) Read(p []byte) (n int, err error) {
	for n < len(p) {
		k := copy(p[n:], r.piece[r.at:])
		n, r.at = n+k, (r.at+k)%len(r.piece)
	}
	return n, nil
}

func TestLinesAreBounded(t *testing.T) {
	for _, tc := range []struct {
		name, piece string
		most        int // bytes read
	}{
		{"one line without an end", "x", maxLineBytes + 8192},
		{"lines without an end", strings.Repeat("x", 1000) + "\n", maxAnswerBytes + 8192},
		{"blank lines without an end", "\n", maxAnswerBytes + 8192},
	} {
		count := &counted{r: &repeated{piece: tc.piece}}
		l := linesOf(t, count)
		var err error
		for err == nil {
			_, err = l.next()
		}
		if !isFailure(err, FailedGarbage) || count.n > tc.most {
			t.Errorf("%s: %v after %d bytes, want garbage after %d at most", tc.name, err, count.n, tc.most)
		}
	}
}

type counted struct {
	r io.Reader
	n int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}
