// Package forward decides what happens to the RTP packets of a session: how a
// packet is read, how loud its talker is, which talkers take a listener's
// slots, and how a slot stays one continuous RTP source while talkers change
// in it.
//
// It does no more than decide. Bytes and times come in, values go out: there
// is no socket, goroutine, lock or clock here, and nothing on the path of a
// packet allocates. Package sfu is the only caller and guards every object
// with a lock of its own.
package forward
