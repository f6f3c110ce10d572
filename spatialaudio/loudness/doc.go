// Package loudness makes talkers about equally loud, microphones silent between
// words, and mixes free of clipping.
//
// It owns three things, each for mono or interleaved sound at 48 kHz in frames
// of 20 ms: a Gate and a Leveller for every talker (together: a Voice), and a
// Limiter for every mix; and an Estimate of what a Leveller would do, by the
// levels in packets, for talkers who are not decoded. It knows no positions and
// no listeners: how loud a talker is at a listener is spatialaudio's business,
// after levelling.
//
// gateway/desk is its caller: Voice.Process on each talker's frame once, by
// spatialaudio/talker, before it is mixed for anybody, Limiter.Process on each
// mix before it is encoded. gateway adds Estimate.GainDB to the level that a
// talker sends wherever talkers are compared: for voice slots, places in a mix,
// beds. loadtest/run does the same to know who is due.
//
// # Figures
//
// Loudness is that of ITU-R BS.1770-4: K-weighted, in blocks of 400 ms every
// 100 ms, those below -50 LUFS and those 10 LU below the mean left out; over the
// last 13 s in which somebody spoke, or the last one where that is 3 LU louder.
// 0 dB is full scale.
//
//	Leveller  towards -24 LUFS; +12 to -24 dB; at most 3 dB/s up, 12 dB/s down
//	Gate      opens 9 dB above the noise of the last 4 s, at -60 dB at least and
//	          at -35 dB at most; within 5 ms; closes 200 ms after the last sound
//	Limiter   -1 dB, looks 5 ms ahead (which is its delay), recovers in 100 ms
//
// Nothing allocates. A value belongs to one goroutine at a time.
package loudness

// Rate and FrameSamples are those of all sound here: 48 kHz, 20 ms.
const (
	Rate         = 48000
	FrameSamples = 960
)
