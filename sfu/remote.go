package sfu

import (
	"sync"
	"time"

	"earshot"
	"earshot/sfu/forward"

	"github.com/pion/rtcp"
)

// remoteDescriptor is the id under which a Remote gives the dependency
// descriptor to the code that reads header extensions.
const remoteDescriptor = 1

// RemoteConfig describes a publication of another node.
type RemoteConfig struct {
	ID          earshot.TrackID // the same on all nodes
	Participant earshot.ParticipantID
	Source      string // microphone, camera, …
	Encrypted   bool   // end to end
	Layers      int    // encodings of a video, 1 or more
	// KeyFrame asks the node where it is published for a key frame of an
	// encoding; nil for voices. It must not block.
	KeyFrame func(layer int)
}

// Remote is a publication of another node, fed by a link. For listeners it is
// like any other: it competes for slots, can be muted and denied here, has a
// level, layers, and a cache that repairs their loss.
//
// Methods may be called from any goroutine.
type Remote struct {
	publication *Publication

	// mu keeps packets apart.
	mu     sync.Mutex
	packet forward.Packet
	closed bool
}

// NewRemote returns a publication that nothing has come of yet. It ends with
// Close only.
func (s *SFU) NewRemote(cfg RemoteConfig) *Remote {
	p := emptyPublication(s, cfg.Participant, cfg.Source)
	p.id, p.encrypted, p.descriptorID = cfg.ID, cfg.Encrypted, remoteDescriptor
	for codec := range forward.Codecs {
		p.codecs[codec] = codec
	}
	if cfg.Source == SourceCamera || cfg.Source == SourceScreen {
		p.kind = forward.Video
		p.layers = newLayers(remoteRIDs(cfg.Layers))
		for i, l := range p.layers {
			l.ssrc.Store(uint32(i + 1)) // not of any packet: it names the layer in feedback
		}
		p.feedback = func(packets []rtcp.Packet) error {
			for _, packet := range packets {
				if pli, ok := packet.(*rtcp.PictureLossIndication); ok && cfg.KeyFrame != nil {
					cfg.KeyFrame(int(pli.MediaSSRC) - 1)
				}
			}
			return nil
		}
	}
	return &Remote{publication: p}
}

// remoteRIDs names the encodings of a video that has several; listeners never
// see the names.
func remoteRIDs(n int) []string {
	names := []string{"q", "h", "f", "s"}
	if n < 2 {
		return nil
	}
	return names[:min(n, len(names), forward.MaxLayers)]
}

// Publication returns what listeners are given to hear or see.
func (r *Remote) Publication() *Publication { return r.publication }

// Receive forwards one packet from the link to everybody who hears or sees the
// publication here. It is a hot path: nothing here allocates. A packet that does
// not fit the publication is dropped and counted.
func (r *Remote) Receive(in *CopyPacket, now time.Time) {
	p := r.publication
	codec := forward.Codec(in.Codec)
	if codec == forward.NoCodec || codec >= forward.Codecs || codec.Kind() != p.kind || int(in.Layer) >= len(p.layers) {
		p.metrics.dropMalformed.Inc()
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	r.packet = forward.Packet{
		SSRC: in.SSRC, Timestamp: in.Timestamp, Seq: in.Seq, PayloadType: in.Codec, Marker: in.Marker,
		Padding: in.Padding, Layer: in.Layer, Payload: in.Payload,
	}
	starts := true
	switch {
	case p.kind == forward.Video:
		p.locateBy(&r.packet, codec, in.Descriptor)
		starts = r.packet.Place.Begins != 0
		p.keep(&r.packet, starts, now)
	case in.HasLevel:
		p.observe(int(in.Level), in.Voice, now)
	}
	p.send(&r.packet, codec, starts, now)
	r.packet.Payload = nil
}

// SetClock notes what the publisher's sender report said of an encoding: by it
// the timestamps of encodings are laid on each other.
func (r *Remote) SetClock(layer int, ntp uint64, rtp uint32) {
	if layer < 0 || layer >= len(r.publication.layers) {
		return
	}
	l := r.publication.layers[layer]
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clock = forward.SourceClock{NTP: ntp, RTP: rtp}
}

// Refresh asks again for key frames that did not come. Call it now and then.
func (r *Remote) Refresh(now time.Time) { r.publication.dueKeyFrames(now) }

// Close ends the publication: it leaves every slot and tap, and nothing of it is
// sent any more when Close returns. It may be called more than once.
func (r *Remote) Close() {
	r.publication.close() // first: who forwards a packet holds mu
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
}
