// Package webhook tells an application's servers what happens in rooms, as
// LiveKit does: each event is posted as JSON, with a token over its hash.
//
// It owns queues, the HTTP client and the waiting between attempts. What has
// happened is gateway's to know, which calls Post from wherever it happens: Post
// never blocks. Events of one room reach each address in their order, one at a
// time; rooms do not wait for one another. Addresses come from the operator's
// configuration only, and redirects are not followed, so nobody else decides
// where this process connects to.
//
// A Sender has one goroutine per address and room that has something to tell.
// It is safe for concurrent use.
package webhook
