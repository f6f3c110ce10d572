package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// The nodes of deploy/compose.yaml are configured as this version wants it, share
// a store that is there, and listen where their ports are published.
func TestCompose(t *testing.T) {
	text, err := os.ReadFile("../../deploy/compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Services map[string]struct {
			Image   string
			Command []string
			Ports   []string
			Configs []struct{ Source, Target string }
		}
		Configs map[string]struct{ Content string }
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if image := file.Services["store"].Image; !strings.HasPrefix(image, "valkey/valkey:8") {
		t.Errorf("the store is %q, want Valkey 8", image)
	}
	urls := map[string]bool{}
	for name, service := range file.Services {
		if name == "store" {
			continue
		}
		content := file.Configs[service.Configs[0].Source].Content
		flags := settings{File: new(string)}
		*flags.File = writeFile(t, content)
		cfg, err := loadConfig(flags, map[string]string{
			"EARSHOT_KEY_ID": "main", "EARSHOT_KEY_SECRET": "base64:" + strings.Repeat("QUJD", 11),
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !slices.Equal(cfg.Store.Addresses, []string{"store:6379"}) || urls[cfg.Fleet.URL] {
			t.Errorf("%s: store %v, url %s: nodes share a store and have an address each", name, cfg.Store.Addresses, cfg.Fleet.URL)
		}
		urls[cfg.Fleet.URL] = true
		_, web, _ := strings.Cut(cfg.Listen, ":")
		_, udp, _ := strings.Cut(cfg.Media.UDP, ":")
		want := []string{web + ":" + web, udp + ":" + udp + "/udp", udp + ":" + udp + "/tcp"}
		if !slices.Equal(service.Ports, want) || !strings.HasSuffix(cfg.Fleet.URL, ":"+web) {
			t.Errorf("%s publishes %v and is at %s; it listens at %v", name, service.Ports, cfg.Fleet.URL, want)
		}
	}
	if len(urls) < 2 {
		t.Errorf("%d nodes, want two", len(urls))
	}
}
