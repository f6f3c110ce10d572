// Package protocol is the wire format of the control channel: the types of
// its messages, their JSON encoding, and every limit on what a client may
// send. PROTOCOL.md beside this file is the specification.
//
// It owns no connection and no state. gateway and loadtest call it; the
// JavaScript twin is gateway/web/signal.js, and both read testdata/messages.json.
// All functions are pure and safe for concurrent use.
package protocol
