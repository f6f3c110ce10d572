// Package truth says what a listener should hear and see, and how far what
// they got was from it.
//
// A load tester knows where everybody is and who speaks how loudly, so it can
// work out from the public formulae (the gain curve of the world, audibility as
// level plus gain, K slots, hysteresis) who belongs into whose slots. World
// holds that truth, a moment at a time. A Ledger is one listener's account: it
// takes every voice packet (Heard), is compared with the truth some ten times a
// second (Judge), and keeps figures in bounded memory. Figures of many listeners
// add up (Figures.Merge) and have the names that reports and SLOs use
// (Figures.Metrics). Poses does the same for poses, Track keeps true motion,
// Histogram and MOS serve all.
//
// What a server mixes of several voices says in no packet whose it is: Ledger.Hears
// takes what the server, asked, says of it.
//
// Three ideas keep it from blaming a server that is right. A server may keep
// somebody in a slot until a challenger is 4 dB more audible, so only those are
// due who are clearly (Config.Margin more than that) ahead of all but K-1
// others, and only those are wrong who are clearly behind K others. It may take
// time, so nothing counts as missing or wrong until it has been so for
// Config.Patience without a break. And what the network keeps on its way is
// told by the time of sending, which every packet carries: a packet counts as
// forbidden only if it was sent after the ban was known to hold, or half a second
// after a sealed wall of the world's zones came between two people. What a server
// gains by being lax within those bounds shows in onset and latency.
//
// The package is pure: times come in, which all have to be of one clock. Nothing
// here is safe for concurrent use; a World is read by Judge and changed by Step
// only, so that ledgers may be judged at the same time by several goroutines
// between two Steps. It knows nothing of bots or servers. Called by
// loadtest/run and loadtest/peer.
package truth
