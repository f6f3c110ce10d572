// Package voice turns text into 20 ms Opus frames, and Opus packets of an
// utterance into a clip that a transcription server takes: the mouth and the
// ears of NPCs as far as they are signal processing.
//
// It owns the reading of WAV and PCM, resampling, loudness, pauses at the ends,
// RFC 6464 levels, the programme espeak-ng, and the repair of lost packets. It
// does not know who speaks to whom, nor model servers: package npc asks those,
// and is the only caller. It knows no codec either: gateway hands constructors
// of spatialaudio/opus to it (Codecs).
//
// # Cost
//
// A speaking NPC takes 61 us of each 20 ms here (0.3 % of a core, half of it
// resampling), 118 us in the encoder (0.6 %) and 110 us in espeak-ng (0.55 %),
// where that speaks: about 1.5 % of a core. Measured by go test -run xxx -bench .
// ./npc/voice ./spatialaudio/opus on two shared cores of a Xeon.
//
// # Concurrency
//
// A Sound and an Utterance belong to one goroutine; only their Close, and the
// end of the context that they were begun with, may come from another. Both
// end a Read that waits. An Espeak may be used by any goroutine.
package voice
