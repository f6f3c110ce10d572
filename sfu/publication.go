package sfu

import (
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"earshot"
	"earshot/sfu/egress"
	"earshot/sfu/forward"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
)

// The sources of a publication.
const (
	SourceMicrophone = "microphone"
	SourceCamera     = "camera"
	SourceScreen     = "screen"
	SourceMix        = "mix" // what one listener hears, mixed for them
	SourceBed        = "bed" // a sound of several participants, see NewBed
)

// readSize is the most bytes of an RTP packet that are read, those of pion.
const readSize = 1500

// maxReadErrors is how many packets in a row pion may refuse before the
// publication ends: one that is broken is no reason to.
const maxReadErrors = 100

// videoCache is how many packets of a video are kept to repair loss: two
// seconds of a camera at 2.5 Mbit/s.
const videoCache = 512

// Publication is a microphone, camera or screen. It exists from the join on,
// also before anything was sent and while nothing is.
type Publication struct {
	id          earshot.TrackID
	participant earshot.ParticipantID
	mid         string // of its media line; "" where there is none
	source      string
	encrypted   bool // end to end: nothing here can decode it
	// carried is who else is in a bed; a list is never changed.
	carried atomic.Pointer[[]earshot.ParticipantID]
	kind    forward.Kind
	codecs  [128]forward.Codec // by payload type
	levelID uint8
	// descriptorID is of the dependency descriptor's header extension; 0 is none.
	descriptorID uint8
	assumed      int // dBov of packets without a level; 0 is none
	metrics      *metrics
	log          *slog.Logger
	// feedback sends reports to the publisher; nil where there is nobody to
	// send them to.
	feedback func([]rtcp.Packet) error

	// open is whether packets are forwarded: not muted, or active; turn counts
	// how often that was said.
	open atomic.Bool
	turn atomic.Uint32
	// outlets is a copy of subscribed for the read loop, rebuilt under mu.
	outlets atomic.Pointer[outlets]
	// sender sends to slots in batches; nil where pion sends everything.
	sender *egress.Sender

	// layers are the encodings of the picture, the lowest first; always one
	// at least.
	layers  []*layer
	wish    wish
	voice   uplinkVoice
	arrived *arrivals // of its session and kind; nil where it has no publisher

	mu         sync.Mutex
	subscribed []outlet
	closed     bool
	level      forward.Level
	last       lastLevel
}

// frameHold is how long the packets of a frame wait for its last one, so that
// they leave together.
const frameHold = time.Millisecond

// outlets are where the packets of a publication go.
type outlets struct {
	slots  []*slot
	taps   []*Tap
	copies []*Copy
}

// outlet is one of them.
type outlet interface {
	// interrupt separates what p sent from what it will send. When it returns,
	// no packet that came before is on its way through the outlet any more.
	interrupt(p *Publication)
	// release forgets p, which has ended.
	release(p *Publication)
}

var _ outlet = (*slot)(nil)

func newPublication(s *Session, l *line) *Publication {
	p := emptyPublication(s.sfu, s.participant, l.role.source())
	p.mid = l.mid
	p.log, p.feedback, p.levelID = s.log, s.pc.WriteRTCP, l.extensions[extLevel]
	p.encrypted = s.encrypted
	p.descriptorID = l.extensions[extDescriptor]
	for codec, pt := range l.pts {
		if pt != 0 {
			p.codecs[pt] = forward.Codec(codec)
		}
	}
	p.voice.opus, p.voice.red = l.pts[forward.Opus], l.repairs.red
	if p.voice.red != 0 {
		p.codecs[p.voice.red] = forward.Opus
	}
	if l.role != roleMicrophone {
		p.open.Store(false)
		p.kind = forward.Video
		p.layers = newLayers(l.rids)
	}
	p.arrived = &s.arrived[p.kind]
	p.assume(s.profile)
	return p
}

// emptyPublication returns an open publication of voice without a publisher.
func emptyPublication(s *SFU, participant earshot.ParticipantID, source string) *Publication {
	p := &Publication{
		id: earshot.NewTrackID(), participant: participant, source: source,
		kind: forward.Audio, metrics: s.metrics, log: s.log, layers: []*layer{{}},
	}
	p.sender = s.sender
	p.outlets.Store(&outlets{})
	p.open.Store(true)
	return p
}

// ID returns the publication's track id.
func (p *Publication) ID() earshot.TrackID { return p.id }

// Participant returns who publishes it.
func (p *Publication) Participant() earshot.ParticipantID { return p.participant }

// Source returns microphone, camera, screen or screen_audio.
func (p *Publication) Source() string { return p.source }

// MID returns the media line that it comes by, "" where it comes by none.
func (p *Publication) MID() string { return p.mid }

// Video reports whether it is a picture.
func (p *Publication) Video() bool { return p.kind == forward.Video }

// Encrypted reports whether its frames are encrypted end to end: they are
// forwarded to sessions that said so of themselves, and whoever listens inside
// the server has to leave them alone.
func (p *Publication) Encrypted() bool { return p.encrypted }

