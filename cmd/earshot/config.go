package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/caarlos0/env/v11"
	"go.yaml.in/yaml/v3"

	"earshot/deploy"
	"earshot/gateway"
	"earshot/npc"
	"earshot/presence/store"
	"earshot/sfu"
	"earshot/sfu/record"
)

// Config is everything a node can be told, one struct per package.
// deploy/earshot.example.yaml explains each key.
type Config struct {
	gateway.Config `yaml:",inline"`
	Media          sfu.Config       `yaml:"media"`
	Inference      npc.Config       `yaml:"inference"`
	NPC            NPCConfig        `yaml:"npc"`
	Moderation     ModerationConfig `yaml:"moderation"`
	Recording      record.Config    `yaml:"recording"`
	Store          store.Config     `yaml:"store"`
	Log            LogConfig        `yaml:"log"`
}

// LogConfig says what is logged, and how, on standard error.
type LogConfig struct {
	Level  slog.Level `yaml:"level"`
	Format string     `yaml:"format"` // text or json
}

// defaultMediaPort is where media goes unless told otherwise: the port of
// STUN, which firewalls that let any calls through know.
const defaultMediaPort = "0.0.0.0:3478"

func defaultConfig() Config {
	cfg := Config{
		Config:     gateway.DefaultConfig(),
		Media:      sfu.DefaultConfig(),
		Inference:  npc.DefaultConfig(),
		NPC:        defaultNPCs(),
		Moderation: defaultModeration(),
		Recording:  record.DefaultConfig(),
		Store:      store.DefaultConfig(),
		Log:        LogConfig{Level: slog.LevelInfo, Format: "text"},
	}
	cfg.Media.UDP = defaultMediaPort
	cfg.Media.PublicIPs = []string{}
	cfg.Inference.Backends = []npc.BackendConfig{}
	return cfg
}

// settings are what flags and environment say over the file; a nil one says
// nothing.
type settings struct {
	File      *string  `env:"EARSHOT_CONFIG"`
	Listen    *string  `env:"EARSHOT_LISTEN"`
	UDP       *string  `env:"EARSHOT_UDP"`
	Egress    *string  `env:"EARSHOT_EGRESS"`
	Admin     *string  `env:"EARSHOT_ADMIN"`
	LogLevel  *string  `env:"EARSHOT_LOG_LEVEL"`
	LogFormat *string  `env:"EARSHOT_LOG_FORMAT"`
	PublicIPs []string `env:"EARSHOT_PUBLIC_IPS"`
	KeyID     string   `env:"EARSHOT_KEY_ID"`
	KeySecret string   `env:"EARSHOT_KEY_SECRET"`
	Cluster   string   `env:"EARSHOT_CLUSTER_SECRET"`
}

// bind lets flags of set fill s.
func (s *settings) bind(set *flag.FlagSet) {
	for _, f := range []struct {
		name, usage string
		to          **string
	}{
		{"config", "YAML `file`; earshot config -example prints one", &s.File},
		{"listen", "`HOST:PORT` of the web page and the API (default localhost:8080)", &s.Listen},
		{"udp", "UDP `PORT` of all media, or HOST:PORT; 0 takes a free one (default 3478)", &s.UDP},
		{"admin", "`HOST:PORT` of metrics and profiles, or off (default localhost:8081)", &s.Admin},
		{"log-level", "`level` of debug, info, warn, error (default info)", &s.LogLevel},
		{"log-format", "`format` of text, json (default text)", &s.LogFormat},
	} {
		set.Func(f.name, f.usage, func(value string) error {
			*f.to = &value
			return nil
		})
	}
}

// loadConfig returns what is in force: defaults, then the file, then the
// environment, then flags. Every error is a usageError.
func loadConfig(flags settings, environment map[string]string) (Config, error) {
	cfg := defaultConfig()
	vars, err := env.ParseAsWithOptions[settings](env.Options{Environment: environment})
	if err != nil {
		return cfg, usagef("environment: %w", err)
	}
	if file := first(flags.File, vars.File); file != nil && *file != "" {
		if err := cfg.readFile(*file); err != nil {
			return cfg, err
		}
	}
	if err := cfg.apply(vars); err != nil {
		return cfg, usagef("environment: %w", err)
	}
	if err := cfg.apply(flags); err != nil {
		return cfg, usagef("flags: %w", err)
	}
	cfg.settle()
	return cfg, cfg.validate()
}

func first(values ...*string) *string {
	for _, v := range values {
		if v != nil {
			return v
		}
	}
	return nil
}

func (c *Config) readFile(name string) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return usagef("cannot read the configuration: %w", err)
	}
	if err := c.decode(data); err != nil {
		return usagef("%s: %w", name, err)
	}
	return nil
}

// decode lays YAML over c. A key that does not exist is an error.
func (c *Config) decode(data []byte) error {
	worlds := c.Worlds
	c.Worlds = nil
	dec := yaml.NewDecoder(strings.NewReader(string(data)))
	dec.KnownFields(true)
	if err := dec.Decode(c); err != nil && !errors.Is(err, io.EOF) {
		return explain(err)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return errors.New("there is a second document after ---; put everything into one")
	}
	if c.Worlds == nil {
		c.Worlds = worlds
		return nil
	}
	return c.fillWorlds(data)
}

