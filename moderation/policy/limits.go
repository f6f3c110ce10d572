package policy

import "time"

// Limits of what is accepted. They are far above what operators write and low
// enough that a hostile file costs little.
const (
	MaxYAML  = 256 << 10 // bytes of a policy file
	MaxDepth = 12        // its nesting
	// MaxWait is how long chat may wait for a verdict before it is delivered.
	MaxWait = 50 * time.Millisecond

	maxProblems  = 200  // reported of one file
	maxText      = 2000 // bytes of a text for people
	maxName      = 64   // bytes of a name
	maxRungs     = 32
	maxQuiet     = 32
	maxLanguages = 16
	maxCases     = 500
	maxHistory   = 100       // strikes or sanctions of a case
	maxTermRules = 64        // of a file
	maxPattern   = 200       // bytes of an expression
	maxPatternOp = 500       // instructions of an expression, repeats unrolled
	maxTerms     = 32        // terms of a signal that are looked at
	maxTermName  = 64        // bytes of the name of a term that are looked at
	maxReporters = 1000      // reporters that are weighed
	newTogether  = 1.0       // what reports of all new accounts together count
	maxLowering  = 0.5       // of a threshold, all reasons together
	floor        = 0.2       // lowering does not get a threshold below
	maxWeight    = 100.0     // of a strike
	maxSum       = 1000.0    // of strikes
	maxHold      = time.Hour // of a held message
	maxMute      = 90 * day  // of slow, mask, mute, isolate
	maxSuspend   = 366 * day
	maxMachine   = 7 * day // of what is automatic
	maxEvidence  = 90 * day
	maxAppealed  = 366 * day
	maxKept      = 5 * 366 * day // of incidents, and of strikes
)
