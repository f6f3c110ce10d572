package sfu

import (
	"slices"
)

// layerNames are the names that streaming clients give to their layers, the
// lowest first.
var layerNames = [...][]string{
	{"l", "m", "h"}, {"lo", "mid", "hi"}, {"low", "mid", "high"}, {"low", "medium", "high"},
	{"q", "h", "f"}, // quarter, half, full
}

// lowestFirst returns a publisher's layers as a Publication wants them. The
// order in an offer is that of preference (RFC 8853, section 5.2), and so the
// best first: OBS numbers its layers so. Browsers list them in whatever order a
// page has, so names that say more count more.
func lowestFirst(rids []string) []string {
	for _, names := range layerNames {
		rank := func(rid string) int { return slices.Index(names, rid) }
		if slices.ContainsFunc(rids, func(rid string) bool { return rank(rid) < 0 }) {
			continue
		}
		slices.SortFunc(rids, func(a, b string) int { return rank(a) - rank(b) })
		return rids
	}
	slices.Reverse(rids)
	return rids
}
