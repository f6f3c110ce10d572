package format

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
)

// Unfinished is a file of a VideoWriter that was never closed, open for
// reading and writing.
type Unfinished interface {
	io.ReadWriteSeeker
	Truncate(size int64) error
}

var errNotOurs = errors.New("format: not a file that a VideoWriter left")

// FinishVideo does what VideoWriter.Close would have done: it cuts off what is
// not whole, and makes the file quick to seek in. It returns the time of the
// last frame in milliseconds. A file that is finished is left as it is.
func FinishVideo(f Unfinished) (ms int64, err error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	s := scanner{from: &counted{r: f}, v: &VideoWriter{w: f, last: -1}}
	s.r.r = bufio.NewReader(s.from)
	finished, err := s.scan()
	if err != nil || finished {
		return max(0, s.v.last), err
	}
	if err := f.Truncate(s.v.at); err != nil {
		return 0, err
	}
	if _, err := f.Seek(s.v.at, io.SeekStart); err != nil {
		return 0, err
	}
	return max(0, s.v.last), s.v.Close()
}

// scanner finds out again what a VideoWriter knew.
type scanner struct {
	from *counted
	r    VideoReader
	v    *VideoWriter
}

// counted counts what is read.
type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

// at is where in the file the scanner is.
func (s *scanner) at() int64 { return s.from.n - int64(s.r.r.Buffered()) }

// scan reads from the front and reports whether the file is finished. What is
// whole ends at v.at.
func (s *scanner) scan() (finished bool, err error) {
	if err := s.headers(); err != nil {
		return false, err
	}
	for {
		id, body, err := s.element()
		if err != nil { // the end, or what is not whole
			return finished, nil
		}
		switch id {
		case idCluster:
			s.cluster(body)
		case idCues, idVoid: // the index, or its place where no frame is a key frame
			finished = true
		default:
			return finished, errNotOurs
		}
		s.v.at = s.at()
	}
}

// headers reads as far as the first cluster.
func (s *scanner) headers() error {
	id, _, err := s.element()
	if err != nil || id != idEBML {
		return errNotOurs
	}
	if id, err := s.r.number(4, true); err != nil || id != idSegment {
		return errNotOurs
	}
	before := s.at()
	if _, err := s.r.number(8, false); err != nil || s.at() != before+8 {
		return errNotOurs
	}
	s.v.at = s.at()
	s.v.segment, s.v.seek = s.v.at, s.v.at
	for s.v.tracks == 0 {
		id, body, err := s.element()
		if err != nil {
			return errNotOurs
		}
		switch id {
		case idVoid, idSeekHead:
		case idInfo:
			s.v.info = s.v.at
			if n := len(body); n < 11 || binary.BigEndian.Uint16(body[n-11:]) != idDuration {
				return errNotOurs
			}
			s.v.length = s.at() - 8 // the last of it
		case idTracks:
			s.v.tracks = s.v.at
		default:
			return errNotOurs
		}
		s.v.at = s.at()
	}
	if s.v.info < s.v.seek+seekHeadSize {
		return errNotOurs
	}
	return nil
}

// element reads a whole element.
func (s *scanner) element() (id uint32, body []byte, err error) {
	id, n, err := s.r.element()
	if err != nil {
		return 0, nil, err
	}
	if n > clusterBytes+maxFrame {
		return 0, nil, errNotOurs
	}
	body = make([]byte, n)
	_, err = io.ReadFull(s.r.r, body)
	return id, body, err
}

// cluster notes what a cluster has.
func (s *scanner) cluster(body []byte) {
	start, first := int64(0), true
	walk(body, func(id uint32, b []byte) {
		switch {
		case id == idTimestamp:
			start = int64(uintOf(b))
		case id == idSimpleBlock && len(b) > 4:
			if key := b[3]&0x80 != 0; first && key && len(s.v.cues) < maxCues {
				s.v.cues = append(s.v.cues, cue{start, s.v.at - s.v.segment})
			}
			first = false
			s.v.last = max(s.v.last, start+int64(binary.BigEndian.Uint16(b[1:])))
		}
	})
}
