package sfu

import (
	"sync"
	"sync/atomic"
	"time"

	"earshot/sfu/forward"
)

// CopySink is where the packets of a Copy go: to a link to another node.
type CopySink interface {
	// Take gets a packet on the goroutine that reads the publication, never two
	// at once. It must not block, nor call a method of the Copy.
	Take(packet *CopyPacket)
	// Recall strikes out what was taken and has not left: when it returns, none
	// of it leaves any more, repairs included. It is called without a lock of
	// the publication, and must not call a method of the Copy.
	Recall()
}

// CopyPacket is one packet of a publication as another node needs it.
type CopyPacket struct {
	Codec     uint8 // of sfu/forward
	Layer     uint8 // encoding of a video
	Marker    bool
	HasLevel  bool
	Voice     bool // the voice activity bit of RFC 6464
	Level     int8 // dBov
	Padding   uint8
	Seq       uint16
	Timestamp uint32
	SSRC      uint32

	Descriptor []byte // AV1's dependency descriptor, or empty
	Payload    []byte // both are good during the call
}

// Copy is the one copy of a publication that goes to another node, for all who
// listen there. Like a slot it obeys SetMuted and SetActive of the publication,
// and Hold: what is denied to everybody there does not leave. Encrypted
// publications are copied too; a Remote keeps them from whom cannot decrypt.
//
// Methods may be called from any goroutine, but not from the sink's.
type Copy struct {
	publication *Publication
	sink        CopySink
	packets     atomic.Uint64

	// mu guards what follows, and is held across Take. It is taken before a
	// Publication's.
	mu     sync.Mutex
	packet CopyPacket // scratch
	top    int        // the highest encoding that is wanted
	held   int
	closed bool
}

var _ outlet = (*Copy)(nil)

// NewCopy begins to copy a publication into sink, encodings up to top of it,
// after so many calls of Release as held says. It returns nil where the
// publication has ended.
func NewCopy(p *Publication, top int, sink CopySink, held int) *Copy {
	c := &Copy{publication: p, sink: sink, top: top, held: held}
	if !p.subscribe(c) {
		return nil
	}
	if p.kind == forward.Video {
		p.wantKeyFrames(time.Now())
	}
	return c
}

// Publication returns what is copied.
func (c *Copy) Publication() *Publication { return c.publication }

// Packets returns how many packets were copied.
func (c *Copy) Packets() uint64 { return c.packets.Load() }

// SetTop changes which encoding of a video is the highest that is copied. A
// higher one than before begins with a key frame.
func (c *Copy) SetTop(top int) {
	c.mu.Lock()
	before := c.top
	c.top = top
	c.mu.Unlock()
	for layer := before + 1; layer <= top; layer++ {
		c.publication.wantKeyFrame(layer, time.Now())
	}
}

// Hold stops the copy until Release, as often as it is called. When it returns,
// nothing is taken any more and what was has been recalled: an order about
// whoever publishes is on its way to the other node, and until it holds there
// nothing may pass.
func (c *Copy) Hold() {
	c.mu.Lock()
	c.held++
	c.mu.Unlock()
	c.sink.Recall()
}

// Release ends a Hold.
func (c *Copy) Release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held--
}

// WantKeyFrame asks for a key frame of an encoding. Many wishes become few
// requests.
func (c *Copy) WantKeyFrame(layer int) {
	if c.publication.open.Load() {
		c.publication.wantKeyFrame(layer, time.Now())
	}
}

// Refresh says that the video is still wanted; call it about once a second.
func (c *Copy) Refresh(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.publication.kind == forward.Video && c.held == 0 {
		for layer := 0; layer <= c.top; layer++ {
			c.publication.wish.note(layer, now)
		}
	}
}

// Clock returns what the publisher's last sender report said of an encoding, as
// RFC 3550, section 6.4.1, has it; false where there was none.
func (c *Copy) Clock(layer int) (ntp uint64, rtp uint32, ok bool) {
	if layer < 0 || layer >= len(c.publication.layers) {
		return 0, 0, false
	}
	clock := c.publication.layers[layer].clockNow()
	return clock.NTP, clock.RTP, clock != forward.SourceClock{}
}

// Close ends the copy. When it returns, nothing is taken any more and what was
// has been recalled. It may be called more than once.
func (c *Copy) Close() {
	c.end()
	c.publication.unsubscribe(c)
	c.sink.Recall()
}

func (c *Copy) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
}

// forward hands a packet to the sink. It is on the hot path: nothing allocates.
func (c *Copy) forward(p *Publication, packet *forward.Packet, codec forward.Codec) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.held > 0 || !p.open.Load() || int(packet.Layer) > c.top {
		return
	}
	c.packet = CopyPacket{
		Codec: uint8(codec), Layer: packet.Layer, Marker: packet.Marker, Padding: packet.Padding,
		Seq: packet.Seq, Timestamp: packet.Timestamp, SSRC: packet.SSRC,
		Descriptor: packet.Dependency.Raw, Payload: packet.Payload,
	}
	if p.kind == forward.Audio {
		level, voice, ok := p.observed()
		c.packet.Level, c.packet.Voice, c.packet.HasLevel = int8(level), voice, ok
	}
	c.packets.Add(1)
	c.sink.Take(&c.packet)
	c.packet.Descriptor, c.packet.Payload = nil, nil
}

// interrupt implements outlet: nothing from before leaves any more.
func (c *Copy) interrupt(*Publication) {
	c.mu.Lock()
	c.mu.Unlock() //nolint:staticcheck // waits for a packet that is being taken
	c.sink.Recall()
}

// release implements outlet: the publication has ended.
func (c *Copy) release(*Publication) { c.Close() }
