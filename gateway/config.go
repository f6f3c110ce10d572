package gateway

import (
	"errors"
	"fmt"
	"net"
	"regexp"

	"earshot"
	"earshot/gateway/desk"
	"earshot/gateway/protocol"
	"earshot/presence"
	"earshot/spatialaudio"
	"earshot/spatialaudio/zone"
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
	// MaxJoins bounds the joins that wait or are being set up at once.
	MaxJoins int `yaml:"max_joins"`
	// MaxJoinsPerAddress bounds how many joins a second come from one address,
	// with three times as many at once; 0 is no limit. Behind a proxy all come
	// from one.
	MaxJoinsPerAddress int `yaml:"max_joins_per_address"`
	// LiveKit is what concerns LiveKit's SDKs.
	LiveKit LiveKitConfig `yaml:"livekit"`
	// Instances is how people are spread over those of a world.
	Instances InstancesConfig `yaml:"instances"`
	// Fleet is what this node is among several.
	Fleet FleetConfig `yaml:"fleet"`
	// Mix is about binaural mixes, for listeners who ask for one instead of
	// voice slots.
	Mix desk.Config `yaml:"mix"`
	// Cluster is about other nodes that share instances with this one.
	Cluster ClusterConfig `yaml:"cluster"`
	// Federation is about other operators.
	Federation FederationConfig `yaml:"federation"`
}

// WorldConfig describes a world.
type WorldConfig struct {
	// Title is what people read. Scene names the scenery a client should show.
	Title string `yaml:"title"`
	Scene string `yaml:"scene"`
	// Capacity is the most participants of one instance. MaxInstances is how
	// many public instances of it may run here: where all are nearly full, a
	// newcomer opens the next.
	Capacity     int `yaml:"capacity"`
	MaxInstances int `yaml:"max_instances"`
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
	// E2EE is whether participants may encrypt their voices and videos end to
	// end: allowed, required or refused. Where voices are moderated, allowed
	// means refused: a voice that cannot be heard cannot be judged.
	E2EE string `yaml:"e2ee"`
	// Spawn is the centre of the disc newcomers appear on, in metres, and
	// SpawnRadius its size. They face SpawnYaw, in degrees: 0 is -z, 90 is -x.
	Spawn       [3]float32 `yaml:"spawn"`
	SpawnRadius float32    `yaml:"spawn_radius"`
	SpawnYaw    float32    `yaml:"spawn_yaw"`
	// Stages are where streams stand that come by WHIP: the first unless the
	// token or the request names one. MaxViewers is the most players (WHEP) of
	// one instance at once; they are no participants.
	Stages     []StageConfig `yaml:"stages"`
	MaxViewers int           `yaml:"max_viewers"`
	// Zones are its rooms, walls, private tables, megaphones and quiet places.
	Zones zone.List `yaml:"zones"`
	// Borders are lines that it shares with other worlds, at most 8.
	Borders []BorderConfig `yaml:"borders"`
	// NPCs live here, and NPCDensity is the share of them that is out, 0 to 1.
	NPCs       []NPCConfig `yaml:"npcs"`
	NPCDensity float64     `yaml:"npc_density"`
}

// NPCConfig places a character in a world.
type NPCConfig struct {
	// ID names the NPC in its world (1-32 of a-z, 0-9 and -).
	ID string `yaml:"id"`
	// Persona is a file of the personas' folder without .yaml, or one that
	// comes with Earshot: mara.
	Persona string `yaml:"persona"`
	// Position is where it stands, in metres; it faces Yaw, in degrees.
	Position [3]float32 `yaml:"position"`
	Yaw      float32    `yaml:"yaw"`
	// Waypoints are where it walks, one after the other and round again, at
	// Speed in metres a second (0: 1.2). None: it stays.
	Waypoints []WaypointConfig `yaml:"waypoints"`
	Speed     float32          `yaml:"speed"`
}

// WaypointConfig is a place an NPC walks to, and how long it stays there, in
// seconds. A persona's actions may send it there by Name.
type WaypointConfig struct {
	Name     string     `yaml:"name,omitempty" json:"name,omitempty"`
	Position [3]float32 `yaml:"position" json:"position"`
	Pause    float32    `yaml:"pause" json:"pause"`
}

// DefaultWorld is the demo world "plaza", and what a world in a file starts from.
func DefaultWorld() WorldConfig {
	return WorldConfig{
		Title:    "Plaza",
		Scene:    "plaza",
		Capacity: 250,

		MaxInstances: 1,

		ViewRange:   60,
		ChatRange:   20,
		MaxNear:     64,
		DataLabels:  []string{},
		NPCs:        []NPCConfig{},
		NPCDensity:  1,
		Stages:      []StageConfig{},
		Zones:       zone.List{},
		Borders:     []BorderConfig{},
		MaxViewers:  500,
		E2EE:        protocol.E2EEAllowed,
		Voice:       spatialaudio.DefaultCurve(),
		Spawn:       [3]float32{0, 0, 9}, // before the fountain of the plaza
		SpawnRadius: 2.5,
	}
}

