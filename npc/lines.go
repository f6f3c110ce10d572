package npc

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"time"
)

// lastBytes is how long an answer that is complete may take to end.
const lastBytes = 20 * time.Millisecond

// lines reads the lines of a streamed reply within the limits of a client, and
// under its watchdog.
type lines struct {
	c     *client
	cause func() error // why the request ended, nil while it has not
	dog   *watchdog
	body  io.ReadCloser
	r     *bufio.Reader
	long  []byte // a line longer than r's buffer
	total int
}

func (c *client) lines(ctx context.Context, dog *watchdog, body io.ReadCloser) *lines {
	return &lines{c: c, cause: func() error { return context.Cause(ctx) }, dog: dog, body: body, r: bufio.NewReaderSize(body, 4096)}
}

// next returns the next line that is not blank, valid until the following
// call. At the end of the body it returns a *Failure of kind FailedCut: every
// protocol here has a mark of its end, after which nobody asks for more.
func (l *lines) next() ([]byte, error) {
	l.dog.wait()
	defer l.dog.relax()
	for {
		line, err := l.line()
		if err != nil {
			return nil, err
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return line, nil
		}
	}
}

func (l *lines) line() ([]byte, error) {
	l.long = l.long[:0]
	for {
		part, err := l.r.ReadSlice('\n')
		if l.total += len(part); l.total > maxAnswerBytes {
			return nil, l.c.failure(FailedGarbage, "an answer of more than %d bytes", maxAnswerBytes)
		}
		switch {
		case err == nil && len(l.long) == 0:
			return part, nil
		case err == nil:
			return append(l.long, part...), nil
		case errors.Is(err, bufio.ErrBufferFull):
			if l.long = append(l.long, part...); len(l.long) > maxLineBytes {
				return nil, l.c.failure(FailedGarbage, "a line of more than %d bytes", maxLineBytes)
			}
		case errors.Is(err, io.EOF) && len(l.long)+len(part) > 0:
			// The last line may lack its end; the next call reports the cut.
			return append(l.long, part...), nil
		default:
			return nil, l.c.broken(l.cause(), err, FailedCut)
		}
	}
}

// finish reads to the end of the body so that the connection can be used
// again, where that takes no waiting worth the name, and lets go of it.
func (l *lines) finish() {
	l.dog.idle.Reset(lastBytes)
	io.CopyN(io.Discard, l.r, 1024)
	l.close()
}

// close closes the connection at once unless the body was read to its end.
func (l *lines) close() {
	l.dog.stop()
	l.body.Close()
}
