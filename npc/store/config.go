package store

import (
	"context"
	"net/url"
	"os"
	"regexp"
	"strings"

	"earshot"
)

// Config says where things are kept. The zero value is the process's memory:
// everything is gone when it ends.
type Config struct {
	// Path is a file, made if it is not there; its folder must be.
	Path string `yaml:"path"`
	// Valkey is the address of a Valkey or Redis 7 server, as
	// redis://user@host:6379/0; rediss:// and valkeys:// use TLS, unix:// a
	// socket. A password in it stays out of logs, but PasswordFile keeps it out
	// of the configuration too.
	Valkey string `yaml:"valkey"`
	// PasswordFile holds the server's password.
	PasswordFile string `yaml:"password_file"`
	// Prefix comes before every key on the server. Nodes with the same share
	// what they keep. Empty: DefaultPrefix.
	Prefix string `yaml:"prefix"`
}

// DefaultPrefix has its name in braces so that all keys are in one slot of a
// cluster, as the scripts need.
const DefaultPrefix = "{earshot:npc}:"

// The kinds of Store that Open tells of.
const (
	KindMemory = "memory"
	KindFile   = "file"
	KindValkey = "valkey"
)

var prefixPattern = regexp.MustCompile(`^[A-Za-z0-9_.:{}-]{1,64}$`)

// Validate reports the first thing that is wrong, naming the field. It opens
// nothing.
func (c *Config) Validate() error {
	switch {
	case c.Path != "" && c.Valkey != "":
		return earshot.Errorf(earshot.CodeInvalidArgument, "path, valkey: give one of them")
	case c.PasswordFile != "" && c.Valkey == "":
		return earshot.Errorf(earshot.CodeInvalidArgument, "password_file: belongs to valkey")
	case c.Prefix != "" && !prefixPattern.MatchString(c.Prefix):
		return earshot.Errorf(earshot.CodeInvalidArgument, "prefix: %.64q is not 1 to 64 letters, digits and _ . : { } -", c.Prefix)
	}
	return nil
}

// Open opens what the configuration says and tells which kind that is.
func Open(ctx context.Context, cfg Config) (s Store, kind string, err error) {
	if err := cfg.Validate(); err != nil {
		return nil, "", err
	}
	switch {
	case cfg.Path != "":
		if s, err = OpenFile(cfg.Path); err != nil {
			return nil, "", err
		}
		return s, KindFile, nil
	case cfg.Valkey != "":
		address, err := cfg.address()
		if err != nil {
			return nil, "", err
		}
		prefix := cfg.Prefix
		if prefix == "" {
			prefix = DefaultPrefix
		}
		v, err := OpenValkey(ctx, address, prefix)
		if err != nil {
			return nil, "", err
		}
		return v, KindValkey, nil
	}
	return NewMemory(), KindMemory, nil
}

const maxPasswordFile = 4 << 10 // bytes

// address puts the password of the file into the address.
func (c *Config) address() (string, error) {
	if c.PasswordFile == "" {
		return c.Valkey, nil
	}
	data, err := os.ReadFile(c.PasswordFile)
	if err != nil {
		return "", earshot.Errorf(earshot.CodeInvalidArgument, "password_file: %v", err)
	}
	if len(data) > maxPasswordFile {
		return "", earshot.Errorf(earshot.CodeInvalidArgument, "password_file: %s has more than %d bytes", c.PasswordFile, maxPasswordFile)
	}
	u, err := url.Parse(c.Valkey)
	if err != nil {
		return "", earshot.Errorf(earshot.CodeInvalidArgument, "valkey: is no address") // err would repeat it
	}
	u.User = url.UserPassword(u.User.Username(), strings.TrimSpace(string(data)))
	return u.String(), nil
}
