// Package loadtest is a client of Earshot made for measuring it: bots that
// join, walk, talk, show a camera and listen as people do, and the analysis of
// what they received.
//
// It owns the bots (Bot over WebRTC, SocketBot over a WebSocket), what they
// share (Host) and the judgement of received voice (Judge). The models that
// move and voice them are in loadtest/model. It does not start servers, does
// not own scenarios or reports on paper, and knows nothing of the server's
// inside: it imports only the wire formats, so that what it measures is what
// any client would get.
//
// # Two paths
//
// A bot's media goes by one of two links, which say the same on the wire.
// PathPion is a PeerConnection of pion. PathLean, the default, is made for
// crowds: it writes its own SDP, checks connectivity with ICE-lite servers,
// has pion shake hands for DTLS and then takes over records, SRTP and reports;
// SCTP is pion's. One goroutine, a lane, reads the sockets of many bots, many
// packets at once, and sends what is due. The kernel notes when each packet
// came, so a generator that is late does not measure its own delay. Under
// Config.Net (a simulated network) each bot has a reading goroutine instead
// and the time is that of reading. Tests hold both paths to the same result.
//
// # What a bot costs
//
// On an AMD EPYC core (KVM, Go 1.26), shared with other work, so read
// differences under 25 % as noise; voice in 8 slots without a pause (400
// packets/s), own voice sent, 30 poses/s sent, all poses of up to 64 others
// received, process CPU time (getrusage):
//
//	            bots  CPU/bot      heap    stacks  RSS/bot  goroutines
//	PathPion     100  0.60-0.66 %  600 KB  150 KB  900 KB   39
//	PathLean     100  0.23-0.37 %   59 KB   20 KB  185 KB   5
//	PathLean     300  0.18-0.19 %   79 KB   20 KB  163 KB   5
//
// The last row had 30 talkers and 350 packets/s a bot, at which the server's
// core was full; its memory was taken with GOGC=50. Decoding every pose
// (Config.Pose) adds, by the profile, about 0.05 % where 64 others move. To measure:
//
//	go test -c -o loadtest.test ./loadtest
//	EARSHOT_BENCH_BOTS=100 taskset -c 1 ./loadtest.test -test.run TestBotCost -test.v
//
// # Concurrency
//
// Judgement is pure: time comes in, values come out. A Bot has goroutines of
// its own, and things that its Host does for it; all have ended when Close
// returns. Its methods are safe for concurrent use. Its logs are bounded: what
// does not fit is counted, not kept. Bots of one process share a clock, which
// is what makes one-way delays measurable; between machines they are as good
// as the clocks are.
package loadtest
