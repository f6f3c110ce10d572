//go:build !race

package policy

// fuzzedPolicies is how many the test of fuzzed policies tries.
const fuzzedPolicies = 10_000
