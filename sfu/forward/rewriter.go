package forward

import "time"

// Limits within which a source counts as going on. Beyond them the rewriter
// treats the packet as the first of a new source, so that whatever a sender
// does, the sequence numbers that leave never jump by more than maxAhead: a
// larger jump could cost the listener its SRTP rollover counter.
const (
	maxAhead  = 500             // packets a source may skip
	maxBehind = 500             // packets a source may be late by
	maxDrift  = 5 * time.Second // between a source's timestamps and the clock
)

// SilenceFrame is an Opus frame of 20 ms of silence. Three of them after a
// talkspurt stop a decoder's concealment, which otherwise rings on for 140 ms.
var silenceFrame = [3]byte{0xf8, 0xff, 0xfe}

// SilenceFrame returns an Opus packet of 20 ms of silence (RFC 6716: CELT,
// fullband, mono, one frame). The caller must not change it.
func SilenceFrame() []byte { return silenceFrame[:] }

// How a talkspurt ends. The silence is as long as TailAfterSwitch, so that it
// never runs ahead of the clock: whoever comes next is not delayed by it.
const (
	TailFrames      = 3                      // frames of silence
	TailAfterSwitch = 60 * time.Millisecond  // without a packet, after the source was taken away
	TailAfterPause  = 100 * time.Millisecond // without a packet of a source that stays
)

// Kind says how a Rewriter counts time and uses the marker bit.
type Kind uint8

// The kinds of slot.
const (
	Audio Kind = iota // 48 kHz, marker on the first packet of a source
	Video             // 90 kHz, marker on the last packet of a frame
)

// Stamp is what a forwarded packet carries instead of its own.
type Stamp struct {
	Timestamp uint32
	Seq       uint16
	Marker    bool
	// Dependency is the dependency descriptor, empty for none.
	Dependency []byte
}

// Rewriter makes one continuous RTP source out of many. From a source's first
// packet to the next Switch is an epoch; within it sequence number and
// timestamp differ from the source's by constants, so that gaps of loss and of
// discontinuous transmission stay what they are. Between epochs the sequence
// number goes on by one and the timestamp by the time that passed on the clock
// (for audio in steps of 20 ms), which of the rules tried costs a browser the
// least concealment. Packets of a source that are left out on purpose (Drop)
// leave no gap.
type Rewriter struct {
	kind Kind

	seq       uint16    // newest that left
	timestamp uint32    // newest that left
	clockTS   uint32    // timestamp that belongs to clockAt
	clockAt   time.Time // when the newest packet of a source left

	open      bool // an epoch is going on
	epoch     uint32
	base      uint32 // tsOffset of the present source's own clock
	aligned   bool   // the next epoch's clock is known: base
	used      bool   // anything ever left
	ssrc      uint32
	seqOffset uint16 // out = in + offset, less what was left out until then
	tsOffset  uint32
	newestIn  uint16
	span      uint32    // packets from the first of the epoch to newestIn
	newestTS  uint32    // in
	newestAt  time.Time // arrival of newestIn
	owed      bool      // something was said that no silence has followed

	left gaps // by sequence number of the source
}

// NewRewriter returns a rewriter whose first packet has the given sequence
// number and timestamp. They should be random (RFC 3550, section 5.1).
func NewRewriter(kind Kind, seq uint16, timestamp uint32) Rewriter {
	return Rewriter{kind: kind, seq: seq - 1, timestamp: timestamp}
}

// Rewrite returns the stamp for a packet of the present source. ok is false
// where the packet must not be forwarded: it is older than the epoch, or it is
// the newest once more.
func (r *Rewriter) Rewrite(p *Packet, now time.Time) (s Stamp, ok bool) {
	if r.open && !r.goesOn(p, now) {
		r.open = false
	}
	if !r.open {
		r.begin(p, now)
		r.advance(p, 0, now)
		return r.stamp(p), true
	}
	ahead := int16(p.Seq - r.newestIn)
	switch {
	case ahead > 0:
		r.advance(p, uint32(ahead), now)
	case ahead == 0 || !r.inEpoch(p.Seq) || !r.plausible(p) || r.leftOut(p.Seq):
		return Stamp{}, false
	}
	return r.stamp(p), true
}

