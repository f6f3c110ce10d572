// Package sfu owns the media connections of an instance's participants, and of
// those who only publish (WHIP), only watch (WHEP) or come with a client of
// LiveKit, see Profile: ICE, DTLS and SRTP by pion (what leaves goes in batches
// through sfu/egress where it can), the publications of microphones, cameras and
// screens, and of sounds that the server mixes of several participants (NewBed), the slots they are forwarded into, the data channels, and the repair
// of loss. A Source is a publication that the server makes itself, a Tap a
// listener inside the server: the mouth and the ears of an NPC.
//
// Media lines are agreed on once, at the join. Only a session of LiveKit grows,
// by offers of its client (Session.Renegotiate) or of the server (OfferDown);
// what a line is, its LiveKitHandler says. Such a line carries nothing before it
// is named, and a publication is closed until it is opened.
//
// Frames may be encrypted end to end (Offer.Encrypted): a packet leaves as it came
// in that case too, but goes only to sessions that can decrypt, and to no Tap.
//
// It knows nothing of worlds, distances or blocks: gateway, its only caller,
// says who may be heard by whom (Session.SetVoice, SetVideo, Deny, DenyVoice) and gets
// levels, control messages and poses. What happens to a packet is decided in
// sfu/forward.
//
// # Concurrency
//
// Every exported method may be called from any goroutine. A Session has one
// mutex for exchanges of descriptions, one for its assignment of slots, a slot
// and a Tap have one for their packets, a Publication one for its list of both;
// they are taken in this order and never held across a call of a Handler, but
// for the first, under which a LiveKitHandler is asked about lines. One goroutine
// reads each publication and writes to all its slots and taps: what they get is
// decided under their mutex, so that when Deny, DenyVoice, SetVoice or SetMuted returns, no
// packet that they forbid is written or handled any more. What a listener reports
// is heard on the goroutine that reads the socket, or pumps it while people join,
// which waits for none of the others.
package sfu
