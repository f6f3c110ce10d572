// Package report is what a load test leaves behind: the result as JSON, what
// each figure means, the targets a run is held to, the comparison of runs, a
// summary for the terminal and one self-contained HTML page.
//
// It owns the shape of Result, the Catalogue of metric names (the language
// that targets, comparisons and capacity runs share) and every rendering. It
// measures nothing and imports no other package of the load tester:
// loadtest/run and loadtest/peer fill a Result, cmd/earshot reads, checks,
// compares and prints it.
//
// Results come from files that others made, and names in them from other
// people's servers: reading is bounded, every rendering escapes, and the page
// loads nothing from anywhere.
//
// Everything here is a function of its arguments and safe for concurrent use
// as long as nobody changes the Result meanwhile.
package report
