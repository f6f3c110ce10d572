package npc

import "io"

// streamed is an answer that comes line by line, whatever the lines look like.
type streamed struct {
	*lines
	model   string // that was asked for, by the server's own name
	anyName bool
	usage   Usage
	ended   bool // all is said

	// event reads one line. It may carry no text, such as while a model
	// thinks.
	event func() (string, error)
}

// Next implements answer.
func (s *streamed) Next() (string, error) {
	for !s.ended {
		text, err := s.event()
		if err != nil {
			s.close()
			return "", err
		}
		if text != "" {
			return text, nil
		}
	}
	return "", io.EOF
}

// Usage implements answer.
func (s *streamed) Usage() Usage { return s.usage }

// Close implements answer.
func (s *streamed) Close() { s.close() }
