package gateway

import (
	"fmt"
	"net/url"
	"slices"

	"earshot/gateway/livekit/webhook"
)

const (
	maxWebhooks     = 8
	maxWebhookBytes = 2048 // of one address
)

// LiveKitConfig is what concerns LiveKit's SDKs (docs/livekit-server.md).
type LiveKitConfig struct {
	// Webhooks are told what happens in rooms.
	Webhooks WebhooksConfig `yaml:"webhooks"`
	// Hidden admits participants whose tokens ask to be hidden: they hear and see
	// what is around them, and nobody is told of them. Pages are told that there
	// may be some.
	Hidden bool `yaml:"hidden"`
}

// WebhooksConfig says who is told what happens in rooms.
type WebhooksConfig struct {
	// URLs are posted to, http or https. Nobody but the operator names them.
	URLs []string `yaml:"urls"`
	// APIKey is the id of the HS256 key that signs; the receiver has it and its
	// secret. It may be left out where there is only one.
	APIKey string `yaml:"api_key"`
}

func (c *LiveKitConfig) validate(keys []Key) error {
	at := "livekit.webhooks"
	w := &c.Webhooks
	if len(w.URLs) > maxWebhooks {
		return invalid("%s.urls: %d, at most %d", at, len(w.URLs), maxWebhooks)
	}
	for i, address := range w.URLs {
		u, err := url.Parse(address)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || len(address) > maxWebhookBytes {
			return invalid("%s.urls[%d]: is not an address such as https://example.org/hooks", at, i)
		}
		if slices.Contains(w.URLs[:i], address) {
			return invalid("%s.urls[%d]: is there twice", at, i)
		}
	}
	if len(w.URLs) == 0 {
		return nil
	}
	if len(keys) == 0 {
		return invalid("%s.urls: needs a key to sign with, which the receiver knows too; configure keys", at)
	}
	_, err := c.Webhooks.key(keys)
	return err
}

// key returns the key that signs.
func (w *WebhooksConfig) key(keys []Key) (Key, error) {
	var found []Key
	for _, k := range keys {
		symmetric := k.Algorithm == "" || k.Algorithm == AlgorithmHS256
		if symmetric && (w.APIKey == "" || w.APIKey == k.ID) {
			found = append(found, k)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	what := fmt.Sprintf("is %q, which is not the id of one of the keys of %s", w.APIKey, AlgorithmHS256)
	if w.APIKey == "" {
		what = fmt.Sprintf("there are %d keys of %s; name the id of one", len(found), AlgorithmHS256)
	}
	return Key{}, invalid("livekit.webhooks.api_key: %s", what)
}

// newWebhooks makes the sender of a gateway.
func (g *Gateway) newWebhooks() (*webhook.Sender, error) {
	cfg := webhook.Config{URLs: g.cfg.LiveKit.Webhooks.URLs}
	if len(cfg.URLs) > 0 {
		key, err := g.cfg.LiveKit.Webhooks.key(g.cfg.Keys)
		if err != nil {
			return nil, err
		}
		cfg.Key = key.ID
		cfg.Secret, _ = g.keys.livekitSecret(key.ID)
	}
	return webhook.New(cfg, webhook.Deps{Log: g.log, Metrics: g.deps.Metrics}), nil
}
