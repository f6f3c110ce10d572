// Package livekit is what LiveKit's SDKs say to a server and expect of it, in
// Go: access tokens and their grants, errors of Twirp.
//
// It owns no connection, no state of an instance and no rule about who may do
// what there: gateway composes it with sessions, which are the same ones as
// those of Earshot's own protocol. All of it is pure and safe for concurrent
// use unless a type says otherwise; whoever needs the time is given it.
package livekit
