package sfu

import (
	"sync"
	"sync/atomic"
	"time"

	"earshot/sfu/forward"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
)

// layer is one encoding of a publication of video: all of it, spatial layers
// included, or one of the simulcast layers.
type layer struct {
	rid  string        // "" where it is the only one
	ssrc atomic.Uint32 // 0 before the first packet
	read atomic.Bool   // somebody reads it

	layout forward.Layout // used by the one who reads it

	// mu guards what follows. It is taken with a slot's mutex held, and never
	// held across a call.
	mu        sync.Mutex
	cache     forward.Cache
	keyFrames forward.KeyFrames
	meter     forward.LayerMeter
	clock     forward.SourceClock
	heights   [forward.MaxLayers]int // of its spatial layers in pixels; 0 where unknown
}

// newLayers returns the layers with these names, or the one that has none.
func newLayers(rids []string) []*layer {
	if len(rids) == 0 {
		rids = []string{""}
	}
	layers := make([]*layer, len(rids))
	for i, rid := range rids {
		layers[i] = &layer{rid: rid, cache: forward.NewCache(videoCache)}
	}
	return layers
}

// layerOf returns the index of the layer with a name, or -1.
func (p *Publication) layerOf(rid string) int {
	for i, l := range p.layers {
		if l.rid == rid {
			return i
		}
	}
	return -1
}

// take notes what the layer is sent as and reports whether nobody reads it
// yet. A client may give one name to many SSRCs one after the other; pion then
// reads the newest in the same track, which has its reader already.
func (l *layer) take(ssrc webrtc.SSRC) bool {
	l.ssrc.Store(uint32(ssrc))
	return l.read.CompareAndSwap(false, true)
}

// readReports reads a publisher's reports, so that pion's interceptors see
// them and the clocks of the layers are known.
func (l *layer) readReports(receiver *webrtc.RTPReceiver, rid string) {
	b := make([]byte, readSize)
	for {
		var n int
		var err error
		if rid == "" {
			n, _, err = receiver.Read(b)
		} else {
			n, _, err = receiver.ReadSimulcast(b, rid)
		}
		if err != nil {
			return
		}
		if rid == "" {
			continue // nothing to lay it on
		}
		packets, err := rtcp.Unmarshal(b[:n])
		if err != nil {
			continue
		}
		for _, p := range packets {
			if sr, ok := p.(*rtcp.SenderReport); ok && sr.SSRC == l.ssrc.Load() {
				l.mu.Lock()
				l.clock = forward.SourceClock{NTP: sr.NTPTime, RTP: sr.RTPTime}
				l.mu.Unlock()
			}
		}
	}
}

// locate finds where a packet stands among the layers of the publication. It
// is called by the one who reads the packet's encoding.
func (p *Publication) locate(packet *forward.Packet, codec forward.Codec) {
	p.locateBy(packet, codec, packet.Extension(p.descriptorID))
}

// locateBy is locate with the dependency descriptor, which may be empty.
func (p *Publication) locateBy(packet *forward.Packet, codec forward.Codec, descriptor []byte) {
	l := p.layers[packet.Layer]
	if len(p.layers) > 1 {
		l.layout.LocateEncoding(codec, packet, descriptor)
		return
	}
	l.layout.Locate(codec, packet, descriptor)
}

// repeated reports whether a packet of video came before. A browser that tries
// whether its uplink carries more sends anew what it sent, key frames of seconds
// ago too, on its streams of repairs: no picture may begin with one.
func (p *Publication) repeated(packet *forward.Packet) bool {
	l := p.layers[packet.Layer]
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cache.Has(packet)
}

// keep caches a packet of video and asks for the key frames that listeners wait for.
func (p *Publication) keep(packet *forward.Packet, keyFrame bool, now time.Time) {
	l := p.layers[packet.Layer]
	l.mu.Lock()
	l.cache.Put(packet)
	l.meter.Observe(len(packet.Payload)+int(packet.Padding), &packet.Place, now)
	if keyFrame {
		l.keyFrames.Arrived()
		for i := range l.heights {
			l.heights[i] = l.layout.Height(i)
		}
	}
	due := l.keyFrames.Due(now)
	l.mu.Unlock()
	if due {
		p.requestKeyFrame(l)
	}
}

// get copies a packet out of the cache.
func (l *layer) get(ssrc uint32, seq uint16, buffer []byte, packet *forward.Packet) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cache.Get(ssrc, seq, buffer, packet)
}

// shift returns what lays the timestamps of layer to on those of layer from.
func (p *Publication) shift(from, to int) (by uint32, ok bool) {
	if from < 0 || to < 0 {
		return 0, false
	}
	return p.layers[to].clockNow().Shift(p.layers[from].clockNow())
}

func (l *layer) clockNow() forward.SourceClock {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.clock
}

// wantKeyFrame asks the publisher for a key frame of an encoding, unless it was
// just asked.
func (p *Publication) wantKeyFrame(layer int, now time.Time) {
	if layer < 0 || layer >= len(p.layers) {
		return
	}
	l := p.layers[layer]
	l.mu.Lock()
	due := l.keyFrames.Want(now)
	l.mu.Unlock()
	if due {
		p.requestKeyFrame(l)
	}
}

// wantKeyFrames asks for a key frame of every encoding.
func (p *Publication) wantKeyFrames(now time.Time) {
	for i := range p.layers {
		p.wantKeyFrame(i, now)
	}
}

// dueKeyFrames asks again for key frames that did not come.
func (p *Publication) dueKeyFrames(now time.Time) {
	if !p.open.Load() {
		return
	}
	for _, l := range p.layers {
		l.mu.Lock()
		due := l.keyFrames.Due(now)
		l.mu.Unlock()
		if due {
			p.requestKeyFrame(l)
		}
	}
}

func (p *Publication) requestKeyFrame(l *layer) {
	ssrc := l.ssrc.Load()
	if ssrc == 0 || p.feedback == nil {
		return
	}
	p.metrics.keyFrames.Inc()
	request := []rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: ssrc}}
	if err := p.feedback(request); err != nil {
		p.log.Debug("key frame request", "error", err)
	}
}
