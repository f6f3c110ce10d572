package gateway

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"earshot"
)

// showEvidence lists evidence; what is over time has no length.
func (g *Gateway) showEvidence(ids []string) []fiber.Map {
	list := []fiber.Map{}
	for _, id := range ids {
		piece := fiber.Map{"id": id, "kind": "voice"}
		if sound := g.deps.Moderation.Sound; sound != nil {
			if long, ok := sound.Length(id); ok {
				piece["seconds"] = math.Round(long.Seconds()*10) / 10
			}
		}
		list = append(list, piece)
	}
	return list
}

func (g *Gateway) getEvidence(c *fiber.Ctx, m *moderator) error {
	if g.deps.Moderation.Sound == nil {
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
	data, err := g.deps.Moderation.Sound.Ogg(ctx, id, incident, m.id, time.Now())
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, "audio/ogg")
	return c.Send(data)
}
