package gateway

import (
	"errors"
	"net"
	"regexp"

	"earshot"
	"earshot/presence"
	"earshot/spatialaudio"
)

// Config is everything a Gateway can be told. The zero value is not usable:
// start from DefaultConfig.
type Config struct {
	// Listen is HOST:PORT of the public HTTP listener.
	Listen string `yaml:"listen"`
	// Admin is HOST:PORT of the listener for metrics, profiles and the admin
	// API. Empty turns it off. It has no authentication: keep it private.
	Admin string `yaml:"admin"`
	// Keys verify tokens. With none, New generates a development key and the
	// node hands tokens to everybody who asks: see Development.
	Keys []Key `yaml:"keys"`
	// Worlds by name (1-32 of a-z, 0-9 and -).
	Worlds map[string]WorldConfig `yaml:"worlds"`
	// MaxJoins bounds the joins being set up at once.
	MaxJoins int `yaml:"max_joins"`
}

// WorldConfig describes a world.
type WorldConfig struct {
	// Title is what people read. Scene names the scenery a client should show.
	Title string `yaml:"title"`
	Scene string `yaml:"scene"`
	// Capacity is the most participants of one instance.
	Capacity int `yaml:"capacity"`
	// ViewRange is how far others are seen, in metres; ChatRange how far text
	// chat is heard. Voice.Range says how far voices are.
	ViewRange float64 `yaml:"view_range"`
	ChatRange float64 `yaml:"chat_range"`
	// MaxNear bounds how many others a participant is sent poses of.
	MaxNear int `yaml:"max_near"`
	// Voice is the curve by which a voice fades.
	Voice spatialaudio.Curve `yaml:"voice"`
	// DataLabels must all be on a model server that sees what is said in this
	// world, such as "eu" or "on-premises".
	DataLabels []string `yaml:"data_labels"`
	// Spawn is the centre of the disc newcomers appear on, in metres, and
	// SpawnRadius its size. They face SpawnYaw, in degrees: 0 is -z, 90 is -x.
	Spawn       [3]float32 `yaml:"spawn"`
	SpawnRadius float32    `yaml:"spawn_radius"`
	SpawnYaw    float32    `yaml:"spawn_yaw"`
}

// DefaultWorld is the demo world "plaza", and what a world in a file starts from.
func DefaultWorld() WorldConfig {
	return WorldConfig{
		Title:       "Plaza",
		Scene:       "plaza",
		Capacity:    200,
		ViewRange:   60,
		ChatRange:   20,
		MaxNear:     64,
		DataLabels:  []string{},
		Voice:       spatialaudio.DefaultCurve(),
		Spawn:       [3]float32{0, 0, 9}, // before the fountain of the plaza
		SpawnRadius: 2.5,
	}
}

// DefaultConfig is a complete single-machine world on localhost.
func DefaultConfig() Config {
	return Config{
		Listen:   "localhost:8080",
		Admin:    "localhost:8081",
		Worlds:   map[string]WorldConfig{"plaza": DefaultWorld()},
		MaxJoins: 64,
	}
}

// Development reports whether no key is configured, so that the node hands out
// tokens itself. Nothing else ever turns a development convenience on.
func (c *Config) Development() bool { return len(c.Keys) == 0 }

var worldName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

// Validate reports the first thing that is wrong, naming the field.
func (c *Config) Validate() error {
	for _, a := range []struct{ field, value string }{{"listen", c.Listen}, {"admin", c.Admin}} {
		if a.field == "admin" && a.value == "" {
			continue
		}
		if _, _, err := net.SplitHostPort(a.value); err != nil {
			return invalid("%s: %q is not HOST:PORT, such as localhost:8080", a.field, a.value)
		}
	}
	if c.MaxJoins < 1 || c.MaxJoins > 4096 {
		return invalid("max_joins: %d is outside 1 to 4096", c.MaxJoins)
	}
	if len(c.Worlds) == 0 {
		return invalid("worlds: none is configured; add at least one, such as plaza: {}")
	}
	for name, w := range c.Worlds {
		if !worldName.MatchString(name) {
			return invalid("worlds: %q is not a name of 1 to 32 of a-z, 0-9 and -", name)
		}
		if err := w.validate("worlds." + name); err != nil {
			return err
		}
	}
	return nil
}

func (w *WorldConfig) validate(at string) error {
	switch {
	case w.Voice.Range > w.ViewRange:
		return invalid("%s.view_range: %g m is less than voice.range, %g m", at, w.ViewRange, w.Voice.Range)
	case w.ChatRange <= 0 || w.ChatRange > 10000:
		return invalid("%s.chat_range: %g is outside 0 to 10000 m", at, w.ChatRange)
	case w.SpawnRadius < 0 || w.SpawnRadius > 1000:
		return invalid("%s.spawn_radius: %g is outside 0 to 1000 m", at, w.SpawnRadius)
	case !(w.SpawnYaw >= -360 && w.SpawnYaw <= 360):
		return invalid("%s.spawn_yaw: %g is outside -360 to 360 degrees", at, w.SpawnYaw)
	case !(earshot.Vec3{X: w.Spawn[0], Y: w.Spawn[1], Z: w.Spawn[2]}).Finite():
		return invalid("%s.spawn: not a finite position", at)
	}
	if len(w.DataLabels) > maxLabels {
		return invalid("%s.data_labels: %d, at most %d", at, len(w.DataLabels), maxLabels)
	}
	space := w.space()
	if err := space.Validate(); err != nil {
		return within(at, err)
	}
	return within(at+".voice", w.Voice.Validate())
}

// space is the part of w that presence needs.
func (w *WorldConfig) space() presence.Config {
	return presence.Config{Capacity: w.Capacity, ViewRange: w.ViewRange, MaxNear: w.MaxNear}
}

func invalid(format string, args ...any) *earshot.Error {
	return earshot.Errorf(earshot.CodeInvalidArgument, format, args...)
}

// within says in which part of the configuration err arose; nil stays nil.
func within(at string, err error) error {
	if err == nil {
		return nil
	}
	var e *earshot.Error
	if errors.As(err, &e) {
		return invalid("%s: %s", at, e.Message)
	}
	return invalid("%s: %v", at, err)
}