// Drop leaves a packet of the present source out, so that what follows closes
// up to what went before. One that is late keeps its place, as a lost one does:
// what follows has left.
func (r *Rewriter) Drop(p *Packet, now time.Time) {
	if !r.open || !r.goesOn(p, now) {
		return
	}
	ahead := int16(p.Seq - r.newestIn)
	if ahead <= 0 {
		return
	}
	r.left.advance(int(ahead))
	r.left.leaveOut()
	r.span += min(uint32(ahead), 1<<31-r.span)
	r.newestIn, r.newestTS, r.newestAt = p.Seq, p.Timestamp, now
}

func (r *Rewriter) leftOut(in uint16) bool {
	_, left := r.left.before(in)
	return left
}

// out returns the number with which a packet of the epoch leaves.
func (r *Rewriter) out(in uint16) uint16 {
	left, _ := r.left.before(in)
	return in + r.seqOffset - left
}

// plausible reports whether the timestamp of a late packet is late too.
func (r *Rewriter) plausible(p *Packet) bool {
	behind := r.newestTS - p.Timestamp
	return behind <= r.clockRate()*uint32(maxDrift/time.Second)
}

// inEpoch reports whether seq is at most maxBehind older than the newest
// packet and not older than the epoch.
func (r *Rewriter) inEpoch(seq uint16) bool {
	age := r.newestIn - seq
	return age <= maxBehind && uint32(age) <= r.span
}

func (r *Rewriter) goesOn(p *Packet, now time.Time) bool {
	if p.SSRC != r.ssrc {
		return false
	}
	ahead := int(int16(p.Seq - r.newestIn))
	if ahead > maxAhead || ahead < -maxBehind {
		return false
	}
	if ahead <= 0 {
		return true
	}
	elapsed := now.Sub(r.newestAt)
	media := time.Duration(int32(p.Timestamp-r.newestTS)) * time.Second / time.Duration(r.clockRate())
	return media >= 0 && media-elapsed < maxDrift && elapsed-media < maxDrift
}

func (r *Rewriter) begin(p *Packet, now time.Time) {
	timestamp := r.timestamp
	if r.used {
		timestamp = r.nextTimestamp(now)
	}
	base := timestamp - p.Timestamp
	if r.aligned && r.used && r.near(p.Timestamp+r.base, timestamp) {
		base = r.base
		if timestamp = p.Timestamp + base; int32(timestamp-r.timestamp) < 1 {
			timestamp = r.timestamp + 1
		}
	}
	r.open, r.used, r.aligned = true, true, false
	r.epoch++
	r.base = base
	r.ssrc = p.SSRC
	r.seqOffset = r.seq + 1 - p.Seq
	r.left.reset(p.Seq)
	r.tsOffset = timestamp - p.Timestamp
	r.newestIn, r.span = p.Seq, 0
}

// near reports whether a timestamp from aligned clocks agrees with the wall
// clock; where it does not, a sender's reports are wrong and do not count.
func (r *Rewriter) near(timestamp, byClock uint32) bool {
	d := int32(timestamp - byClock)
	limit := int32(r.clockRate())
	return d > -limit && d < limit
}

// nextTimestamp returns where the clock says a new source begins, at least one
// frame after what already left.
func (r *Rewriter) nextTimestamp(now time.Time) uint32 {
	elapsed := max(0, now.Sub(r.clockAt))
	step := time.Duration(r.step())
	samples := elapsed * time.Duration(r.clockRate()/1000) / time.Millisecond
	if r.kind == Audio {
		samples = (samples + step/2) / step * step
	}
	next := r.clockTS + uint32(samples)
	if least := r.timestamp + r.step(); int32(next-least) < 0 {
		return least
	}
	return next
}

func (r *Rewriter) stamp(p *Packet) Stamp {
	s := Stamp{Seq: r.out(p.Seq), Timestamp: p.Timestamp + r.tsOffset, Marker: p.Marker}
	if r.kind == Audio {
		s.Marker = uint32(r.newestIn-p.Seq) == r.span // the first of the epoch
	}
	return s
}

