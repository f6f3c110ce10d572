// Package sfu owns the media connections of an instance's participants: ICE,
// DTLS and SRTP by pion, the publications of microphones, cameras and screens,
// the slots they are forwarded into, the three data channels, and the repair
// of loss.
//
// It knows nothing of worlds, distances or blocks: gateway, its only caller,
// says who may be heard by whom (Session.SetVoice, SetVideo, Deny) and gets
// levels, control messages and poses. What happens to a packet is decided in
// sfu/forward.
//
// # Concurrency
//
// Every exported method may be called from any goroutine. A Session has one
// mutex for its assignment of slots, a slot has one for its packets, a
// Publication one for its list of slots; they are taken in this order and never
// held across a call of a Handler. One goroutine reads each publication and
// writes to all its slots: what a slot shows is decided under the slot's
// mutex, so that when Deny, SetVoice or SetMuted returns, no packet that they
// forbid is written any more.
package sfu
