// Package cluster breaks a fleet of Earshot nodes and measures what its people
// notice: it starts a store and nodes as processes, brings bots, kills, stops,
// cuts off and empties, and looks at who heard whom, when.
//
// It owns the processes it starts, the TCP proxies by which nodes reach the
// store, the people (loadtest.Returner) with what each of them may hear, the
// audit of who admits to an instance, and the figures. It does not own bots
// (loadtest) nor charts (loadtest/report). cmd/earshot calls it, as earshot
// loadtest cluster, and lends it the way to sign tokens.
//
// Everything runs on this machine, over loopback, in real time: what is measured
// has the machine's other work in it. A Site and what belongs to it may be used
// by several goroutines; a scenario is one goroutine that waits for others.
package cluster
