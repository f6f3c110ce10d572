// Package opus encodes and decodes Opus (RFC 6716), so that the server can
// speak and listen itself: voices of NPCs, speech for transcription, later
// beds of crowds. What is only forwarded is never decoded.
//
// It owns the choice of the codec's implementation and no audio: frames of
// 20 ms come in, packets go out, and back. The implementation is
// github.com/thesyncim/gopus, in pure Go, which nothing else in Earshot imports;
// built with the tag libopus (and a C compiler, pkg-config and libopus-dev) it
// is the system's libopus, which encodes 1.5 to 2.6 times as fast. Implementation
// says which it is. Either decodes what the other encodes, to 137 dB of the same samples
// (TestEachDecodesTheOther).
//
// cmd/earshot hands its codecs on to npc/voice, and the mixers of spatialaudio
// take them as interfaces of their own.
//
// # Packets from outside
//
// A decoder may be given any bytes. Should gopus panic, the call returns an
// error, the decoder starts afresh, and Pool.Recovered counts it. None
// of the inputs tried by FuzzDecode made it panic. libopus has no such net, but
// browsers and telephones have fed it strangers' packets for many years.
//
// # Cost
//
// Measured here (go test -run xxx -bench . ./spatialaudio/opus, two shared cores
// of a Xeon, speech, 20 ms frames; figures move by a third with what else the
// machine does):
//
//	encode mono, Voice, 32 kbit/s, complexity 5         216 us   1.1 % of a core
//	encode mono, LowDelay, 32 kbit/s, complexity 5      118 us   0.6 %
//	encode mono, LowDelay, 32 kbit/s, complexity 0       48 us   0.25 %
//	encode stereo, LowDelay, 64 kbit/s, complexity 0     89 us   0.45 %
//	decode mono to 48 kHz / to 16 kHz                    40 us / 32 us
//	a new encoder                                        36 us
//
// An encoder holds up to half a megabyte, a decoder a quarter. Pool keeps the
// memory of decoders, and says how many may be open; Close what you take from
// it. Decoding and encoding do not allocate; of gopus, concealing does, twice.
//
// # Concurrency
//
// An Encoder and a Decoder belong to one goroutine at a time. A Pool may be
// used by any.
package opus
