package store

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"earshot"
)

func TestConfig(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{"", ""},
		{"addresses: [valkey:6379]\nusername: gateway\npassword_file: /run/secrets/valkey\ndatabase: 2", ""},
		{"addresses: [/run/valkey.sock]", ""},
		{"addresses: [a:26379, b:26379]\nsentinel_master: plaza\nsentinel_username: s", ""},
		{"addresses: [a:6379, b:6379]\ncluster: true\nreplicas: 1\ntls: {enabled: true}", ""},
		{"addresses: [valkey]", "addresses"},
		{"addresses: [a:1, b:1]", "addresses"},
		{"cluster: true\nsentinel_master: x", "sentinel_master"},
		{"cluster: true\ndatabase: 1", "database"},
		{"database: -1", "database"},
		{"sentinel_username: x", "sentinel_username"},
		{"prefix: 'a{b}'", "prefix"},
		{"prefix: ''", "prefix"},
		{"replicas: 17", "replicas"},
		{"patience: 1ms", "patience"},
		{"tls: {enabled: true, key_file: x}", "tls.cert_file"},
		{"tls: {ca_file: x}", "tls"},
	} {
		cfg := DefaultConfig()
		dec := yaml.NewDecoder(strings.NewReader(tc.text))
		dec.KnownFields(true)
		if err := dec.Decode(&cfg); err != nil && tc.text != "" {
			t.Errorf("%q: %v", tc.text, err)
		}
		err := cfg.Validate()
		if tc.want == "" {
			if err != nil {
				t.Errorf("%q: %v", tc.text, err)
			}
			continue
		}
		wantCode(t, err, earshot.CodeInvalidArgument, tc.text)
		if err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q: %v, want it to name %s", tc.text, err, tc.want)
		}
	}
	if cfg := DefaultConfig(); cfg.Patience >= 3*time.Second {
		t.Errorf("patience %v is no less than a lease", cfg.Patience)
	}
}

func TestFilesOfConfig(t *testing.T) {
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage")
	if err := os.WriteFile(garbage, []byte(strings.Repeat("x", maxSecretFile+1)), 0o600); err != nil {
		t.Fatal(err)
	}
	for field, change := range map[string]func(*Config){
		"password_file":          func(c *Config) { c.PasswordFile = garbage },
		"sentinel_password_file": func(c *Config) { c.SentinelMaster, c.SentinelPasswordFile = "m", filepath.Join(dir, "none") },
		"tls.ca_file":            func(c *Config) { c.TLS = TLSConfig{Enabled: true, CAFile: garbage} },
		"tls.cert_file":          func(c *Config) { c.TLS = TLSConfig{Enabled: true, CertFile: garbage, KeyFile: garbage} },
	} {
		cfg := DefaultConfig()
		cfg.Addresses = []string{"127.0.0.1:1"}
		change(&cfg)
		_, err := Open(t.Context(), cfg)
		wantCode(t, err, earshot.CodeInvalidArgument, field)
		if err != nil && !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v does not name it", field, err)
		}
	}
	s, err := Open(t.Context(), DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := s.(*Memory); !ok {
		t.Errorf("without addresses Open gives %T", s)
	}
}

// docs/store.md shows every key, with its default or a likely value.
func TestDocumentedConfig(t *testing.T) {
	page, err := os.ReadFile("../../docs/store.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), "```yaml\n")
	text, _, ok := strings.Cut(text, "```")
	if !ok {
		t.Fatal("docs/store.md has no configuration")
	}
	var cfg Config
	dec := yaml.NewDecoder(strings.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&cfg); err != nil {
		t.Fatal(err)
	}
	if err := cfg.Validate(); err != nil {
		t.Error(err)
	}
	all, err := yaml.Marshal(DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(all)), "\n") {
		if key, _, _ := strings.Cut(strings.TrimSpace(line), ":"); !strings.Contains("\n"+strings.ReplaceAll(text, "  ", ""), "\n"+key+":") {
			t.Errorf("docs/store.md does not show %s", key)
		}
	}
}
