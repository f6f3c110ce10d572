// Package placement decides where somebody goes: into which instance of a
// world, with whom, on which node a new one opens, and when instances merge or
// close.
//
// Planner owns what is known for that: nodes and their load, instances and who
// is in them, places promised a moment ago, and how fast people arrive. It does
// not own the truth: a decision becomes one by a reservation at the store
// (cluster.Reserve), which may refuse it; nor who waits for a world that is
// full (presence/queue).
// Called by gateway on every node, each with its own view; they need not agree.
//
// It is pure: time comes in, decisions come out as values, and placing somebody
// allocates nothing. Nothing here may be used from two goroutines at once.
package placement
