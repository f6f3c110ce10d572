package voice

import (
	"cmp"
	"slices"
	"time"
)

// What of an utterance is kept.
const (
	ClipRate   = 16000            // samples a second: what transcription works with
	MaxClip    = 30 * time.Second // of sound
	maxPackets = 3000             // of an utterance: 10 ms each, for MaxClip
	maxJump    = 1500             // numbers by which packets of an utterance may differ from the first
	maxPause   = time.Second      // silence that is not sent, in the clip
	concealFor = 60 * time.Millisecond
)

// ticks converts the time of packets, 48 kHz, to samples of a clip.
const ticks = Rate / ClipRate

// Clip is an utterance as samples.
type Clip struct {
	PCM    []int16 // one channel at ClipRate
	Lost   int     // packets that did not come
	Broken int     // packets that are no Opus
}

// Duration returns how long the clip is.
func (c *Clip) Duration() time.Duration {
	return time.Duration(len(c.PCM)) * time.Second / ClipRate
}

// WAV returns the clip as a WAV file.
func (c *Clip) WAV() []byte { return WAV(c.PCM, ClipRate) }

// Assemble decodes the packets of one talker's utterance, in any order and with
// some of them lost or doubled. Loss of up to 60 ms is concealed, longer loss
// and pauses that were not sent (discontinuous transmission) are silence, of at
// most a second each. The clip ends after MaxClip. The only errors are those of
// making a decoder.
func Assemble(packets []Packet, codecs Codecs) (*Clip, error) {
	dec, err := codecs.Decoder(ClipRate)
	if err != nil {
		return nil, err
	}
	defer dec.Close()
	a := assembly{dec: dec, clip: &Clip{}}
	for _, p := range inOrder(packets) {
		if a.clip.Duration() >= MaxClip {
			break
		}
		a.add(p)
	}
	a.clip.PCM = a.clip.PCM[:min(len(a.clip.PCM), int(MaxClip/time.Second)*ClipRate)]
	return a.clip, nil
}

// numbered is a packet with its number and time counted from the first.
type numbered struct {
	Packet
	seq  int
	time int // at 48 kHz
}

// inOrder returns packets by their numbers, each once. Those far from the first
// are of another utterance.
func inOrder(packets []Packet) []numbered {
	packets = packets[:min(len(packets), maxPackets)]
	all := make([]numbered, 0, len(packets))
	for _, p := range packets {
		n := numbered{p, int(int16(p.Seq - packets[0].Seq)), int(int32(p.Timestamp - packets[0].Timestamp))}
		if len(p.Opus) > 0 && n.seq > -maxJump && n.seq < 2*maxJump {
			all = append(all, n)
		}
	}
	slices.SortStableFunc(all, func(a, b numbered) int { return cmp.Compare(a.seq, b.seq) })
	return slices.CompactFunc(all, func(a, b numbered) bool { return a.seq == b.seq })
}

// assembly puts packets one after the other.
type assembly struct {
	dec  Decoder
	clip *Clip
	pcm  [ClipRate / 1000 * 120]float32 // a packet has at most 120 ms

	last  numbered
	begun bool
	size  int // samples of the last packet
}

func (a *assembly) add(p numbered) {
	if a.begun {
		a.bridge(p)
	}
	a.begun = true
	n, err := a.dec.Decode(p.Opus, a.pcm[:])
	if err != nil {
		a.clip.Broken++
		n = a.conceal(a.size)
	}
	a.clip.PCM = toInt16(a.clip.PCM, a.pcm[:n])
	a.last, a.size = p, n
}

// bridge fills the time between the last packet and p.
func (a *assembly) bridge(p numbered) {
	gap := (p.time-a.last.time)/ticks - a.size
	lost := p.seq - a.last.seq - 1
	a.clip.Lost += lost
	if gap <= 0 {
		return
	}
	gap = min(gap, int(maxPause.Seconds()*ClipRate))
	if lost > 0 {
		gap -= a.repair(gap, lost, p)
	}
	a.clip.PCM = append(a.clip.PCM, make([]int16, gap)...)
}

// repair makes up for lost packets before p and returns for how many samples.
func (a *assembly) repair(gap, lost int, p numbered) (filled int) {
	size := a.size
	if size == 0 || lost*size > gap {
		size = gap / lost
	}
	size -= size % (ClipRate / 400) // Opus knows steps of 2.5 ms
	for i := range lost {
		if size == 0 || size > len(a.pcm) || filled+size > gap || filled+size > int(concealFor.Seconds()*ClipRate) {
			break
		}
		n := 0
		if i == lost-1 {
			n = a.recover(size, p.Opus)
		} else {
			n = a.conceal(size)
		}
		a.clip.PCM = toInt16(a.clip.PCM, a.pcm[:n])
		filled += n
	}
	return filled
}

func (a *assembly) conceal(size int) int {
	n, err := a.dec.Conceal(a.pcm[:size])
	if err != nil || size == 0 {
		return 0
	}
	return n
}

func (a *assembly) recover(size int, following []byte) int {
	n, err := a.dec.Recover(following, a.pcm[:size])
	if err != nil {
		return a.conceal(size)
	}
	return n
}
