package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/npc"
)

// Limits of the studio's requests, in bytes. Only bearers of the grant design
// may send more than a join does.
const (
	maxStudioBody = 1 << 20
	maxImportBody = 34 << 20
)

// briefly bounds what a request may wait for the store.
const briefly = 5 * time.Second

func (g *Gateway) brief() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), briefly)
}

// studioRoutes are the pages of the designer's studio.
func (g *Gateway) studioRoutes(v1 fiber.Router) {
	at := v1.Group("/studio")
	for _, r := range []struct {
		method, path string
		handle       func(*fiber.Ctx, *designer) error
	}{
		{http.MethodGet, "/", g.getStudio},
		{http.MethodPatch, "/worlds/:world", g.patchWorld},
		{http.MethodPost, "/npcs", g.postNPC},
		{http.MethodGet, "/npcs/:id", g.getNPC},
		{http.MethodPut, "/npcs/:id", g.putNPC},
		{http.MethodDelete, "/npcs/:id", g.deleteNPC},
		{http.MethodGet, "/npcs/:id/versions", g.getVersions},
		{http.MethodGet, "/npcs/:id/versions/:version", g.getVersion},
		{http.MethodGet, "/npcs/:id/diff", g.getDiff},
		{http.MethodPost, "/npcs/:id/rollback", g.postRollback},
		{http.MethodGet, "/npcs/:id/card", g.getCard},
		{http.MethodPost, "/check", g.postCheck},
		{http.MethodPost, "/talk", g.postTalk},
		{http.MethodPost, "/speech", g.postSpeech},
		{http.MethodPost, "/import", g.postImport},
	} {
		at.Add(r.method, r.path, func(c *fiber.Ctx) error {
			d, err := g.designing(c)
			if err != nil {
				return err
			}
			c.Set(fiber.HeaderCacheControl, "no-store")
			return r.handle(c, d)
		})
	}
}

// designer is the bearer of a token with the grant design: for one world.
type designer struct {
	world, name string
}

func (g *Gateway) designing(c *fiber.Ctx) (*designer, error) {
	claims, err := g.authorize(c)
	if err != nil {
		return nil, err
	}
	if !claims.Can(protocol.GrantDesign) {
		return nil, missing(protocol.GrantDesign)
	}
	if g.deps.NPCs.Library == nil {
		return nil, earshot.Errorf(earshot.CodeFailedPrecondition, "this node has no NPCs")
	}
	d := &designer{world: claims.World, name: claims.Name}
	if d.world == "" {
		d.world = worldOf(claims.Instance)
	}
	if _, ok := g.worldConfig(d.world); !ok {
		return nil, earshot.Errorf(earshot.CodeNotFound, "the token is for world %q, which is not here; GET /v1/worlds lists those that are", d.world)
	}
	return d, nil
}

// requestLimits allows some requests more than others, before the body is
// read: streams may take long, designers may send much.
func (g *Gateway) requestLimits(h *fasthttp.RequestHeader) (rc fasthttp.RequestConfig) {
	path, _, _ := strings.Cut(string(h.RequestURI()), "?")
	if slices.Contains(streaming, path) {
		rc.WriteTimeout = maxStream
	}
	if !strings.HasPrefix(path, "/v1/studio/") && !strings.HasPrefix(path, "/v1/moderation/") || h.ContentLength() <= protocol.MaxSDPBytes {
		return rc
	}
	token, _ := strings.CutPrefix(string(h.Peek(fiber.HeaderAuthorization)), "Bearer ")
	claims, err := g.keys.Verify(token, time.Now())
	if err != nil || !claims.Can(protocol.GrantDesign) && !claims.Can(protocol.GrantModerate) {
		return rc
	}
	rc.MaxRequestBodySize = maxStudioBody
	if strings.HasPrefix(path, "/v1/studio/import") {
		rc.MaxRequestBodySize = maxImportBody
	}
	return rc
}

// streaming are the pages whose answers come piece by piece, each of which
// has a limit of its own.
var streaming = []string{"/v1/chat/completions", "/v1/studio/talk", "/v1/moderation/live"}

// maxStream is above what any backend is configured to take for an answer.
const maxStream = 30 * time.Minute

// decode reads the JSON of a request strictly, so that a misspelt member is
// not lost in silence.
func decode(c *fiber.Ctx, v any) error { return decodeAs(c, v, "docs/studio.md") }

func decodeAs(c *fiber.Ctx, v any, page string) error {
	dec := json.NewDecoder(strings.NewReader(string(c.Body())))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return invalid("the body is not as %s says: %v", page, err)
	}
	return nil
}

// studio is the answer to GET /v1/studio.
type studio struct {
	Worlds        []studioWorld `json:"worlds"`
	NPCs          []studioNPC   `json:"npcs"`
	Models        []string      `json:"models"`
	Speech        ability       `json:"speech"`
	Transcription ability       `json:"transcription"`
	Kept          string        `json:"kept"`
}

