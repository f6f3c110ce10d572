package journal

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"

	"earshot"
)

// Sum is a SHA-256 sum.
type Sum [sha256.Size]byte

// MarshalText implements encoding.TextMarshaler: 64 hexadecimal digits.
func (s Sum) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, s[:]), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Sum) UnmarshalText(text []byte) error {
	if len(text) != 2*len(s) {
		return earshot.Errorf(earshot.CodeInvalidArgument, "a sum has %d hexadecimal digits", 2*len(s))
	}
	if _, err := hex.Decode(s[:], text); err != nil {
		return earshot.Errorf(earshot.CodeInvalidArgument, "a sum has hexadecimal digits: %v", err)
	}
	return nil
}

// Head is the newest line. Kept elsewhere, it shows whether a journal was cut
// or replaced: see Journal.Verify.
type Head struct {
	N   uint64 `json:"n"` // lines from 1; 0: none yet
	Sum Sum    `json:"sum"`
}

// next returns the head after a line with this body.
func (h Head) next(body []byte) Head {
	d := sha256.New()
	d.Write(h.Sum[:])
	d.Write(body)
	n := Head{N: h.N + 1}
	d.Sum(n.Sum[:0])
	return n
}

const sumDigits = 2 * sha256.Size

// appendLine appends a line as it is stored: sum, space, body, line feed.
func (h Head) appendLine(dst, body []byte) ([]byte, Head) {
	n := h.next(body)
	dst = hex.AppendEncode(dst, n.Sum[:])
	dst = append(dst, ' ')
	dst = append(dst, body...)
	return append(dst, '\n'), n
}

// check returns the body of a stored line, without its line feed, if it
// follows on h.
func (h Head) check(raw []byte) (body []byte, n Head, ok bool) {
	if len(raw) <= sumDigits || raw[sumDigits] != ' ' {
		return nil, h, false
	}
	body = raw[sumDigits+1:]
	n = h.next(body)
	var want [sumDigits]byte
	hex.Encode(want[:], n.Sum[:])
	return body, n, bytes.Equal(want[:], raw[:sumDigits])
}

// end says how a file ends.
type end struct {
	good int64 // offset after the last line that is right
	// torn is how many bytes after that are what a crash leaves of a line.
	torn int64
	// unended says that the last line is right but for its line feed.
	unended bool
	head    Head
}

// readLines reads the lines of a file, whose first is at offset off, and calls
// do with each. Whatever is neither right nor torn is an error with its offset:
// a line is written in one piece, and its bytes hold neither a line feed nor a
// zero. What a crash leaves of the last is thus a piece without an end, or one
// with zeros where blocks did not reach the disk.
func readLines(r *bufio.Reader, name string, off int64, head Head, do func(off int64, raw, body []byte, head Head) error) (end, error) {
	e := end{good: off, head: head}
	var buf []byte
	for {
		raw, err := readLine(r, buf[:0])
		buf = raw
		if err != nil && err != io.EOF {
			return e, readError(err, name, e.good)
		}
		ended := err == nil
		if n := len(raw) - 1; !ended && n >= 0 && raw[n] == 0 {
			if _, _, whole := e.head.check(raw[:n]); whole { // the line feed alone did not reach the disk
				raw = raw[:n]
			}
		}
		if !ended && len(raw) == 0 {
			return e, nil
		}
		if body, next, ok := e.head.check(raw); ok {
			if err := do(e.good, raw, body, next); err != nil {
				return e, err
			}
			e.good, e.head, e.unended = e.good+int64(len(raw)), next, !ended
			if !ended {
				return e, nil
			}
			e.good++
			continue
		}
		if !isTorn(r, e.head, raw, ended) {
			return e, earshot.Errorf(earshot.CodeFailedPrecondition, "journal: %s is broken at offset %d, in line %d: what is there was changed, or the disk failed. Move the folder away and put back a backup, or begin a new one", name, e.good, e.head.N+1)
		}
		e.torn = int64(len(raw))
		if ended {
			e.torn++
		}
		return e, nil
	}
}

func isTorn(r *bufio.Reader, head Head, raw []byte, ended bool) bool {
	if !ended {
		_, _, ok := head.check(raw[:len(raw)-1]) // only its end was changed
		return !ok
	}
	_, err := r.Peek(1)
	return err == io.EOF && bytes.IndexByte(raw, 0) >= 0
}

// readLine appends a line without its line feed; io.EOF says that there was
// none.
func readLine(r *bufio.Reader, dst []byte) ([]byte, error) {
	for {
		piece, err := r.ReadSlice('\n')
		dst = append(dst, piece...)
		switch {
		case err == nil:
			return dst[:len(dst)-1], nil
		case err != bufio.ErrBufferFull:
			return dst, err
		case len(dst) > maxLine+sumDigits+2:
			return dst, errTooLong
		}
	}
}

var errTooShort = earshot.Errorf(earshot.CodeFailedPrecondition, "a line is shorter than its sum")

var errTooLong = earshot.Errorf(earshot.CodeFailedPrecondition, "a line is longer than %d bytes", maxLine)

func readError(err error, name string, off int64) error {
	return earshot.Errorf(earshot.CodeFailedPrecondition, "journal: %s cannot be read at offset %d: %v", name, off, err)
}
