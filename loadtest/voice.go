package loadtest

import (
	"context"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// maxLate is how far behind a bot may catch up with its voice. What is older
// is left out, as a sound card does that overruns.
const maxLate = 200 * time.Millisecond

// voice is a bot's microphone: it turns what its Talker says into RTP.
type voice struct {
	cfg    *Config
	track  *webrtc.TrackLocalStaticRTP
	sender *webrtc.RTPSender
	talker *Talker
	sent   atomic.Uint64

	packet rtp.Packet
	level  uint8 // id of the header extension; 0 while not known
	tick   uint32
	into   uint16
	base   uint32 // time stamp of tick 0
}

func newVoice(pc *webrtc.PeerConnection, cfg *Config) (*voice, error) {
	track, err := webrtc.NewTrackLocalStaticRTP(
		webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}, "microphone", "bot")
	if err != nil {
		return nil, err
	}
	tr, err := pc.AddTransceiverFromTrack(track,
		webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(cfg.Seed, uint64(cfg.Number)))
	v := &voice{
		cfg: cfg, track: track, sender: tr.Sender(), base: rng.Uint32(),
		talker: NewTalker(cfg.Talk, cfg.Seed^uint64(cfg.Number)<<32),
	}
	v.packet.Version = 2
	v.packet.SequenceNumber = uint16(rng.Uint32())
	return v, nil
}

// run sends a frame every 20 ms until ctx ends.
func (v *voice) run(ctx context.Context) {
	for _, e := range v.sender.GetParameters().HeaderExtensions {
		if e.URI == levelURI {
			v.level = uint8(e.ID)
		}
	}
	// Bots that joined together must not all send in the same millisecond.
	due := v.cfg.Now().Add(time.Duration(v.cfg.Number%20) * time.Millisecond)
	timer := time.NewTimer(due.Sub(v.cfg.Now()))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		now := v.cfg.Now()
		for ; !due.After(now); due = due.Add(FrameDuration) {
			v.frame(due, now)
		}
		timer.Reset(due.Sub(v.cfg.Now()))
	}
}

// frame speaks the frame that was due at due.
func (v *voice) frame(due, now time.Time) {
	said := v.talker.Next()
	tick := v.tick
	v.tick++
	if !said.Voice {
		v.into = 0
	} else if v.into < math.MaxUint16 {
		v.into++
	}
	late := now.Sub(due)
	if !said.Send || late > maxLate {
		return
	}
	p := &v.packet
	p.SequenceNumber++
	p.Timestamp = v.base + tick*SamplesPerFrame
	p.Marker = said.Start
	if v.level != 0 {
		level := said.Level
		if said.Voice {
			level |= 0x80
		}
		p.SetExtension(v.level, []byte{level}) // one byte under an id below 15 always fits
	}
	if said.Noise {
		p.Payload = append(p.Payload[:0], tocMono20)
		_ = v.track.WriteRTP(p) // closed: the run is about to end
		return
	}
	p.Payload = AppendFrame(p.Payload[:0], Frame{
		Bot: v.cfg.Number, Tick: tick, Sent: uint32(v.sent.Load()),
		Into: v.into, At: now, Late: late,
	}, DefaultFrameBytes)
	if v.track.WriteRTP(p) == nil {
		v.sent.Add(1)
	}
}

// drain reads the RTCP of the microphone until it is closed, so that the
// interceptors see it.
func (v *voice) drain() {
	buf := make([]byte, 1500)
	for {
		if _, _, err := v.sender.Read(buf); err != nil {
			return
		}
	}
}
