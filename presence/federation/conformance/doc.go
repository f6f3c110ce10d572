// Package conformance owns the test that an implementation of the federation of
// presence (docs/federation.md, version 1) does what the specification says. It
// knows a server by its origin and the key of a peer that the server has, and
// nothing of what is inside. The people in the worlds may change meanwhile.
//
//	go test ./presence/federation/conformance -origin https://voice.example.org -operator checker -key checker.pem
//
// runs it against any server; gateway's own tests run it against a node. Nothing
// else imports it.
package conformance
