// Package near owns what is said on a subscription to who is near whom
// (NEAR.md): the messages both ways with their limits, and Feed, which makes of
// who is near now, asked again and again, a snapshot and what changed since.
//
// It does not own who is near whom (presence/directory, presence), who may know
// of it, nor connections and time: gateway asks, and carries the messages.
//
// It is a pure core. Parse and Encode may be called from any goroutine; a Feed
// belongs to one.
package near
