// Package desk is the mixing desk of a node: it makes one stereo stream of all
// that a listener hears, for those who asked for it instead of voice slots
// (phones in pockets, weak headsets, narrow downlinks, LiveKit SDKs without a
// panner).
//
// It owns which talkers are decoded, the beat of 20 ms, and the goroutines that
// decode, mix and encode. How is spatialaudio's: jitter buffers, binaural
// mixing, Opus. Who may be heard, from where and how loud is gateway's, its only
// caller (Listener.Set); how packets travel is the SFU's, which sees a mix as a
// publication like any other, given to one session only.
//
// # A beat
//
//	each talker somebody hears    jitter buffer -> decoder -> gate, level -> spectrum, once
//	each listener                 spectra x filters -> two ears -> limiter -> Opus -> Source.Write
//
// A talker whom nobody hears is not decoded; one of whom nobody asked for a
// while is not even tapped.
//
// # Orders
//
// Listener.Deny and Desk.Silence return when no packet of a mix with what they
// forbid is being made any more. What a mix holds of the block before (fades,
// the memory of the encoder) goes with them.
//
// # Concurrency
//
// All methods may be called from any goroutine, but not from a handler of an
// sfu.Tap. Run has one goroutine that keeps the beat and one worker for each
// core.
package desk
