// Package egress sends the RTP packets of sessions in batches, on the one UDP
// socket that ICE, DTLS and everything else of pion uses too. A packet is
// encrypted straight into a batch; packets for one destination leave in one
// message (UDP_SEGMENT), messages for many destinations in one system call
// (sendmmsg). The socket reads in batches (recvmmsg) in the same way. Where a
// session goes over TCP, sealed packets are handed to its connection (Way).
//
// It owns the socket, the SRTP keys of what it sends, the nonces and the
// decision when to send; and the keys of what comes, with which a Source opens
// packets past pion, and Reports what listeners say of them. It does not know what is sent to whom: package sfu, its only
// caller, does, and keeps pion's own writer for every session that cannot be
// served here. Linux only; elsewhere Open fails and pion serves all.
//
// # Concurrency
//
// A Stream and a Source are guarded by their owners, a Burst belongs to one goroutine, a Socket
// has one reader, beside whom it may be pumped. Everything else may be called from any goroutine. There is no
// goroutine but the one that a timer starts to send what was gathered.
//
// # Security
//
// pion has no public exporter of its DTLS state, so a Handshake takes the
// master secret from pion's key log hook and does what RFC 5705 and RFC 5764
// say. The secret is wiped as soon as the keys of RTP are derived, or the session
// turns out not to need them; the session keys and salts are wiped by
// Context.Close and Inbound.Close. None of them is logged or formatted,
// and no error carries a byte of them. What cannot be wiped, because it is in
// memory of pion or of crypto/aes, is left to the garbage collector: pion's
// text of the key log line, its own copy of the keys, the expanded AES key.
//
// AES-GCM is broken by one nonce under one key with two plaintexts. The nonce
// is SSRC, rollover counter and sequence number (RFC 7714, section 8.1), so:
//   - a Stream is the only sender of its SSRC under its key. Whether a session
//     is served here or by pion is decided once, before its first packet, and
//     never changes; while it is not decided nothing is sent.
//   - a Stream remembers the tag of what it sealed under each of its last indices.
//     It seals a packet again only where header and payload are what they were,
//     which a repair of loss is, and gives the same ciphertext. Anything else is
//     wiped before anybody sees it, and anything older than it remembers is
//     refused.
//   - the keys of RTCP, which pion sends, are others (RFC 3711, section 4.3).
package egress
