package presence

import (
	"time"

	"earshot"
	"earshot/presence/pose"
)

// Limits of a Config.
const (
	MaxCapacity  = pose.MaxIndex + 1
	MaxViewRange = 1000 // metres
	MaxNear      = 256
)

// Config shapes one instance.
type Config struct {
	// Capacity is how many participants fit in: 1 to 4096.
	Capacity int `yaml:"capacity"`
	// ViewRange is how far one sees others, in metres: up to 1000. One who
	// has been seen stays until a tenth beyond it.
	ViewRange float64 `yaml:"view_range"`
	// MaxNear is how many others one sees, the nearest: 1 to 256.
	MaxNear int `yaml:"max_near"`
	// Epoch is when the server clock of poses was 0.
	Epoch time.Time `yaml:"-"`
}

// DefaultConfig returns an instance for 100 that see 64 within 50 m, with a
// clock that starts in 1970 and wraps every 49.7 days.
func DefaultConfig() Config {
	return Config{Capacity: 100, ViewRange: 50, MaxNear: 64, Epoch: time.Unix(0, 0)}
}

// Validate returns an *earshot.Error with code invalid_argument that names the
// first field out of range.
func (c *Config) Validate() error {
	switch {
	case c.Capacity < 1 || c.Capacity > MaxCapacity:
		return earshot.Errorf(earshot.CodeInvalidArgument, "capacity is %d; it must be 1 to %d", c.Capacity, MaxCapacity)
	case !(c.ViewRange > 0 && c.ViewRange <= MaxViewRange):
		return earshot.Errorf(earshot.CodeInvalidArgument, "view_range is %v m; it must be above 0 and at most %d", c.ViewRange, MaxViewRange)
	case c.MaxNear < 1 || c.MaxNear > MaxNear:
		return earshot.Errorf(earshot.CodeInvalidArgument, "max_near is %d; it must be 1 to %d", c.MaxNear, MaxNear)
	}
	return nil
}