// ability says how well something can be done here, and why not better.
type ability struct {
	Kind   string `json:"kind"` // backend, espeak-ng or none
	Reason string `json:"reason"`
}

// speech and transcription are what NPCs of a world have.
func (g *Gateway) speech(labels []string) (a ability) {
	if a = (ability{npc.AbleNone, "NPCs have no voice on this node"}); g.deps.NPCs.Speaker != nil {
		a.Kind, a.Reason = g.deps.NPCs.Speaker.Ability(labels)
	}
	return a
}

func (g *Gateway) transcription(labels []string) (a ability) {
	if a = (ability{npc.AbleNone, "NPCs hear text only on this node"}); g.deps.NPCs.Hearing != nil {
		a.Kind, a.Reason = g.deps.NPCs.Hearing.Ability(labels)
	}
	return a
}

type studioWorld struct {
	Name       string     `json:"name"`
	Title      string     `json:"title"`
	NPCs       []string   `json:"npcs"`
	Parameters Parameters `json:"parameters"`
	// What a map of it needs: the scenery, and where newcomers appear.
	Scene string     `json:"scene"`
	Spawn [3]float32 `json:"spawn"`
}

// describeWorld is a world as designers see it.
func (g *Gateway) describeWorld(name string, w *WorldConfig) studioWorld {
	world := studioWorld{Name: name, Title: w.Title, NPCs: []string{}, Parameters: w.parameters(), Scene: w.Scene, Spawn: w.Spawn}
	for _, r := range g.cast.of(name) {
		world.NPCs = append(world.NPCs, r.id)
	}
	return world
}

type studioNPC struct {
	ID        string      `json:"id"`
	World     string      `json:"world"`
	Name      string      `json:"name"`
	Version   int         `json:"version"`
	Published time.Time   `json:"published"`
	Out       bool        `json:"out"` // in a running instance
	Speaks    string      `json:"speaks"`
	Reason    string      `json:"reason"`
	Figures   npc.Figures `json:"figures"`
}

func (g *Gateway) getStudio(c *fiber.Ctx, d *designer) error {
	w, _ := g.worldConfig(d.world)
	n := &g.deps.NPCs
	answer := studio{
		NPCs: []studioNPC{}, Models: []string{}, Speech: g.speech(w.DataLabels), Transcription: g.transcription(w.DataLabels), Kept: n.Kept,
	}
	if g.deps.Inference != nil {
		answer.Models = append(answer.Models, g.deps.Inference.ChatModels(w.DataLabels)...)
	}
	for _, r := range g.cast.of(d.world) {
		answer.NPCs = append(answer.NPCs, g.describeNPC(r))
	}
	answer.Worlds = []studioWorld{g.describeWorld(d.world, &w)}
	return c.JSON(answer)
}

// describeNPC says what an NPC is, and how it does where it is out.
func (g *Gateway) describeNPC(role *role) studioNPC {
	n := studioNPC{
		ID: role.id, World: role.world, Name: role.character.Persona().Name, Version: role.Version, Published: role.At,
		Speaks: protocol.SpeaksScript, Reason: "it is in no running instance",
	}
	for _, in := range g.running() {
		if in.world != role.world {
			continue
		}
		if r := in.resident(role.id); r != nil {
			speaks := r.actor.Speaks()
			n.Out, n.Speaks, n.Reason, n.Figures = true, speaks.With, speaks.Reason, r.actor.Figures()
		}
	}
	return n
}

// patchWorld tunes the running world.
func (g *Gateway) patchWorld(c *fiber.Ctx, d *designer) error {
	if world := strings.Clone(c.Params("world")); world != d.world {
		return earshot.Errorf(earshot.CodePermissionDenied, "the token is for world %q, not for %.64q", d.world, world)
	}
	w, err := g.tune(d.world, func(p *Parameters) error { return decode(c, p) })
	if err != nil {
		return err
	}
	return c.JSON(g.describeWorld(d.world, &w))
}

// problem is a line of a persona or a policy that cannot stay as it is.
type problem struct {
	Line    int    `json:"line"`
	Field   string `json:"field"`
	Message string `json:"message"`
}

func problemsOf(err error) []problem {
	list := []problem{}
	var ps earshot.Problems
	if errors.As(err, &ps) {
		for _, p := range ps {
			list = append(list, problem{p.Line, p.Field, p.Message})
		}
	}
	return list
}

// refusePersona replies with everything that is wrong with a persona.
func refusePersona(c *fiber.Ctx, err error) error {
	list := problemsOf(err)
	if len(list) == 0 {
		return err
	}
	return c.Status(http.StatusBadRequest).JSON(fiber.Map{
		"code": earshot.CodeInvalidArgument, "message": "the persona has problems; the version that runs stays", "problems": list,
	})
}