// demoWorld is the plaza with somebody to talk to.
func demoWorld() WorldConfig {
	w := DefaultWorld()
	w.NPCs = []NPCConfig{{ID: "mara", Persona: "mara", Position: [3]float32{4, 0, 5}, Yaw: 135, Waypoints: []WaypointConfig{}, Speed: 1.2}}
	return w
}

// DefaultConfig is a complete single-machine world on localhost.
func DefaultConfig() Config {
	return Config{
		Listen:   "localhost:8080",
		Admin:    "localhost:8081",
		Worlds:   map[string]WorldConfig{"plaza": demoWorld()},
		MaxJoins: 256,

		MaxJoinsPerAddress: 200,

		LiveKit: LiveKitConfig{Webhooks: WebhooksConfig{URLs: []string{}}},
		Mix:     desk.DefaultConfig(),
		Fleet:   DefaultFleetConfig(),

		Instances: DefaultInstances(),

		Cluster: DefaultCluster(),

		Federation: DefaultFederation(),
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
	if c.MaxJoinsPerAddress < 0 || c.MaxJoinsPerAddress > 1<<20 {
		return invalid("max_joins_per_address: %d is outside 0 to %d", c.MaxJoinsPerAddress, 1<<20)
	}
	if err := c.LiveKit.validate(c.Keys); err != nil {
		return err
	}
	if err := c.Instances.validate(); err != nil {
		return err
	}
	if err := c.Fleet.validate(); err != nil {
		return err
	}
	if err := c.Mix.Validate(); err != nil {
		return invalid("mix.%v", err)
	}
	if err := c.Cluster.validate(c.Worlds); err != nil {
		return err
	}
	if err := c.Federation.validate(c.Worlds, c.Fleet.URL); err != nil {
		return err
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
	return validateBorders(c.Worlds)
}

func (w *WorldConfig) validate(at string) error {
	switch {
	case w.Voice.Range > w.ViewRange:
		return invalid("%s.view_range: %g m is less than voice.range, %g m", at, w.ViewRange, w.Voice.Range)
	case w.MaxInstances < 1 || w.MaxInstances > 1000:
		return invalid("%s.max_instances: %d is outside 1 to 1000", at, w.MaxInstances)
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
	if !(w.NPCDensity >= 0 && w.NPCDensity <= 1) {
		return invalid("%s.npc_density: %g is outside 0 to 1", at, w.NPCDensity)
	}
	if err := w.validateE2EE(at); err != nil {
		return err
	}
	if err := validateNPCs(at, w.NPCs); err != nil {
		return err
	}
	if err := validateStages(at, w.Stages); err != nil {
		return err
	}
	if err := within(at, w.Zones.Validate()); err != nil {
		return err
	}
	if w.MaxViewers < 0 || w.MaxViewers > 100_000 {
		return invalid("%s.max_viewers: %d is outside 0 to 100000", at, w.MaxViewers)
	}
	space := w.space()
	if err := space.Validate(); err != nil {
		return within(at, err)
	}
	return within(at+".voice", w.Voice.Validate())
}

// space is the part of w that presence needs.
func (w *WorldConfig) space() presence.Config {
	return presence.Config{Capacity: w.Capacity + w.visitors(), ViewRange: w.ViewRange, MaxNear: w.MaxNear}
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

const (
	maxNPCs      = 64 // of a world
	maxWaypoints = 64 // of an NPC

	maxWaypointName = 64 // bytes
)

func validateNPCs(at string, list []NPCConfig) error {
	if len(list) > maxNPCs {
		return invalid("%s.npcs: %d, at most %d", at, len(list), maxNPCs)
	}
	seen := map[string]bool{}
	for i := range list {
		n := &list[i]
		at := fmt.Sprintf("%s.npcs[%d]", at, i)
		switch {
		case !worldName.MatchString(n.ID):
			return invalid("%s.id: %q is not a name of 1 to 32 of a-z, 0-9 and -", at, n.ID)
		case seen[n.ID]:
			return invalid("%s.id: %s is there twice", at, n.ID)
		case !worldName.MatchString(n.Persona):
			return invalid("%s.persona: %q is not the name of a persona: 1 to 32 of a-z, 0-9 and -, without .yaml", at, n.Persona)
		}
		seen[n.ID] = true
		place := placeOf(n)
		if err := place.validate(); err != nil {
			return within(at, err)
		}
	}
	return nil
}
