package loadtest

import (
	"fmt"
	"time"
)

// Report is what Judge found. Repeat and Skip are the worst faults an ear
// would notice: sound that comes twice or late because the time stamps go on
// too little, and sound torn by silence because they go on too much.
type Report struct {
	Packets    int // judged, without duplicates
	Silence    int // of those, the server's silence and comfort noise
	Duplicates int // the same sequence number again
	Lost       int // sequence numbers that never came
	Talkers    int
	Changes    int // a slot went to another talker
	Unsure     int // changes and talkspurts not judged, because packets next to them were lost
	Repeat     time.Duration
	Skip       time.Duration
	// Slack is the widest time within which the server must have handled
	// the two packets of a change: smaller faults of its clock may hide there.
	Slack      time.Duration
	MedianLag  time.Duration // bot's write to listener's read
	P95Lag     time.Duration
	WorstLag   time.Duration
	OnsetFrame int     // median frame of a talkspurt that opened a slot within its first second; 1 is unclipped
	Faults     []Fault // the worst, at most 20
	Holes      []Hole  // in order of time
}

// Fault is one place where sound was repeated or skipped.
type Fault struct {
	Slot   int
	Seq    uint16
	At     time.Time
	Repeat time.Duration
	Skip   time.Duration
	What   string
}

// String is one line for a test's failure text.
func (f Fault) String() string {
	return fmt.Sprintf("slot %d seq %d: %s: repeat %v skip %v", f.Slot, f.Seq, f.What,
		f.Repeat.Round(time.Millisecond), f.Skip.Round(time.Millisecond))
}
