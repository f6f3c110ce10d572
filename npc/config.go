package npc

import (
	"bytes"
	"os"
	"regexp"
	"time"

	"earshot"
	"earshot/npc/router"
)

// Config is what an operator may decide about inference. The zero value is not
// usable: start from DefaultConfig. No backends is fine: every request is then
// refused, and NPCs speak their scripted lines.
type Config struct {
	// Backends are the model servers known from the start. Others register
	// themselves: see Inference.Register.
	Backends []BackendConfig `yaml:"backends"`
	// Router is how requests are placed.
	Router router.Config `yaml:"router"`
	// Probe is how often each backend is asked what it has loaded.
	Probe time.Duration `yaml:"probe"`
	// MaxLease bounds the lease of a backend that registers itself.
	MaxLease time.Duration `yaml:"max_lease"`
	// Discover is the address of an Ollama that is used whenever it answers,
	// besides the backends; "" looks for none.
	Discover string `yaml:"discover"`
	// MaxPromptBytes bounds the messages of a request together.
	MaxPromptBytes int `yaml:"max_prompt_bytes"`
}

// BackendConfig describes a model server: by a file, or by itself when it
// registers (then as JSON, and without anything that names our files).
type BackendConfig struct {
	ID string `yaml:"id" json:"id"`
	// API is "ollama" or "openai"; URL is what comes before /api or /v1.
	API string `yaml:"api" json:"api"`
	URL string `yaml:"url" json:"url"`

	Node        string `yaml:"node" json:"node"`
	Region      string `yaml:"region" json:"region"`
	Accelerator string `yaml:"accelerator" json:"accelerator"`
	MemoryBytes int64  `yaml:"memory_bytes" json:"memory_bytes"`
	// Slots, Concurrency and KVTokens are those of router.Backend. Ollama's
	// default is one slot.
	Slots       int           `yaml:"slots" json:"slots"`
	Concurrency int           `yaml:"concurrency" json:"concurrency"`
	KVTokens    int           `yaml:"kv_tokens" json:"kv_tokens"`
	Models      []ModelConfig `yaml:"models" json:"models"`
	// Price is for a million tokens, in the operator's currency.
	Price float64 `yaml:"price" json:"price"`
	// Labels are what data-locality policy asks for.
	Labels []string `yaml:"labels" json:"labels"`

	// TokenFile or TokenEnv hold a bearer token. Token is that of a backend
	// that registers itself.
	TokenFile string    `yaml:"token_file" json:"-"`
	TokenEnv  string    `yaml:"token_env" json:"-"`
	Token     string    `yaml:"-" json:"token"`
	TLS       TLSConfig `yaml:"tls" json:"-"`

	// KeepAlive is how long Ollama keeps a model after its last use.
	KeepAlive time.Duration `yaml:"keep_alive" json:"-"`
	// Hang is how long it may send nothing, Total how long an answer may take.
	Hang  time.Duration `yaml:"hang" json:"-"`
	Total time.Duration `yaml:"total" json:"-"`
	// AnyModelName accepts answers that name another model than was asked,
	// as of llama.cpp's server, which says the name of its file.
	AnyModelName bool `yaml:"any_model_name" json:"any_model_name"`
}

// ModelConfig is a model of a backend.
type ModelConfig struct {
	// Name is what requests ask for; Upstream is the server's own name for
	// it, where that differs.
	Name     string `yaml:"name" json:"name"`
	Upstream string `yaml:"upstream" json:"upstream"`
	// Context is in tokens, prompt and answer together; 0 is not checked.
	Context      int    `yaml:"context" json:"context"`
	Quantisation string `yaml:"quantisation" json:"quantisation"`
	Size         int    `yaml:"size" json:"size"`
	// Capabilities are chat, speech, transcription, classify, embed, vision
	// and tools; none means chat.
	Capabilities []string `yaml:"capabilities" json:"capabilities"`
	// Prewarm has it loaded whenever a probe finds that it is not.
	Prewarm bool `yaml:"prewarm" json:"prewarm"`
}

// DefaultConfig has no backends.
func DefaultConfig() Config {
	placing := router.DefaultConfig()
	// A region that died a moment ago costs an attempt for each of its
	// backends; these fail at once, and real retries have their own budget.
	placing.MaxAttempts = 8
	return Config{
		Router: placing, Probe: 5 * time.Second, Discover: DefaultDiscover,
		MaxLease: 5 * time.Minute, MaxPromptBytes: 256 << 10,
	}
}

