package journal

import (
	"slices"
	"sync"

	"earshot"
)

// place is where a line is.
type place struct {
	file int64 // number of the file; of the line in memory
	off  int64
	size int // without the line feed
}

// medium keeps stored lines. One goroutine appends at a time; any may read.
type medium interface {
	// append writes a line and returns when it is durable. After an error the
	// line is not there; unless broken says so, the medium goes on.
	append(line []byte, before Head) (place, error)
	// read returns a line without its line feed.
	read(at place) ([]byte, error)
	// walk calls do with all lines that are there now, oldest first, and
	// returns the head. It checks every sum.
	walk(do func(at place, body []byte, head Head) error) (Head, error)
	// broken is the error after which nothing more may be written.
	broken() error
	close() error
}

// memory keeps the newest lines up to a number of bytes.
type memory struct {
	mu    sync.RWMutex
	lines [][]byte
	first int64 // number of lines[0]
	start Head  // before lines[0]
	bytes int
	max   int
}

var _ medium = (*memory)(nil)

func (m *memory) append(stored []byte, _ Head) (place, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := place{file: m.first + int64(len(m.lines)), size: len(stored) - 1}
	m.lines = append(m.lines, append([]byte(nil), stored[:len(stored)-1]...))
	m.bytes += len(stored)
	for m.bytes > m.max && len(m.lines) > 1 {
		_, m.start, _ = m.start.check(m.lines[0])
		m.bytes -= len(m.lines[0]) + 1
		m.lines[0] = nil
		m.lines = m.lines[1:]
		m.first++
	}
	return at, nil
}

func (m *memory) read(at place) ([]byte, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if at.file < m.first || at.file-m.first >= int64(len(m.lines)) {
		return nil, earshot.Errorf(earshot.CodeNotFound, "journal: that is no longer kept in memory: give the journal a folder to keep more")
	}
	return m.lines[at.file-m.first], nil
}

func (m *memory) walk(do func(at place, body []byte, head Head) error) (Head, error) {
	m.mu.RLock()
	lines, first, head := slices.Clone(m.lines), m.first, m.start // append lets the oldest go in place
	m.mu.RUnlock()
	for i, raw := range lines {
		body, next, ok := head.check(raw)
		if !ok {
			return head, earshot.Errorf(earshot.CodeInternal, "journal: line %d in memory is broken", head.N+1)
		}
		head = next
		if err := do(place{file: first + int64(i), size: len(raw)}, body, head); err != nil {
			return head, err
		}
	}
	return head, nil
}

func (m *memory) broken() error { return nil }
func (m *memory) close() error  { return nil }
