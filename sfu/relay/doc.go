// Package relay links the media nodes of a cluster, so that one instance can
// span several of them. It owns the connections between nodes, who may be at
// their other end, the queue of what is to be sent, the packing of records into
// datagrams, and the repair of those that are lost. It knows neither
// publications nor people: sfu makes the copies (sfu.Copy) and takes them
// (sfu.Remote), gateway, the only caller, says what goes where. The layout of
// all that is sent is sfu/relay/wire.
//
// A link is one QUIC connection (RFC 9000) with TLS 1.3 on both sides
// (docs/decisions/0029): media and poses are datagrams (RFC 9221), everything
// else is one reliable stream. Of two nodes the one whose id is lower dials.
//
// # Concurrency
//
// Every exported method may be called from any goroutine. A link has one
// goroutine that sends datagrams, one that reads them, one for each direction of
// the stream, and one that asks for what was lost. A Handler is called by those
// that read: its methods must not block, and Pose and Inlet.Media keep nothing of
// what they are given. Link.Media, Pose and Send never block: a datagram queue
// that is full drops its oldest, a stream queue that is full ends the link, which
// begins anew with everything said again.
package relay
