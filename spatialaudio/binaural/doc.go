// Package binaural mixes many voices around a head into two ears, on the
// server, for listeners whose device should not.
//
// It owns the mix: which filter a voice comes through, changes without clicks,
// voices that appear, move and vanish. It does not own who may hear whom, how
// loud (spatialaudio.Curve and Cone: the gain comes with each voice), decoding
// or encoding; its caller, gateway/desk, decides those.
//
// # How
//
// A filter of an ear is a multiplication of spectra. Each Source transforms its
// block of 20 ms once, whoever listens; for a listener each voice is then one
// complex multiplication per bin and ear into a sum, and one transform brings
// the sum of both ears back. Where something has moved, sums of what was and of
// what is are kept, and the block fades from one to the other. History of a
// block lies in the source, so a listener keeps nothing but what it heard last.
//
// Walls are a multiplication of the voice's spectrum before any ear; a room
// (Wet) is a spectrum of both ears that is added as it is.
//
// # A tick
//
//	source.Analyse(block)                           // each voice, once
//	mixer.Mix(listener, head, heard, out)           // each listener
//
// Every source is given Analyse or Silence in every tick, also one that nobody
// hears at the moment: else its next block follows on a wrong one.
//
// # Orders
//
// What must not be heard any more, because of a block, a mute or an order of a
// moderator, must not fade out either: Listener.Drop takes a voice out of what
// a listener still has to fade from, Source.Reset forgets what a voice said.
// After they return nothing of it is in any later block.
//
// # Concurrency
//
// Filters are immutable and shared. A Source may be read by many mixers at a
// time, but not while it analyses. A Mixer and a Listener belong to one
// goroutine at a time: one mixer for each goroutine, any listeners on it.
// Nothing allocates once a listener has heard as many voices as it ever does.
package binaural
