//go:build race

package gateway

// simulations is how many seeds the simulation of commons tries: fewer under the
// race detector, which makes it three times as slow and has nothing to find in it,
// since it starts no goroutine.
const simulations = 12
