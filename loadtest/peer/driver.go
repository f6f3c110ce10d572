package peer

import (
	"context"
	"io"
)

// Driver is how one joins rooms of one kind of server.
type Driver interface {
	// Open makes a room for one medium. Everybody of one measurement is in it.
	Open(ctx context.Context, name string, media Media) (Room, error)
}

// Room is a room of a server under test.
type Room interface {
	// Publish brings in participant number n, who sends one stream and receives
	// nothing. It returns when the server takes the stream.
	Publish(ctx context.Context, n int) (*Sender, error)
	// Subscribe brings in participant number n, who receives so many streams,
	// all that are published, and sends nothing. Packets go to ear. It returns
	// when the server has agreed to send; closing ends it.
	Subscribe(ctx context.Context, n, streams int, ear *Ear) (io.Closer, error)
	// Close ends what the room itself holds open. Participants come first.
	Close() error
}

// Media is what is sent.
type Media string

// The media there are.
const (
	Audio Media = "audio" // Opus frames of 80 bytes, one each 20 ms
	Video Media = "video" // VP8, one layer
	Mixed Media = "mixed" // Audio, but the server mixes: everybody receives one stream
)

// closers ends several things in order and keeps the first error.
type closers []io.Closer

// Close implements io.Closer.
func (c closers) Close() error {
	var first error
	for _, one := range c {
		if err := one.Close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// closeFunc is a function as an io.Closer.
type closeFunc func() error

// Close implements io.Closer.
func (f closeFunc) Close() error { return f() }
