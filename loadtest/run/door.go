package run

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"earshot"
)

// checkServer says whether the server is there, takes people, and has room for
// people of them in world.
func checkServer(ctx context.Context, cfg *Config, people int) error {
	if _, err := fetch(ctx, cfg.Client, cfg.URL+"/readyz"); err != nil {
		return earshot.Errorf(earshot.CodeUnavailable, "no Earshot is ready at %s (%v); start one with: earshot serve", cfg.URL, err)
	}
	data, err := fetch(ctx, cfg.Client, cfg.URL+"/v1/worlds")
	if err != nil {
		return earshot.Errorf(earshot.CodeUnavailable, "%s does not say which worlds it has (%v): is it Earshot?", cfg.URL, err)
	}
	var list struct {
		Worlds []struct {
			Name      string
			Instances []struct{ Participants, Capacity int }
		}
	}
	if err := json.Unmarshal(data, &list); err != nil {
		return earshot.Errorf(earshot.CodeUnavailable, "%s does not answer like Earshot: %v", cfg.URL, err)
	}
	var names []string
	for _, w := range list.Worlds {
		names = append(names, w.Name)
		if w.Name != cfg.Scenario.World {
			continue
		}
		for _, in := range w.Instances {
			if free := in.Capacity - in.Participants; free < people && len(w.Instances) == 1 && cfg.Scenario.Wait == 0 {
				return earshot.Errorf(earshot.CodeResourceExhausted,
					"world %s has room for %d more people and the scenario brings %d: set worlds.%s.capacity in the server's configuration, or -set count=%d, or have the others wait for a place: -set wait=5m", w.Name, free, people, w.Name, free)
			}
		}
		return nil
	}
	return earshot.Errorf(earshot.CodeNotFound, "the server has no world %q; it has %s: -set world=NAME chooses one", cfg.Scenario.World, strings.Join(names, ", "))
}

func fetch(ctx context.Context, client *http.Client, address string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err == nil && res.StatusCode != http.StatusOK {
		return nil, earshot.Errorf(earshot.CodeUnavailable, "%s", res.Status)
	}
	return data, err
}

// issuerOf returns whom a token was issued by. It trusts the token, which is
// our own; the server checks it.
func issuerOf(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return ""
	}
	data, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	if json.Unmarshal(data, &claims) != nil {
		return ""
	}
	return claims.Issuer
}
