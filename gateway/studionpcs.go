package gateway

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"earshot"
	"earshot/npc/library"
	"earshot/npc/persona"
)

// draft is what a designer sends of an NPC.
type draft struct {
	ID        string `json:"id"`    // of a new one
	World     string `json:"world"` // of a new one
	YAML      string `json:"yaml"`
	Place     *Place `json:"place"` // nil: stays where it is
	Note      string `json:"note"`
	IfVersion int    `json:"if_version"` // the newest that the designer has seen
}

func (g *Gateway) postNPC(c *fiber.Ctx, d *designer) error {
	var in draft
	if err := decode(c, &in); err != nil {
		return err
	}
	if in.World != d.world {
		return earshot.Errorf(earshot.CodePermissionDenied, "the token is for world %q, not for %.64q", d.world, in.World)
	}
	if in.Place == nil {
		w, _ := g.worldConfig(d.world)
		in.Place = &Place{Position: w.Spawn}
	}
	in.IfVersion = 0
	version, err := g.publish(c, d, in.ID, in)
	if err != nil {
		return refusePersona(c, err)
	}
	return c.Status(http.StatusCreated).JSON(fiber.Map{"version": version})
}

func (g *Gateway) putNPC(c *fiber.Ctx, d *designer) error {
	var in draft
	if err := decode(c, &in); err != nil {
		return err
	}
	if in.IfVersion < 1 {
		return invalid("if_version: say which version you began from, so that nobody's work is lost")
	}
	version, err := g.publish(c, d, npcID(c), in)
	if err != nil {
		return refusePersona(c, err)
	}
	return c.JSON(fiber.Map{"version": version})
}

// publish makes a draft the newest version and gives it to running instances.
func (g *Gateway) publish(c *fiber.Ctx, d *designer, id string, in draft) (int, error) {
	if !worldName.MatchString(id) {
		return 0, invalid("id: %.64q is not a name of 1 to 32 of a-z, 0-9 and -", id)
	}
	var place json.RawMessage
	if in.Place != nil {
		if err := in.Place.validate(); err != nil {
			return 0, within("place", err)
		}
		var err error
		if place, err = json.Marshal(in.Place); err != nil {
			return 0, err
		}
	}
	ctx, cancel := g.brief()
	defer cancel()
	if err := g.vet(ctx, d.world, id, d.name, []byte(in.YAML)); err != nil {
		return 0, err
	}
	version, err := g.deps.NPCs.Library.Publish(ctx, d.world, id, library.Draft{
		YAML: []byte(in.YAML), Place: place, Note: in.Note, By: d.name,
	}, in.IfVersion, time.Now())
	if err != nil {
		return 0, err
	}
	return version, g.cast.reload(ctx, d.world)
}

func npcID(c *fiber.Ctx) string { return strings.Clone(c.Params("id")) }

// newest returns the version of an NPC that runs.
func (g *Gateway) newest(c *fiber.Ctx, d *designer) (*library.Version, error) {
	ctx, cancel := g.brief()
	defer cancel()
	v, err := g.deps.NPCs.Library.Get(ctx, d.world, npcID(c), 0)
	return &v, err
}

func (g *Gateway) getNPC(c *fiber.Ctx, d *designer) error {
	v, err := g.newest(c, d)
	if err != nil {
		return err
	}
	var place Place
	if len(v.Place) > 0 {
		if err := json.Unmarshal(v.Place, &place); err != nil {
			return err
		}
	}
	if place.Waypoints == nil {
		place.Waypoints = []WaypointConfig{}
	}
	return c.JSON(fiber.Map{
		"id": npcID(c), "world": d.world, "yaml": string(v.YAML), "version": v.Version, "published": v.At, "place": place,
	})
}

func (g *Gateway) deleteNPC(c *fiber.Ctx, d *designer) error {
	ctx, cancel := g.brief()
	defer cancel()
	if err := g.deps.NPCs.Library.Delete(ctx, d.world, npcID(c)); err != nil {
		return err
	}
	if err := g.cast.reload(ctx, d.world); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}

func (g *Gateway) getVersions(c *fiber.Ctx, d *designer) error {
	ctx, cancel := g.brief()
	defer cancel()
	h, err := g.deps.NPCs.Library.History(ctx, d.world, npcID(c))
	if err != nil {
		return err
	}
	return c.JSON(fiber.Map{"versions": h.Versions, "dropped": h.Dropped})
}

