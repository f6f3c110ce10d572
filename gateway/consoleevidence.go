package gateway

import (
	"math"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"earshot"
)

// consoleEvidence is a piece of evidence; what is over time has no length.
type consoleEvidence struct {
	ID      string   `json:"id"`
	Kind    string   `json:"kind"`
	Seconds *float64 `json:"seconds,omitempty"`
}

// showEvidence lists evidence.
func (g *Gateway) showEvidence(ids []string) []consoleEvidence {
	list := []consoleEvidence{}
	for _, id := range ids {
		piece := consoleEvidence{ID: id, Kind: "voice"}
		if sound := g.deps.Moderation.Sound; sound != nil {
			if long, ok := sound.Length(id); ok {
				seconds := math.Round(long.Seconds()*10) / 10
				piece.Seconds = &seconds
			}
		}
		list = append(list, piece)
	}
	return list
}

// getEvidence plays a piece, which may be kept by another node.
func (g *Gateway) getEvidence(c *fiber.Ctx, m *moderator) error {
	sound := g.deps.Moderation.Sound
	if sound == nil {
		return earshot.Errorf(earshot.CodeFailedPrecondition, "this node keeps no sound as evidence")
	}
	ctx, cancel := g.brief()
	defer cancel()
	id, incident := strings.Clone(c.Params("id")), strings.Clone(c.Query("incident"))
	it, err := g.readItem(ctx, m, incident)
	if err != nil {
		return err
	}
	if !slices.Contains(it.Evidence, id) {
		return earshot.Errorf(earshot.CodeNotFound, "there is no evidence %.64q of incident %.64q", id, incident)
	}
	if _, here := sound.Length(id); !here && len(it.Elsewhere) > 0 && !isHere(c) {
		path := "/v1/moderation/evidence/" + url.PathEscape(id) + "?incident=" + url.QueryEscape(incident)
		for _, a := range g.askNodes(ctx, c, it.Elsewhere, path) {
			c.Set(fiber.HeaderContentType, a.kind)
			return c.Send(a.body)
		}
	}
	data, err := sound.Ogg(ctx, id, incident, m.id, time.Now())
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, "audio/ogg")
	return c.Send(data)
}
