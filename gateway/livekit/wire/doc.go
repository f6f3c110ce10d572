// Package wire is the part of LiveKit's protobuf messages that Earshot speaks
// (livekit_models.proto, livekit_rtc.proto and livekit_room.proto of
// github.com/livekit/protocol, Apache-2.0, protocol 17): plain Go structs whose
// tags name the numbers of the fields, and the codec that reads them.
//
// LiveKit's own module would bring gRPC, CEL and a validator into the server
// for messages of a dozen fields each; see docs/decisions/0014. A field that
// nobody here reads is not declared: the codec skips it, as protobuf has it,
// so a message must not be decoded in order to be relayed. Data packets are
// therefore passed on by Envelope, which leaves their contents as they are.
//
// A member of a oneof is a pointer; of several that a sender set, each is kept,
// and the reader takes the first it asks for. The json tags are the names of
// protobuf's JSON mapping, for the Twirp API and webhooks.
//
// The package is pure and keeps no state. Its callers are gateway/livekit and
// gateway.
package wire
