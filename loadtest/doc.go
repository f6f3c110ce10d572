// Package loadtest is a client of Earshot made for measuring it: bots that
// join, walk, talk and listen as people do, and the analysis of what they
// received.
//
// It owns the bots (Bot over WebRTC, SocketBot over a WebSocket), the models
// that move and voice them (Walker, Talker) and the judgement of received
// voice (Judge). It does not start servers, does not own scenarios or
// reports on paper, and knows nothing of the server's inside: it imports only
// the wire formats, so that what it measures is what any client would get.
//
// Models and analysis are pure: time and seed come in, values come out. A Bot
// has goroutines of its own, all of which have ended when Close returns; its
// methods are safe for concurrent use. Its logs are bounded: what does not
// fit is counted, not kept. Bots of one process share a clock, which is what
// makes one-way delays measurable; between machines they are as good as the
// clocks are.
package loadtest
