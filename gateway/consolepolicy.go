package gateway

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/moderation/policy"
	"earshot/npc/store"
)

const (
	replayOver     = 30 * 24 * time.Hour
	replayExamples = 20
)

func policyKey(world string) string { return "worlds/" + store.Name(world) + "/policy" }

// policyText returns the file of the policy that a world follows.
func (g *Gateway) policyText(ctx context.Context, world string) (text string, isDefault bool, err error) {
	if kept := g.deps.NPCs.Store; kept != nil {
		v, err := kept.Get(ctx, policyKey(world))
		if err == nil {
			return string(v.Data), false, nil
		}
		if earshot.CodeOf(err) != earshot.CodeNotFound {
			return "", false, err
		}
	}
	if text, ok := g.deps.Moderation.Policies[world]; ok {
		return text, false, nil
	}
	return string(policy.DefaultYAML()), true, nil
}

// recallPolicies puts in force what was edited at a console before.
func (g *Gateway) recallPolicies(ctx context.Context) error {
	if g.pipeline == nil {
		return nil
	}
	for world := range g.allWorlds() {
		text, isDefault, err := g.policyText(ctx, world)
		if err != nil {
			return err
		}
		if isDefault {
			continue
		}
		p, err := policy.Parse(world+" policy", []byte(text))
		if err != nil {
			return invalid("worlds.%s: its moderation policy cannot be followed: %v", world, err)
		}
		g.pipeline.SetPolicy(world, p)
	}
	return nil
}

func (g *Gateway) ownPolicy(c *fiber.Ctx, m *moderator) error {
	if world := strings.Clone(c.Params("world")); world != m.world {
		return earshot.Errorf(earshot.CodePermissionDenied, "the token is for world %q, not for %.64q", m.world, world)
	}
	return nil
}

func (g *Gateway) getPolicy(c *fiber.Ctx, m *moderator) error {
	if err := g.ownPolicy(c, m); err != nil {
		return err
	}
	ctx, cancel := g.brief()
	defer cancel()
	text, isDefault, err := g.policyText(ctx, m.world)
	if err != nil {
		return err
	}
	return c.JSON(fiber.Map{"yaml": text, "name": g.pipeline.Policy(m.world).Spec.Name, "default": isDefault})
}

// parsePolicy reads the policy of a request; problems are for the console.
func parsePolicy(c *fiber.Ctx) (p *policy.Policy, text string, problems []problem, err error) {
	var in struct {
		YAML string `json:"yaml"`
	}
	if err := decode(c, &in); err != nil {
		return nil, "", nil, err
	}
	p, err = policy.Parse("", []byte(in.YAML))
	if problems = problemsOf(err); len(problems) > 0 {
		return nil, in.YAML, problems, nil
	}
	return p, in.YAML, nil, err
}

func (g *Gateway) putPolicy(c *fiber.Ctx, m *moderator) error {
	if err := g.ownPolicy(c, m); err != nil {
		return err
	}
	if !m.admin {
		return missing(protocol.GrantAdmin)
	}
	p, text, problems, err := parsePolicy(c)
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		return c.Status(http.StatusBadRequest).JSON(fiber.Map{
			"code": earshot.CodeInvalidArgument, "message": "the policy has problems; the one that runs stays", "problems": problems,
		})
	}
	ctx, cancel := g.brief()
	defer cancel()
	if err := g.put(ctx, policyKey(m.world), []byte(text)); err != nil {
		return err
	}
	g.pipeline.SetPolicy(m.world, p)
	return c.JSON(fiber.Map{"name": p.Spec.Name})
}

// postReplay says what another policy would have decided in the last 30 days.
func (g *Gateway) postReplay(c *fiber.Ctx, m *moderator) error {
	if err := g.ownPolicy(c, m); err != nil {
		return err
	}
	p, _, problems, err := parsePolicy(c)
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		return c.JSON(fiber.Map{"problems": problems})
	}
	ctx, cancel := g.brief()
	defer cancel()
	replay := policy.NewReplay(p, replayExamples)
	err = g.deps.Moderation.Journal.Incidents(ctx, time.Now().Add(-replayOver), false, func(in policy.Incident) error {
		if in.World == m.world {
			replay.Add(in)
		}
		return nil
	})
	if err != nil {
		return err
	}
	examples := []fiber.Map{}
	for _, kept := range replay.Kept {
		for _, e := range kept {
			examples = append(examples, fiber.Map{
				"incident": e.Incident.ID, "before": actsOf(e.Incident.Decision), "after": actsOf(e.Now),
			})
		}
	}
	return c.JSON(fiber.Map{
		"compared": replay.Incidents, "same": replay.Counts[policy.Same], "harsher": replay.Counts[policy.Harsher],
		"milder": replay.Counts[policy.Milder], "added": replay.Counts[policy.Added], "removed": replay.Counts[policy.Removed],
		"better": replay.Better, "worse": replay.Worse, "examples": examples,
	})
}

func actsOf(d policy.Decision) string {
	var list []string
	for _, a := range d.Actions {
		list = append(list, a.String())
	}
	if len(list) == 0 {
		return "nothing"
	}
	return strings.Join(list, ", ")
}
