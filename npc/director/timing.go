package director

import "time"

// Timing is when a character takes and leaves its turn. Zero fields mean those
// of DefaultTiming, which are LiveKit Agents' where that has the same notion.
type Timing struct {
	MinEndpoint       time.Duration // silence after words that sound finished
	MaxEndpoint       time.Duration // silence after words that do not, or are not known yet
	Interruption      time.Duration // speech that stops the character
	FalseInterruption time.Duration // silence after which it goes on, if there were no words
	Deadline          time.Duration // from the end of a turn to the first word of the answer
	// Grace is how long after the Deadline, when a scripted line was said, the
	// model may still answer. 0: what comes later is not wanted. Some seconds
	// suit slow backends and lines like "let me think".
	Grace     time.Duration
	Dwell     time.Duration // how long somebody is near before being greeted
	Cooldown  time.Duration // between two greetings of the same person
	Attention time.Duration // how long a conversation is remembered as one
}

// DefaultTiming returns the documented defaults.
func DefaultTiming() Timing {
	return Timing{
		MinEndpoint: 500 * time.Millisecond, MaxEndpoint: 3 * time.Second,
		Interruption: 500 * time.Millisecond, FalseInterruption: 2 * time.Second,
		Deadline: 4 * time.Second, Dwell: 800 * time.Millisecond, Cooldown: 5 * time.Minute,
		Attention: 30 * time.Second,
	}
}

// WithDefaults returns t with its zero fields filled.
func (t Timing) WithDefaults() Timing {
	d := DefaultTiming()
	for _, f := range []struct{ have, want *time.Duration }{
		{&t.MinEndpoint, &d.MinEndpoint}, {&t.MaxEndpoint, &d.MaxEndpoint},
		{&t.Interruption, &d.Interruption}, {&t.FalseInterruption, &d.FalseInterruption},
		{&t.Deadline, &d.Deadline}, {&t.Dwell, &d.Dwell}, {&t.Cooldown, &d.Cooldown}, {&t.Attention, &d.Attention},
	} {
		if *f.have == 0 {
			*f.have = *f.want
		}
	}
	return t
}

// Validate returns an *earshot.Error that names the field that is wrong.
func (t Timing) Validate() error {
	for _, f := range []struct {
		name       string
		value, max time.Duration
	}{
		{"min_endpoint", t.MinEndpoint, 10 * time.Second}, {"max_endpoint", t.MaxEndpoint, 10 * time.Second},
		{"interruption", t.Interruption, 10 * time.Second}, {"false_interruption", t.FalseInterruption, 30 * time.Second},
		{"deadline", t.Deadline, time.Minute}, {"grace", t.Grace, stuck - 5*time.Second}, {"dwell", t.Dwell, time.Minute},
		{"cooldown", t.Cooldown, 24 * time.Hour}, {"attention", t.Attention, time.Hour},
	} {
		if f.value < 0 || f.value > f.max {
			return invalid("timing.%s: %v is outside 0 to %v", f.name, f.value, f.max)
		}
	}
	return nil
}
