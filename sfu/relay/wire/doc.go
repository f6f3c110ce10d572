// Package wire is what two nodes say to each other about an instance that both
// of them run: datagrams of media and poses, and messages on a reliable stream.
// It owns the layout of both, the packing of several records into one datagram,
// and the decision which lost datagrams to ask for again. It owns no connection
// and no clock: sfu/relay sends and receives, gateway says what and to whom.
//
// Everything here is parsed as if a stranger had written it, although only a
// node of the same cluster can: lengths first, limits on every list, no panic.
//
// A core: no goroutine, no lock. Values belong to one goroutine at a time.
package wire
