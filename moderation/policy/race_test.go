//go:build race

package policy

// fuzzedPolicies is how many the test of fuzzed policies tries: fewer under the
// race detector, which makes reading YAML ten times slower and has nothing to
// find here, since this package starts no goroutine.
const fuzzedPolicies = 1000
