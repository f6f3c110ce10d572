package forward

import "time"

// Reception is how a listener gets one slot, by its reports (RFC 3550, section
// 6.4.1). The zero Reception has heard of nothing.
type Reception struct {
	At        time.Time     // of the newest report; zero before the first
	Loss      float64       // share of what was sent between the last two reports that was lost, 0 to 1
	Jitter    time.Duration // between arrivals
	RoundTrip time.Duration // 0 where unknown

	Expected, Lost uint64 // packets sent and lost since the first report

	highest, lost uint32 // as reported last
}

// ReportBlock is one report of a listener on a slot.
type ReportBlock struct {
	Highest uint32 // extended highest sequence number
	Lost    uint32 // cumulative, signed, 24 bits
	Jitter  uint32 // in ticks of the clock
	Last    uint32 // middle 32 bits of the NTP time of the last sender report; 0 for none
	Delay   uint32 // since it came, in 2^-16 s
}

// maxRoundTrip is the longest round trip that is believed.
const maxRoundTrip = 20 * time.Second

// Report takes a block that came at now, which is ntp in NTP's 32 bits. left is
// what left of the slot: what the publisher's way to here had lost is no loss of
// this listener's. It returns how many packets were sent and lost since the
// report before, and false where that is not known.
func (r *Reception) Report(b ReportBlock, kind Kind, left *Window, now time.Time, ntp uint32) (expected, lost int, ok bool) {
	rate := uint64(48000)
	if kind == Video {
		rate = 90000
	}
	r.Jitter = time.Duration(min(uint64(b.Jitter), 10*rate) * uint64(time.Second) / rate)
	if b.Last != 0 {
		if trip := time.Duration(uint64(ntp-b.Last-b.Delay) * uint64(time.Second) >> 16); trip <= maxRoundTrip {
			r.RoundTrip = trip
		}
	}
	first := r.At.IsZero()
	highest, before := b.Highest, r.highest
	gone := int(int32((b.Lost-r.lost)<<8) >> 8)
	if !first && int32(highest-before) < 0 { // an old report
		return 0, 0, false
	}
	r.At, r.highest, r.lost = now, highest, b.Lost
	missing, known := left.Missing(uint16(before), uint16(highest))
	if first || !known || highest-before > windowSize {
		return 0, 0, false
	}
	expected = int(highest-before) - missing
	lost = min(max(0, gone-missing), expected)
	r.Loss = 0
	if expected > 0 {
		r.Loss = float64(lost) / float64(expected)
	}
	r.Expected += uint64(expected)
	r.Lost += uint64(lost)
	return expected, lost, true
}
