// Package turn is a TURN server (RFC 8656) for those whose network lets only
// TCP or TLS out, in the process of the media it leads to. The protocol is
// pion's; this package owns the listeners, the credentials, the limits and
// where relayed packets go.
//
// # It relays to one address
//
// A relayed address is a UDP socket connected to our own media socket, on the
// loopback interface where that allows it. Whatever peer a client names, its
// packets go there and nowhere else, and only packets from there come back. So
// it is no open relay, no way into the network behind it, and needs no range of
// ports in a firewall, nor a router that leads our public address back to us.
// To name another peer than an address of ours is refused besides.
//
// # Credentials
//
// They name a participant and the time they end, which is at most that of the
// token they were asked for with, and are signed by a secret. The relay opens
// nothing for ended ones, and keeps open what they opened only while the
// participant has a session.
//
// Package sfu is the only caller. Methods may be called from any goroutine.
package turn
