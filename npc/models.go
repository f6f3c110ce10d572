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

// price is that of a backend for a million tokens, 0 if it is gone.
func (c *Catalogue) price(backend string) float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.entries[backend]; e != nil {
		return e.cfg.Price
	}
	return 0
}