// Validate reports the first thing that is wrong, naming the field. It reads
// no files.
func (c *Config) Validate() error {
	if err := c.Router.Validate(); err != nil {
		return err
	}
	switch {
	case c.Probe < 100*time.Millisecond || c.Probe > time.Hour:
		return invalid("probe: %v is outside 100ms to 1h", c.Probe)
	case c.MaxLease < time.Second || c.MaxLease > 24*time.Hour:
		return invalid("max_lease: %v is outside 1s to 24h", c.MaxLease)
	case c.MaxPromptBytes < 1024 || c.MaxPromptBytes > 16<<20:
		return invalid("max_prompt_bytes: %d is outside 1024 to %d", c.MaxPromptBytes, 16<<20)
	case len(c.Backends) > c.Router.MaxBackends:
		return invalid("backends: %d, more than router.max_backends, %d", len(c.Backends), c.Router.MaxBackends)
	}
	if c.Discover != "" {
		if _, err := parseURL(c.Discover); err != nil {
			return earshot.Errorf(earshot.CodeInvalidArgument, "discover: %s", text(err))
		}
	}
	seen := map[string]bool{}
	for i := range c.Backends {
		b := c.Backends[i].withDefaults()
		if err := b.Validate(); err != nil {
			return earshot.Errorf(earshot.CodeInvalidArgument, "backends[%d] %s: %s", i, b.ID, text(err))
		}
		if seen[b.ID] {
			return invalid("backends[%d].id: %s is there twice", i, b.ID)
		}
		seen[b.ID] = true
	}
	return nil
}

var backendID = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// Validate reports the first thing that is wrong, naming the field.
func (b *BackendConfig) Validate() error {
	if !backendID.MatchString(b.ID) {
		return invalid("id: %q is not 1 to 64 of a-z, 0-9, dot, - and _", b.ID)
	}
	if b.API != "ollama" && b.API != "openai" {
		return invalid("api: %q is neither ollama nor openai", b.API)
	}
	if _, err := parseURL(b.URL); err != nil {
		return err
	}
	for _, f := range []struct {
		name  string
		value time.Duration
	}{{"hang", b.Hang}, {"total", b.Total}, {"keep_alive", b.KeepAlive}} {
		if f.value < 0 || f.value > 24*time.Hour {
			return invalid("%s: %v is outside 0 to 24h", f.name, f.value)
		}
	}
	if b.TokenFile != "" && b.TokenEnv != "" {
		return invalid("token_file, token_env: give one of them")
	}
	if b.MemoryBytes < 0 {
		return invalid("memory_bytes: %d is negative", b.MemoryBytes)
	}
	described, err := b.describe()
	if err != nil {
		return err
	}
	return described.Validate()
}

// withDefaults fills what may be left out.
func (b BackendConfig) withDefaults() BackendConfig {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&b.Hang, 30*time.Second)
	set(&b.Total, 5*time.Minute)
	set(&b.KeepAlive, 30*time.Minute)
	if b.Slots == 0 {
		b.Slots = 1
	}
	return b
}

// describe is b as the router knows it.
func (b *BackendConfig) describe() (router.Backend, error) {
	out := router.Backend{
		ID: router.BackendID(b.ID), Node: b.Node, Region: b.Region, Accelerator: b.Accelerator,
		MemoryBytes: b.MemoryBytes, Slots: b.Slots, Concurrency: b.Concurrency, KVTokens: b.KVTokens,
		Price: b.Price, Labels: b.Labels,
	}
	for i, m := range b.Models {
		var can router.Capability
		for _, name := range m.Capabilities {
			c, ok := router.ParseCapability(name)
			if !ok {
				return out, invalid("models[%d].capabilities: %q is none of chat, speech, transcription, classify, embed, vision, tools", i, name)
			}
			can |= c
		}
		if can == 0 {
			can = router.Chat
		}
		if b.API == "ollama" && can&(router.Speech|router.Transcription) != 0 {
			return out, invalid("models[%d].capabilities: Ollama neither speaks nor transcribes", i)
		}
		out.Models = append(out.Models, router.Model{
			Name: m.Name, Context: m.Context, Quantisation: m.Quantisation, Size: m.Size, Capabilities: can,
			Loaded: b.API == "openai", // that API knows no other state
		})
	}
	return out, nil
}

// upstream returns the server's own name for a model.
func (b *BackendConfig) upstream(model string) string {
	for _, m := range b.Models {
		if m.Name == model && m.Upstream != "" {
			return m.Upstream
		}
	}
	return model
}

// token reads the credential.
func (b *BackendConfig) token() (string, error) {
	switch {
	case b.TokenFile != "":
		data, err := os.ReadFile(b.TokenFile)
		if err != nil {
			return "", invalid("token_file: %v", err)
		}
		if len(data) > maxTokenFile {
			return "", invalid("token_file: %s has more than %d bytes", b.TokenFile, maxTokenFile)
		}
		return string(bytes.TrimSpace(data)), nil
	case b.TokenEnv != "":
		if token := os.Getenv(b.TokenEnv); token != "" {
			return token, nil
		}
		return "", invalid("token_env: %s is not set", b.TokenEnv)
	}
	return b.Token, nil
}

// open makes the client that b describes.
func (b BackendConfig) open() (backend, *client, error) {
	c, err := newClient(b)
	if err != nil {
		return nil, nil, err
	}
	if b.API == "ollama" {
		return &ollama{client: c, keepAlive: b.KeepAlive, anyName: b.AnyModelName}, c, nil
	}
	return &openAI{client: c, anyName: b.AnyModelName}, c, nil
}

// text is what err says, without its code.
func text(err error) string {
	if e, ok := err.(*earshot.Error); ok {
		return e.Message
	}
	return err.Error()
}
