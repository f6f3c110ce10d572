package loadtest

import (
	"math"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"

	"earshot/loadtest/model"
)

// maxLate is how far behind a bot may catch up with its voice. What is older
// is left out, as a sound card does that overruns.
const maxLate = 200 * time.Millisecond

// voice is a bot's microphone: it turns what its Talker says into RTP.
type voice struct {
	cfg    *Config
	speak  func(p *rtp.Packet, level byte) error
	talker model.Talking
	sent   atomic.Uint64

	packet rtp.Packet
	played []Played // scratch
	tick   uint32
	into   uint16
	base   uint32 // time stamp of tick 0
}

func newVoice(cfg *Config, speak func(p *rtp.Packet, level byte) error) *voice {
	rng := rand.New(rand.NewPCG(cfg.Seed, uint64(cfg.Number)))
	v := &voice{cfg: cfg, speak: speak, base: rng.Uint32(), talker: cfg.Talker}
	if v.talker == nil {
		v.talker = NewTalker(cfg.Talk, cfg.Seed^uint64(cfg.Number)<<32)
	}
	v.packet.Version = 2
	v.packet.SequenceNumber = uint16(rng.Uint32())
	return v
}

// frame speaks the frame that was due at due.
func (v *voice) frame(due, now time.Time) {
	if v.cfg.Player != nil {
		v.play(due)
		return
	}
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
	level := said.Level
	if said.Voice {
		level |= 0x80
	}
	if said.Noise {
		p.Payload = append(p.Payload[:0], tocMono20)
		_ = v.speak(p, level) // closed: the run is about to end
		return
	}
	f := Frame{
		Bot: v.cfg.Number, Tick: tick, Sent: uint32(v.sent.Load()),
		Into: v.into, At: now, Late: late,
	}
	if v.cfg.Sound != nil {
		p.Payload = appendSound(p.Payload[:0], f, v.cfg.Sound)
	} else {
		p.Payload = AppendFrame(p.Payload[:0], f, DefaultFrameBytes)
	}
	if v.speak(p, level) == nil {
		v.sent.Add(1)
	}
}
