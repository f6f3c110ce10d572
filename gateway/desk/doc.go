// Package desk is the mixing desk of a node: it makes one stereo stream of all
// that a listener hears, for those who asked for it instead of voice slots
// (phones in pockets, weak headsets, narrow downlinks, LiveKit SDKs without a
// panner), and it mixes far crowds to beds, of which everybody gets a few.
//
// It owns which talkers are decoded, the beat of 20 ms, when a plan of beds comes
// in force, and the goroutines that plan, decode, mix and encode. How is
// spatialaudio's: jitter buffers, binaural mixing, whom a bed mixes and who gets
// it, Opus. Who may be heard, from where and how loud is gateway's, its only
// caller (Listener.Set, Crowd.Look, Crowd.Forbid); how packets travel is the
// SFU's, which sees a mix as a publication like any other, given to one session
// only, and a bed as one that is denied with any who are in it.
//
// # A beat
//
//	each talker somebody hears    jitter buffer -> decoder -> gate, level -> spectrum, once;
//	                              and in each kind of room somebody hears them in -> reverberation -> spectrum
//	each bed                      its talkers' sound -> sum -> limiter -> spectrum; Opus, where slots want it
//	each listener                 spectra x walls x filters -> two ears -> limiter -> Opus -> Source.Write
//
// A talker whom nobody hears is not decoded; one of whom nobody asked for a
// while is not even tapped.
//
// # Orders
//
// Listener.Deny, Crowd.Forbid and Desk.Silence return when no packet of a mix with what they
// forbid is being made any more. What a mix or a bed holds of the block before
// (fades, the memory of limiter and encoder) goes with them. A plan of beds is
// made beside orders and put in force between two mixes, less what was forbidden
// meanwhile; see spatialaudio/crowd for what a plan never holds.
//
// # Concurrency
//
// All methods may be called from any goroutine, but not from a handler of an
// sfu.Tap. Run has one goroutine that keeps the beat, one worker for each core,
// and one that plans crowds, one after the other.
package desk
