// Package jitter turns the packets of one talker into a steady sound: one frame
// of 20 ms at every tick of a clock that all talkers share, whatever the network
// did to the packets.
//
// A Buffer owns the packets that wait, the timing, the repair of losses and the
// samples between decoding and the tick. It does not own the decoder, which is
// lent to it (Attach) only while somebody can hear the talker, nor sockets,
// clocks or goroutines: packets and times come in, samples come out.
//
// gateway/desk is its caller, by spatialaudio/talker: Push for what the SFU taps,
// Tick for all talkers on one beat.
//
// # Timing
//
// Everything is counted in samples of 48 kHz. What a packet took is its arrival
// less its timestamp; the least of the last ten seconds is the base, and what is
// above the base is the packet's delay. A sound is played target after the
// moment at which it could have come at the earliest. The target is what 95 % of
// the packets stay below (of the last ten seconds or the last one, whichever is
// more), at least 20 ms and at most 200 ms.
//
// A frame is needed at the tick that plays its first sample, and ticks are 20 ms
// apart: so frames begin with ticks where possible, and are played 0 to 20 ms
// after the target. The playhead is moved where it cannot be heard: in pauses at
// will; in speech by one pitch period at a time, with a crossfade, in silence by
// any length, once frames are needed before their target or a whole tick could
// be saved. A talker's clock that runs otherwise than ours moves the base and is
// corrected by the same: at 100 ppm by 20 ms every 200 s.
//
// # Losses
//
// What is missing at its turn is taken, in this order, from a redundant block of
// a later packet (RFC 2198; it lies in the queue as a packet of its own), from
// the in-band FEC of the packet that follows, from the decoder's concealment for
// at most 60 ms, which is then faded out within 20 ms. Timestamps that skip
// where sequence numbers do not are a pause (DTX), and so is what follows a
// packet of one or two bytes: silence, neither lost nor concealed.
//
// # Concurrency
//
// A Buffer belongs to one goroutine at a time.
package jitter