// fillWorlds decodes the worlds once more, each over the defaults of a world:
// YAML starts the values of a map from nothing.
func (c *Config) fillWorlds(data []byte) error {
	var file struct {
		Worlds map[string]yaml.Node `yaml:"worlds"`
	}
	if err := yaml.Unmarshal(data, &file); err != nil {
		return explain(err)
	}
	for name, node := range file.Worlds {
		world := gateway.DefaultWorld()
		world.Title = name
		if err := node.Decode(&world); err != nil {
			return explain(err)
		}
		c.Worlds[name] = world
	}
	return nil
}

var unknownKey = regexp.MustCompile(`(line \d+): field (\S+) not found in type \S+`)

// explain makes of YAML's error one line that speaks of the file, not of Go.
func explain(err error) error {
	var many *yaml.TypeError
	if !errors.As(err, &many) {
		return errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	lines := slices.Clone(many.Errors)
	for i, line := range lines {
		lines[i] = unknownKey.ReplaceAllString(line, `$1: there is no key "$2"; earshot config -example shows those there are`)
	}
	return errors.New(strings.Join(lines, "; "))
}

// apply lays flags or environment over c.
func (c *Config) apply(s settings) error {
	if s.Listen != nil {
		c.Listen = *s.Listen
	}
	if s.Admin != nil {
		c.Admin = *s.Admin
	}
	if c.Admin == "off" {
		c.Admin = ""
	}
	if s.UDP != nil {
		c.Media.UDP = *s.UDP
		if _, err := strconv.ParseUint(*s.UDP, 10, 16); err == nil {
			c.Media.UDP = net.JoinHostPort("0.0.0.0", *s.UDP)
		}
	}
	if s.Egress != nil {
		c.Media.Egress = *s.Egress
	}
	if s.PublicIPs != nil {
		c.Media.PublicIPs = s.PublicIPs
	}
	if s.LogFormat != nil {
		c.Log.Format = *s.LogFormat
	}
	if s.LogLevel != nil {
		if err := c.Log.Level.UnmarshalText([]byte(*s.LogLevel)); err != nil {
			return fmt.Errorf("the log level %q is not debug, info, warn or error", *s.LogLevel)
		}
	}
	if s.Cluster != "" { // before those of the file: it is the one in use
		c.Config.Cluster.Secrets = slices.Insert(slices.Clone(c.Config.Cluster.Secrets), 0, gateway.Secret(s.Cluster))
	}
	return c.applyKey(s.KeyID, s.KeySecret)
}

// applyKey adds a key, or replaces the one of the same id.
func (c *Config) applyKey(id, secret string) error {
	if id == "" && secret == "" {
		return nil
	}
	if id == "" || secret == "" {
		return errors.New("EARSHOT_KEY_ID and EARSHOT_KEY_SECRET belong together; give both")
	}
	c.Keys = slices.DeleteFunc(slices.Clone(c.Keys), func(k gateway.Key) bool { return k.ID == id })
	c.Keys = append(c.Keys, gateway.Key{ID: id, Secret: gateway.Secret(secret)})
	return nil
}

// settle decides what follows from the rest: where everybody is on this
// machine, media must be reachable on it.
func (c *Config) settle() {
	host, _, err := net.SplitHostPort(c.Listen)
	ip := net.ParseIP(host)
	local := err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
	c.Media.Loopback = c.Media.Loopback || local || c.Development()
}

func (c *Config) validate() error {
	if err := c.Config.Validate(); err != nil {
		return usagef("configuration: %s", message(err))
	}
	if err := c.Media.Validate(); err != nil {
		return usagef("configuration: media.%s", message(err))
	}
	if err := c.Inference.Validate(); err != nil {
		return usagef("configuration: inference.%s", message(err))
	}
	if err := c.NPC.validate(); err != nil {
		return err
	}
	if err := c.Recording.Validate(); err != nil {
		return usagef("configuration: recording.%s", message(err))
	}
	if err := c.Store.Validate(); err != nil {
		return usagef("configuration: store.%s", message(err))
	}
	switch together := len(c.Store.Addresses) > 0; {
	case together && c.Development():
		return usagef("configuration: keys: none, but a store is configured: nodes that share one need the same keys")
	case together && c.Fleet.URL == "":
		return usagef("configuration: fleet.url: missing; other nodes must know where clients reach this one")
	}
	if c.Log.Format != "text" && c.Log.Format != "json" {
		return usagef("configuration: log.format: %q is not text or json", c.Log.Format)
	}
	if !c.Development() {
		if _, err := gateway.NewKeys(c.Keys); err != nil {
			return usagef("configuration: %s", message(err))
		}
	}
	return nil
}

// config is the command that prints the configuration.
func (p program) config(args []string) error {
	set := p.flags("config", configText)
	var s settings
	s.bind(set)
	example := set.Bool("example", false, "print a file with every key, explained")
	if err := parse(set, args); err != nil {
		return err
	}
	if *example {
		_, err := io.WriteString(p.out, deploy.Example)
		return err
	}
	cfg, err := loadConfig(s, p.env)
	if err != nil {
		return err
	}
	enc := yaml.NewEncoder(p.out)
	enc.SetIndent(2)
	return enc.Encode(cfg)
}