// Level returns how loud the publication is, in dBov smoothed over 20 ms of
// rise and 400 ms of fall, and whether its talker is talking. Silence, a mute
// and a missing level extension are -127.
func (p *Publication) Level(now time.Time) (dBov float32, talking bool) {
	if p.kind == forward.Audio && !p.open.Load() {
		return forward.LevelSilent, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.level.At(now)
}

// SetMuted stops or resumes forwarding. When SetMuted(true) returns, nothing
// of the publication is written to anybody.
func (p *Publication) SetMuted(muted bool) { p.setOpen(!muted) }

// SetActive starts or stops forwarding a video, which begins inactive. When
// SetActive(false) returns, nothing of it is written to anybody.
func (p *Publication) SetActive(active bool) { p.setOpen(active) }

// Active reports whether the publication is forwarded: not muted, or active.
func (p *Publication) Active() bool { return p.open.Load() }

func (p *Publication) setOpen(open bool) {
	p.turn.Add(1) // first: who sees it open has to see this
	if p.open.Swap(open) == open {
		return
	}
	now := time.Now()
	p.interrupt()
	if open && p.kind == forward.Video {
		p.wish.note(forward.MaxLayers-1, now) // the first viewers find all of them
		p.wantKeyFrames(now)
	}
}

// interrupt returns when nothing that came before is on its way to anybody.
func (p *Publication) interrupt() {
	to := p.outlets.Load()
	for _, sl := range to.slots {
		sl.interrupt(p)
	}
	for _, t := range to.taps {
		t.interrupt(p)
	}
	for _, c := range to.copies {
		c.interrupt(p)
	}
}

// onTrack reads a publication until its session ends. pion calls it in a
// goroutine of its own.
func (s *Session) onTrack(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	for _, t := range s.pc.GetTransceivers() {
		if p := s.publicationOf(t.Mid()); p != nil && t.Receiver() == receiver {
			index := p.layerOf(track.RID())
			if index < 0 || !p.layers[index].take(track.SSRC()) {
				return
			}
			s.begin(func() { p.readLoop(track, index, s.limits, s.out.lane.stream(uint32(track.SSRC()))) })
			s.begin(func() { p.layers[index].readReports(receiver, track.RID()) })
			return
		}
	}
}

func (p *Publication) readLoop(track *webrtc.TrackRemote, layer int, l *limits, from *laned) {
	r := newReader(p, track, layer, l)
	if !r.step() || from == nil { // which pion may have had a look at before
		for r.step() {
		}
		return
	}
	from.serve(r.step)
}

// receive forwards one packet. It is the hot path: nothing here allocates.
func (p *Publication) receive(packet *forward.Packet, now time.Time) {
	codec := p.codecs[packet.PayloadType&0x7f]
	if codec == forward.NoCodec {
		p.metrics.dropCodec.Inc()
		return
	}
	starts := true
	if p.kind == forward.Video {
		if p.repeated(packet) {
			p.metrics.dropOld.Inc()
			return
		}
		p.locate(packet, codec)
		starts = packet.Place.Begins != 0
		p.keep(packet, starts, now)
	} else if dBov, voice, ok := packet.AudioLevel(p.levelID); ok {
		p.observe(dBov, voice, now)
	} else if p.assumed != 0 && len(packet.Payload) > quietFrame {
		p.observe(p.assumed, true, now)
	}
	if p.voice.red != 0 {
		p.receiveVoice(packet, now)
		return
	}
	p.send(packet, codec, starts, now)
}

// send hands one packet to everything that shows the publication. Taps come
// after the slots' packets have left: a handler may wait for a lock that is held
// by one who waits for those.
func (p *Publication) send(packet *forward.Packet, codec forward.Codec, starts bool, now time.Time) {
	to := p.outlets.Load()
	var burst egress.Burst
	if p.sender != nil {
		burst = p.sender.Burst()
		if p.kind == forward.Video && !packet.Marker {
			burst.Hold(frameHold)
		}
	}
	for _, sl := range to.slots {
		sl.forward(p, packet, codec, starts, now, &burst)
	}
	burst.Send()
	for _, c := range to.copies {
		c.forward(p, packet, codec)
	}
	for _, t := range to.taps {
		t.forward(p, packet, codec, starts, now)
	}
}

// observe takes the level of one packet of voice.
func (p *Publication) observe(dBov int, voice bool, now time.Time) {
	p.mu.Lock()
	p.level.Observe(dBov, voice, now)
	p.last = lastLevel{dBov: dBov, voice: voice, ok: true}
	p.mu.Unlock()
}

// lastLevel is what was observed last, as it came.
type lastLevel struct {
	dBov      int
	voice, ok bool
}

// observed returns it, for another node to observe.
func (p *Publication) observed() (dBov int, voice, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last.dBov, p.last.voice, p.last.ok
}

// subscribe adds an outlet to those that get the packets. It returns false
// where the publication has ended.
func (p *Publication) subscribe(o outlet) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.subscribed = append(p.subscribed, o)
	p.publish()
	return true
}

func (p *Publication) unsubscribe(o outlet) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.subscribed, o); i >= 0 {
		p.subscribed = slices.Delete(p.subscribed, i, i+1)
		p.publish()
	}
}

func (p *Publication) publish() {
	to := &outlets{}
	for _, o := range p.subscribed {
		switch o := o.(type) {
		case *slot:
			to.slots = append(to.slots, o)
		case *Tap:
			to.taps = append(to.taps, o)
		case *Copy:
			to.copies = append(to.copies, o)
		}
	}
	p.outlets.Store(to)
}

// close takes the publication out of everything that shows it.
func (p *Publication) close() {
	p.open.Store(false)
	p.mu.Lock()
	p.closed = true
	outlets := slices.Clone(p.subscribed)
	p.mu.Unlock()
	for _, o := range outlets {
		o.release(p)
	}
}
