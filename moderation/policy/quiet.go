package policy

import (
	"fmt"
	"slices"
	"time"
)

// lowering is how much thresholds are lower now.
type lowering struct {
	all    float64 // of all
	gentle float64 // of all but strikes, on top
}

// lowering adds up quiet hours and reports.
func (p *Policy) lowering(s *Signal, now time.Time, t *trace) (l lowering) {
	if len(p.Spec.Quiet) > 0 {
		at := now.In(p.zone)
		for i := range p.Spec.Quiet {
			if q := &p.Spec.Quiet[i]; q.LowerBy > l.all && q.in(at) {
				l.all = q.LowerBy
			}
		}
	}
	if p.reported(s.Reporters) {
		l.gentle = p.Spec.Reports.LowerBy
	}
	if t != nil && l.all > 0 {
		t.addf("quiet hours: thresholds are %.2f lower", l.all)
	}
	if t != nil && l.gentle > 0 {
		t.addf("reports weigh %.2f: thresholds are %.2f lower, but that of strikes", s.Reporters, l.gentle)
	}
	return l
}

// apply lowers thresholds, never below the floor, and keeps their order.
func (l lowering) apply(to *limits) {
	for i, v := range to {
		by := l.all
		if effects(1)<<i != toStrike {
			by += l.gentle
		}
		to[i] = min(v, max(v-min(by, maxLowering), floor))
	}
}

// in says whether a local time is in the hours.
func (q *QuietHours) in(at time.Time) bool {
	from, _ := clock(q.From)
	to, _ := clock(q.To)
	minute := at.Hour()*60 + at.Minute()
	if from < to {
		return minute >= from && minute < to && q.on(at.Weekday())
	}
	if minute >= from {
		return q.on(at.Weekday())
	}
	return minute < to && q.on((at.Weekday()+6)%7) // the evening before
}

func (q *QuietHours) on(d time.Weekday) bool {
	return len(q.Days) == 0 || slices.Contains(q.Days, weekdays()[d])
}

// weekdays are the names of days by time.Weekday.
func weekdays() [7]string { return [7]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} }

// clock reads HH:MM as minutes of the day.
func clock(s string) (int, error) {
	t, err := time.Parse("15:04", s)
	if err != nil || len(s) != 5 {
		return 0, fmt.Errorf("%.16q is no time like 22:00", s)
	}
	return t.Hour()*60 + t.Minute(), nil
}