func (g *Gateway) getVersion(c *fiber.Ctx, d *designer) error {
	n, err := strconv.Atoi(c.Params("version"))
	if err != nil {
		return invalid("version: %.32q is not a number", c.Params("version"))
	}
	ctx, cancel := g.brief()
	defer cancel()
	v, err := g.deps.NPCs.Library.Get(ctx, d.world, npcID(c), n)
	if err != nil {
		return err
	}
	return c.JSON(struct {
		library.Meta
		YAML string `json:"yaml"`
	}{v.Meta, string(v.YAML)})
}

func (g *Gateway) getDiff(c *fiber.Ctx, d *designer) error {
	from, to := c.QueryInt("from"), c.QueryInt("to")
	ctx, cancel := g.brief()
	defer cancel()
	hunks, err := g.deps.NPCs.Library.Diff(ctx, d.world, npcID(c), from, to)
	if err != nil {
		return err
	}
	return c.JSON(fiber.Map{"hunks": hunks})
}

func (g *Gateway) postRollback(c *fiber.Ctx, d *designer) error {
	var in struct {
		Version int    `json:"version"`
		Note    string `json:"note"`
	}
	if err := decode(c, &in); err != nil {
		return err
	}
	ctx, cancel := g.brief()
	defer cancel()
	old, err := g.deps.NPCs.Library.Get(ctx, d.world, npcID(c), in.Version)
	if err != nil {
		return err
	}
	if err := g.vet(ctx, d.world, npcID(c), d.name, old.YAML); err != nil {
		return refusePersona(c, err)
	}
	version, err := g.deps.NPCs.Library.Rollback(ctx, d.world, npcID(c), in.Version, in.Note, d.name, time.Now())
	if err != nil {
		return refusePersona(c, err)
	}
	if err := g.cast.reload(ctx, d.world); err != nil {
		return err
	}
	return c.JSON(fiber.Map{"version": version})
}

func (g *Gateway) postCheck(c *fiber.Ctx, _ *designer) error {
	var in struct {
		YAML string `json:"yaml"`
	}
	if err := decode(c, &in); err != nil {
		return err
	}
	report := library.Check([]byte(in.YAML))
	return c.JSON(fiber.Map{"problems": problemsOf(report.Problems), "name": report.Name, "tokens": report.Tokens})
}

// postImport makes a persona of a character card.
func (g *Gateway) postImport(c *fiber.Ctx, _ *designer) error {
	card, _, err := persona.ReadCard(c.Body())
	if err != nil {
		return err
	}
	p, warnings, err := card.Persona()
	if err != nil {
		return err
	}
	text, err := p.Encode()
	if err != nil {
		return err
	}
	list := []string{}
	for _, w := range warnings {
		list = append(list, w.String())
	}
	return c.JSON(fiber.Map{"yaml": string(text), "warnings": list})
}

// getCard exports the newest version.
func (g *Gateway) getCard(c *fiber.Ctx, d *designer) error {
	v, err := g.newest(c, d)
	if err != nil {
		return err
	}
	p, err := persona.Parse("", v.YAML)
	if err != nil {
		return err
	}
	version := persona.CardV3
	switch c.Query("version", "v3") {
	case "v2":
		version = persona.CardV2
	case "v3":
	default:
		return invalid("version: %.16q is neither v2 nor v3", c.Query("version"))
	}
	card, err := p.Export(version)
	if err != nil {
		return err
	}
	data, kind, err := encodeCard(card, c.Query("format", "json"), p.Name)
	if err != nil {
		return err
	}
	ending := map[string]string{"image/png": "png", "application/zip": "charx", "application/json": "json"}[kind]
	c.Set(fiber.HeaderContentType, kind)
	c.Set(fiber.HeaderContentDisposition, `attachment; filename="`+npcID(c)+"."+ending+`"`)
	return c.Send(data)
}

func encodeCard(card *persona.Card, format, name string) (data []byte, kind string, err error) {
	switch format {
	case "json":
		return card.JSON(), "application/json", nil
	case "png":
		portrait, err := drawPortrait(name)
		if err != nil {
			return nil, "", err
		}
		data, err = persona.WritePNG(portrait, card)
		return data, "image/png", err
	case "charx":
		x := persona.Charx{Card: card}
		data, err = x.Encode()
		return data, "application/zip", err
	}
	return nil, "", invalid("format: %.16q is none of json, png and charx", format)
}
