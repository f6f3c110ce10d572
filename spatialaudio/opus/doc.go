// Package opus encodes and decodes Opus (RFC 6716), so that the server can
// speak and listen itself: voices of NPCs, speech for transcription,
// mixes. What is only forwarded is never decoded.
//
// It owns the choice of the codec's implementation and no audio: frames of
// 20 ms come in, packets go out, and back. The implementation is
// github.com/thesyncim/gopus, in pure Go, which nothing else in Earshot imports;
// built with the tag libopus (and a C compiler, pkg-config and libopus-dev) it
// is the system's libopus, which encodes 1.5 to 2.6 times as fast. Implementation
// says which it is. Either decodes what the other encodes, to within 137 dB of
// what the other makes of it (TestEachDecodesTheOther).
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
// Figures of both implementations are in docs/audio.md. In short, for 20 ms of
// mono with gopus: 40 us to decode, 54 to 280 us to encode by configuration.
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
