// Package gateway is the edge of a node: HTTP and WebSocket, tokens, sessions,
// and the instance that binds presence, voice and media together.
//
// It owns who is admitted and what the control channel says. It decides
// nothing that a core can decide: who is near whom is presence's, how loud a
// talker is spatialaudio's, which slot a voice takes sfu/forward's. Only this
// package turns an error into a reply, and only it knows fiber.
//
// cmd/earshot constructs a Gateway and calls Run. A Gateway has one goroutine
// per instance, which ticks 60 times a second, besides those of fiber and sfu;
// sessions are driven by callbacks and never block them.
package gateway
