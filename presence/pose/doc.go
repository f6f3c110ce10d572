// Package pose is the wire format of poses: quantised root, head and hands,
// packed many to a datagram. POSE.md beside this file is the specification,
// testdata/vectors.json its golden examples, and gateway/web/pose.js the twin
// that reads the same examples.
//
// It owns the bit layout and nothing else: not who gets which pose (interest),
// not sequence numbers or clocks (presence). Called by presence on the server
// and by loadtest as a client. It is pure: bytes and values in, values and
// bytes out, no allocation beyond growing the caller's buffer. Functions are
// safe for concurrent use; a Reader or Packer belongs to one goroutine.
package pose
