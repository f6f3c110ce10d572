package npc

import (
	"cmp"
	"slices"

	"earshot/npc/router"
)

// ChatModels returns the models that some backend with all of the labels can
// talk with now, larger ones first, each once.
func (c *Catalogue) ChatModels(labels []string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	size := map[string]int{}
	for _, e := range c.entries {
		lacks := slices.ContainsFunc(labels, func(l string) bool { return !slices.Contains(e.cfg.Labels, l) })
		never := e.asked.IsZero() && e.problem != "" // configured, and nobody is there
		if lacks || !e.known || never {
			continue
		}
		described, _ := e.cfg.describe() // was valid when it came in
		for _, m := range described.Models {
			if m.Capabilities&router.Chat == 0 || slices.Contains(e.missing, m.Name) {
				continue
			}
			if old, ok := size[m.Name]; !ok || m.Size > old {
				size[m.Name] = m.Size
			}
		}
	}
	names := make([]string, 0, len(size))
	for name := range size {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(size[b], size[a]), cmp.Compare(a, b))
	})
	return names
}

// maxModels bounds the models that a request of an NPC names.
const maxModels = 8

// Acceptable returns what may answer for an NPC, best first: the configured
// models, else those that its persona prefers and after them every other chat
// model there is, so that a smaller one stands in. It returns none where nobody
// would answer.
func (c *Catalogue) Acceptable(configured, preferred, labels []string) []string {
	known := c.ChatModels(labels)
	all := configured
	if len(all) == 0 {
		all = slices.Clone(preferred)
		for _, m := range known {
			if !slices.Contains(all, m) {
				all = append(all, m)
			}
		}
		// The ones that nobody has would only take the places of those.
		all = slices.DeleteFunc(all, func(m string) bool { return len(all) > maxModels && !slices.Contains(known, m) })
	}
	if !slices.ContainsFunc(all, func(m string) bool { return slices.Contains(known, m) }) {
		return nil
	}
	return all[:min(len(all), maxModels)]
}

// price is that of a backend for a million tokens, 0 if it is gone.
func (c *Catalogue) price(backend string) float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.entries[backend]; e != nil {
		return e.cfg.Price
	}
	return 0
}
