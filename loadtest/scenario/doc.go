// Package scenario is what a load test does, written down: who comes, when,
// where they go, how they talk, over what network, and what must then hold.
//
// It owns the YAML format (Parse), its bounds, the shipped scenarios (Shipped,
// Load), changes from a command line (Set) and the cast: from a scenario and
// its seed the movement, the talk and the time of arrival of every
// participant. It runs nothing; loadtest/run does. It knows the rules of an
// SLO by their shape only: loadtest/report knows the names.
//
// Everything is pure. A Scenario is not safe for concurrent use while Set
// changes it; it is afterwards.
package scenario
