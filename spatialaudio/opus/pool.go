package opus

import (
	"fmt"
	"sync"
	"sync/atomic"

	"earshot"
)

// Frames.
const (
	Rate         = 48000 // samples a second and channel of everything encoded
	FrameSamples = 960   // samples a channel in a frame of 20 ms
	MaxPacket    = 1275  // bytes of a packet that is encoded here: RFC 6716, section 3.2.1
)

// Limits of what is decoded.
const (
	MaxReceived = 1500 // bytes: more does not fit a datagram of WebRTC
	maxDuration = 120  // ms in a packet: RFC 6716, section 3.2.5
)

// Pool makes encoders and decoders, and keeps the memory of decoders that were
// closed for the next. An encoder is always new: after gopus's Reset one still
// goes on with a trace of what it encoded before, and a new one costs less than
// a frame. The zero Pool is ready for use.
//
// MaxEncoders and MaxDecoders limit how many may be in use at a time, and so
// the memory; 0 is no limit. They are set before the first use.
type Pool struct {
	MaxEncoders, MaxDecoders int

	codec                      codec                    // nil is native()
	kept                       [2][len(rates)]sync.Pool // by channels - 1 and rate: decoding
	openEncoders, openDecoders atomic.Int64
	recovered                  atomic.Uint64
}

// InUse returns how many encoders and decoders were taken and not closed.
func (p *Pool) InUse() (encoders, decoders int) {
	return int(p.openEncoders.Load()), int(p.openDecoders.Load())
}

// takeOne counts one more in use, if limit allows.
func (p *Pool) takeOne(used *atomic.Int64, limit int, what string) error {
	if n := used.Add(1); limit > 0 && n > int64(limit) {
		used.Add(-1)
		return earshot.Errorf(earshot.CodeResourceExhausted, "all %d Opus %s are in use: close one, or raise the limit", limit, what)
	}
	return nil
}

func (p *Pool) implementation() codec {
	if p.codec != nil {
		return p.codec
	}
	return native()
}

// Recovered returns how many calls of the implementation panicked and were
// turned into errors. Anything but 0 is worth a report, with the packet.
func (p *Pool) Recovered() uint64 { return p.recovered.Load() }

// guard turns a panic of the implementation into an error.
func (p *Pool) guard(err *error) {
	if r := recover(); r != nil {
		p.recovered.Add(1)
		*err = earshot.Errorf(earshot.CodeInternal, "the Opus codec panicked and was started afresh: %.100s", fmt.Sprint(r))
	}
}

// errClosed is what a codec returns after Close.
func errClosed(what string) error {
	return earshot.Errorf(earshot.CodeFailedPrecondition, "this Opus %s was closed: take another from the pool", what)
}

// errChannels refuses a number of channels.
func errChannels(n int) error {
	return earshot.Errorf(earshot.CodeInvalidArgument, "channels: %d is neither 1 nor 2", n)
}

// errPacket says what is wrong with a packet from outside.
func errPacket(err error) error {
	return earshot.Errorf(earshot.CodeInvalidArgument, "not a valid Opus packet: %v", err)
}
