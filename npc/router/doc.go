// Package router decides which model server answers a request: it predicts
// the time to the first token on every backend that policy allows, and takes
// the one that will answer first for its price.
//
// It owns what is known about backends (in flight, learnt speed, loaded
// models, a mirror of their prefix caches, health), the queues of the two
// classes, and who is next: worlds share by weighted virtual tokens, and
// within a world the earliest deadline goes first. It does not own prompts,
// connections, probes or clocks: the caller sends the request where an
// Assignment says, and reports the first token and the end.
//
// A request goes through
//
//	Submit -> Ticket; Next -> Assignment (one Attempt); FirstToken; Done
//
// and Hedge may add a second Attempt before the first token. Call Next until
// it returns false after Submit, Done, SetBackend and SetLoaded, and every few
// milliseconds while anything is queued; call Hedge in the same rhythm.
//
// Package npc is the only caller inside Earshot. It is pure: times and a seed
// come in, decisions come out as values, and in steady state nothing is
// allocated. Nothing here may be used from two goroutines at once.
//
// Formulae: TTFT is rtt + wait for a slot + (uncached tokens ahead + own) * c
// + load time, as in llm-d's predictor; cold start is Prequal's hot-cold
// lexicographic rule (Wydrowski et al., NSDI 2024); fairness is VTC (Sheng et
// al., OSDI 2024); ejection follows Envoy's outlier detection.
package router