func (r *Rewriter) advance(p *Packet, ahead uint32, now time.Time) {
	r.span += min(ahead, 1<<31-r.span)
	r.left.advance(int(ahead))
	r.newestIn, r.newestTS, r.newestAt = p.Seq, p.Timestamp, now
	r.seq, r.timestamp = r.out(p.Seq), p.Timestamp+r.tsOffset
	r.clockTS, r.clockAt = r.timestamp, now
	r.owed = len(p.Payload) > 2 && !p.Ends
}

// Switch ends the epoch: the next packet begins another, whatever its source.
func (r *Rewriter) Switch() {
	r.owed = r.owed || r.open
	r.open, r.aligned = false, false
}

// SwitchLayer ends the epoch for another layer of the same picture. shift is
// what to add to the timestamps of the new layer to get those of the old one
// (SourceClock.Shift); ok is false where that is not known, and then the next
// epoch begins by the clock, as after Switch.
func (r *Rewriter) SwitchLayer(shift uint32, ok bool) {
	ok = ok && r.open
	r.Switch()
	r.aligned = ok
	r.base += shift
}

// Epoch returns the number of the present epoch.
func (r *Rewriter) Epoch() uint32 { return r.epoch }

// Open reports whether an epoch is going on: something was forwarded since the
// last Switch or Tail.
func (r *Rewriter) Open() bool { return r.open }

// SSRC returns the SSRC of the present epoch's source.
func (r *Rewriter) SSRC() uint32 { return r.ssrc }

// TailDue reports whether to end the talkspurt with silence now: its source
// stopped in mid-speech, or was taken away, and nothing followed for a while.
// A source that announces its pause, as discontinuous transmission does with a
// packet of at most 2 bytes (RFC 6716, section 3.1), needs no end; neither does
// a pause of one that ends by itself, which may only be late.
func (r *Rewriter) TailDue(now time.Time) bool {
	after := TailAfterSwitch
	if r.open {
		after = TailAfterPause
	}
	return r.kind == Audio && r.owed && now.Sub(r.clockAt) >= after
}

// Tail ends the epoch and fills dst with the stamps of TailFrames silence
// frames to send now. It returns 0 where none are owed: video, or nothing was
// said since the last.
func (r *Rewriter) Tail(dst *[TailFrames]Stamp) int {
	r.open = false
	if r.kind != Audio || !r.owed {
		return 0
	}
	r.owed = false
	for i := range dst {
		r.seq++
		r.timestamp += r.step()
		dst[i] = Stamp{Seq: r.seq, Timestamp: r.timestamp}
	}
	return TailFrames
}

// Source returns the source's sequence number of a packet that left in the
// present epoch. ok is false for any other: what belongs to an earlier epoch
// can never be repaired, because who may be heard has changed since.
func (r *Rewriter) Source(out uint16) (in uint16, ok bool) {
	if !r.open {
		return 0, false
	}
	places := r.out(r.newestIn) - out // r.seq may be older, where the newest were left out
	if in, ok = r.left.find(places); !ok {
		return 0, false
	}
	return in, r.inEpoch(in)
}

// Newest returns the newest sequence number that left in the present epoch, and
// when. ok is false between epochs.
func (r *Rewriter) Newest() (seq uint16, at time.Time, ok bool) {
	return r.seq, r.clockAt, r.open
}

// Repair returns the stamp for sending a packet of the present epoch again. It
// is the one that the packet had the first time.
func (r *Rewriter) Repair(p *Packet) (s Stamp, ok bool) {
	if !r.open || p.SSRC != r.ssrc || !r.inEpoch(p.Seq) || r.leftOut(p.Seq) {
		return Stamp{}, false
	}
	return r.stamp(p), true
}

// Now returns the timestamp that belongs to a time, for sender reports. ok is
// false before the first packet.
func (r *Rewriter) Now(now time.Time) (timestamp uint32, ok bool) {
	if !r.used {
		return 0, false
	}
	samples := now.Sub(r.clockAt) * time.Duration(r.clockRate()/1000) / time.Millisecond
	return r.clockTS + uint32(samples), true
}

func (r *Rewriter) clockRate() uint32 {
	if r.kind == Video {
		return 90000
	}
	return 48000
}

func (r *Rewriter) step() uint32 {
	if r.kind == Video {
		return 1
	}
	return 960
}
