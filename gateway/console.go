package gateway

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/moderation"
	"earshot/moderation/journal"
	"earshot/moderation/policy"
)

// moderator is the bearer of a token with the grant moderate: for one world.
type moderator struct {
	world, id string
	admin     bool
}

// consoleRoutes are the pages of the moderators' console.
func (g *Gateway) consoleRoutes(v1 fiber.Router) {
	at := v1.Group("/moderation")
	for _, r := range []struct {
		method, path string
		handle       func(*fiber.Ctx, *moderator) error
	}{
		{http.MethodGet, "/", g.getModeration},
		{http.MethodGet, "/live", g.getLive},
		{http.MethodGet, "/incidents", g.getIncidents},
		{http.MethodGet, "/incidents/:id", g.getIncident},
		{http.MethodPost, "/incidents/:id/judge", g.postJudge},
		{http.MethodPost, "/orders/:id/undo", g.postUndo},
		{http.MethodGet, "/evidence/:id", g.getEvidence},
		{http.MethodGet, "/people/:who", g.getPerson},
		{http.MethodPost, "/people/:who/act", g.postAct},
		{http.MethodGet, "/people/:who/export", g.getExport},
		{http.MethodDelete, "/people/:who", g.deletePerson},
		{http.MethodGet, "/appeals", g.getAppeals},
		{http.MethodPost, "/appeals/:id/decide", g.postAppeal},
		{http.MethodGet, "/policies/:world", g.getPolicy},
		{http.MethodPut, "/policies/:world", g.putPolicy},
		{http.MethodPost, "/policies/:world/replay", g.postReplay},
	} {
		at.Add(r.method, r.path, func(c *fiber.Ctx) error {
			m, err := g.moderating(c)
			if err != nil {
				return err
			}
			c.Set(fiber.HeaderCacheControl, "no-store")
			return r.handle(c, m)
		})
	}
}

func (g *Gateway) moderating(c *fiber.Ctx) (*moderator, error) {
	claims, err := g.authorize(c)
	if err != nil {
		return nil, err
	}
	if !claims.Can(protocol.GrantModerate) {
		return nil, missing(protocol.GrantModerate)
	}
	if g.pipeline == nil {
		return nil, noModeration
	}
	m := &moderator{world: claims.World, id: claims.moderator(), admin: claims.Can(protocol.GrantAdmin)}
	if m.world == "" {
		m.world = worldOf(claims.Instance)
	}
	if _, ok := g.worldConfig(m.world); !ok {
		return nil, earshot.Errorf(earshot.CodeNotFound, "the token is for world %q, which is not here; GET /v1/worlds lists those that are", m.world)
	}
	return m, nil
}

// consoleFigures are those of the last 30 days.
type consoleFigures struct {
	Open         int     `json:"open"`
	Incidents    int     `json:"incidents"`
	Automatic    int     `json:"automatic"`
	Precision    float64 `json:"precision"`
	TimeToAction float64 `json:"time_to_action_p50_s"`
	Appeals      int     `json:"appeals"`
	Overturned   int     `json:"overturned"`
}

const figuresOver = 30 * 24 * time.Hour

func (g *Gateway) figures(ctx context.Context, world string) (consoleFigures, error) {
	f, err := g.deps.Moderation.Journal.Figures(ctx, world, time.Now().Add(-figuresOver))
	return consoleFigures{
		Open: f.Waiting, Incidents: f.Incidents, Automatic: f.Automatic, Precision: f.Precision,
		TimeToAction: f.ActionP50.Seconds(), Appeals: f.Appeals, Overturned: f.Overturned,
	}, err
}

func (g *Gateway) getModeration(c *fiber.Ctx, m *moderator) error {
	ctx, cancel := g.brief()
	defer cancel()
	f, err := g.figures(ctx, m.world)
	if err != nil {
		return err
	}
	w, _ := g.worldConfig(m.world)
	return c.JSON(fiber.Map{
		"worlds": []fiber.Map{{
			"name": m.world, "title": w.Title, "policy": g.pipeline.Policy(m.world).Spec.Name, "voice": g.pipeline.Hears(m.world),
		}},
		"figures": f, "you": m.id, "kept": g.deps.Moderation.Kept,
	})
}

// consoleIncident is an incident without what was said.
type consoleIncident struct {
	ID         string                `json:"id"`
	At         time.Time             `json:"at"`
	World      string                `json:"world"`
	Who        earshot.ParticipantID `json:"who"`
	Name       string                `json:"name"`
	Kind       policy.Kind           `json:"kind"`
	Source     policy.Source         `json:"source"`
	Category   policy.Category       `json:"category"`
	Severity   float64               `json:"severity"`
	Scores     policy.Scores         `json:"scores"`
	Terms      []string              `json:"terms"`
	Rule       string                `json:"rule"`
	Actions    []policy.Act          `json:"actions"`
	Proposed   []policy.Act          `json:"proposed"`
	Automatic  bool                  `json:"automatic"`
	Review     bool                  `json:"review"`
	Unverified bool                  `json:"unverified"`
	Reports    int                   `json:"reports"`
	State      string                `json:"state"` // open, judged, undone
	Order      string                `json:"order"` // what undo takes
	Verdict    *policy.Verdict       `json:"verdict"`
	By         string                `json:"by"`
}

func (g *Gateway) showIncident(it *journal.Item) consoleIncident {
	signal, d := it.Now()
	out := consoleIncident{
		ID: it.ID, At: it.At, World: it.World, Who: it.Who, Name: it.Name, Kind: signal.Kind, Source: signal.Source,
		Category: d.Category, Severity: it.Severity, Scores: signal.Scores, Terms: present(signal.Terms), Rule: d.Rule,
		Actions: present(d.Actions), Proposed: present(d.Proposed), Automatic: d.Automatic, Review: d.Review,
		Unverified: d.Unverified, Reports: len(it.Reports), State: "judged", Order: it.ID, By: it.By,
	}
	if out.Severity == 0 {
		out.Severity = journal.SeverityOf(signal, d)
	}
	if out.Name == "" {
		out.Name = g.names.find(it.Who)
	}
	if out.Name == "" && it.Who == "" {
		out.Name = "an NPC" // its name is among the words
	}
	if it.Waits {
		out.State = "open"
	}
	if n := len(it.Judgements); n > 0 {
		last := it.Judgements[n-1]
		out.Verdict, out.By = &last.Verdict, last.By
	}
	if it.Undo != nil {
		out.State, out.By = "undone", it.Undo.By
	}
	return out
}

func present[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

const maxQueue = 200

// readItem returns an incident of the moderator's world.
func (g *Gateway) readItem(ctx context.Context, m *moderator, id string) (journal.Item, error) {
	it, err := g.deps.Moderation.Journal.Item(ctx, id)
	if err == nil && it.World != m.world {
		err = earshot.Errorf(earshot.CodeNotFound, "there is no incident %.64q in %s", id, m.world)
	}
	return it, err
}

func (g *Gateway) getIncidents(c *fiber.Ctx, m *moderator) error {
	ctx, cancel := g.brief()
	defer cancel()
	limit := min(max(c.QueryInt("limit", 50), 1), maxQueue)
	var items []journal.Item
	var err error
	if c.Query("state", "open") == "open" {
		items, _, err = g.deps.Moderation.Journal.Queue(ctx, m.world, limit)
	} else {
		items, err = g.deps.Moderation.Journal.Recent(ctx, m.world, limit)
	}
	if err != nil {
		return err
	}
	list := []consoleIncident{}
	for i := range items {
		list = append(list, g.showIncident(&items[i]))
	}
	return c.JSON(fiber.Map{"incidents": list})
}

// consolePerson is what moderators see of somebody.
type consolePerson struct {
	Who            earshot.ParticipantID `json:"who"`
	Name           string                `json:"name"`
	Strikes        []policy.Strike       `json:"strikes"`
	InForce        []consoleSanction     `json:"in_force"`
	Incidents      []consoleIncident     `json:"incidents"`
	ReportsMade    int                   `json:"reports_made"`
	ReportsAgainst int                   `json:"reports_against"`
}

type consoleSanction struct {
	Action policy.Action `json:"action"`
	Until  *time.Time    `json:"until"` // null: until lifted
	Order  string        `json:"order"`
}

const maxHistory = 100

func (g *Gateway) person(ctx context.Context, m *moderator, who earshot.ParticipantID) (p consolePerson, err error) {
	now, j := time.Now(), g.deps.Moderation.Journal
	p = consolePerson{Who: who, Name: g.names.find(who), Strikes: []policy.Strike{}, InForce: []consoleSanction{}, Incidents: []consoleIncident{}}
	if who == "" {
		return p, nil
	}
	record, err := j.Record(ctx, m.world, who, now)
	if err != nil {
		return p, err
	}
	p.Strikes = present(record.Strikes)
	for _, s := range g.pipeline.Standing(m.world, who).InForce {
		shown := consoleSanction{Action: s.Action, Order: s.Incident}
		if !s.Until.IsZero() {
			shown.Until = &s.Until
		}
		p.InForce = append(p.InForce, shown)
	}
	items, err := j.History(ctx, who, maxHistory)
	if err != nil {
		return p, err
	}
	for i := range items {
		if items[i].World == m.world {
			p.Incidents = append(p.Incidents, g.showIncident(&items[i]))
		}
	}
	made, err := j.Reporter(ctx, who)
	if err != nil {
		return p, err
	}
	against, err := j.Reports(ctx, who, maxHistory)
	p.ReportsMade, p.ReportsAgainst = made.Reports, len(against)
	return p, err
}

func (g *Gateway) getPerson(c *fiber.Ctx, m *moderator) error {
	ctx, cancel := g.brief()
	defer cancel()
	p, err := g.person(ctx, m, earshot.ParticipantID(strings.Clone(c.Params("who"))))
	if err != nil {
		return err
	}
	return c.JSON(p)
}

func (g *Gateway) postJudge(c *fiber.Ctx, m *moderator) error {
	var in struct {
		Verdict policy.Verdict `json:"verdict"`
		Actions []policy.Act   `json:"actions"`
		Note    string         `json:"note"`
	}
	if err := decode(c, &in); err != nil {
		return err
	}
	return g.judgeIncident(c, m, moderation.Judgement{Verdict: in.Verdict, Actions: in.Actions, Note: in.Note})
}

func (g *Gateway) judgeIncident(c *fiber.Ctx, m *moderator, j moderation.Judgement) error {
	ctx, cancel := g.brief()
	defer cancel()
	j.Incident, j.Moderator = strings.Clone(c.Params("id")), m.id
	if _, err := g.readItem(ctx, m, j.Incident); err != nil {
		return err
	}
	if err := g.pipeline.Judge(ctx, j); err != nil {
		return err
	}
	g.commons.written()
	it, err := g.readItem(ctx, m, j.Incident)
	if err != nil {
		return err
	}
	if it.Signal.Kind == policy.Persona {
		g.retryPersonas(m.world)
	}
	return c.JSON(g.showIncident(&it))
}

func (g *Gateway) postUndo(c *fiber.Ctx, m *moderator) error {
	var in struct {
		Note string `json:"note"`
	}
	if err := decode(c, &in); err != nil {
		return err
	}
	ctx, cancel := g.brief()
	defer cancel()
	id := strings.Clone(c.Params("id"))
	it, err := g.readItem(ctx, m, id)
	if err != nil {
		return err
	}
	if err := g.pipeline.Undo(ctx, id, m.id, in.Note); err != nil {
		return err
	}
	g.commons.written()
	if it.Signal.Kind == policy.Persona {
		g.retryPersonas(m.world)
	}
	return c.SendStatus(http.StatusNoContent)
}

func (g *Gateway) postAct(c *fiber.Ctx, m *moderator) error {
	var in struct {
		World   string        `json:"world"`
		Action  policy.Action `json:"action"`
		Seconds float64       `json:"for_s"`
		Reason  string        `json:"reason"`
	}
	if err := decode(c, &in); err != nil {
		return err
	}
	if in.Seconds < 0 || in.Seconds > maxSanction.Seconds() {
		return invalid("for_s: want 0 (until lifted) to %g", maxSanction.Seconds())
	}
	a := moderation.Act{
		World: m.world, Who: earshot.ParticipantID(strings.Clone(c.Params("who"))), Moderator: m.id, Note: in.Reason,
		Action: policy.Act{Action: in.Action, For: time.Duration(in.Seconds * float64(time.Second))},
	}
	if !a.Who.Valid() {
		return invalid("%.64q is no participant id", a.Who)
	}
	ctx, cancel := g.brief()
	defer cancel()
	id, err := g.pipeline.Act(ctx, a)
	if err != nil {
		return err
	}
	g.commons.written()
	return c.JSON(fiber.Map{"order": id})
}

// maxSanction is the longest that a moderator may impose at once.
const maxSanction = 365 * 24 * time.Hour

func (g *Gateway) deletePerson(c *fiber.Ctx, m *moderator) error {
	if !m.admin {
		return missing(protocol.GrantAdmin)
	}
	ctx, cancel := g.brief()
	defer cancel()
	who := earshot.ParticipantID(strings.Clone(c.Params("who")))
	if g.commons != nil {
		if err := g.commons.erase(ctx, who, m.id, time.Now()); err != nil {
			return err
		}
		return c.SendStatus(http.StatusNoContent)
	}
	if _, err := g.deps.Moderation.Journal.Erase(ctx, who, m.id, time.Now()); err != nil {
		return err
	}
	if err := g.forgetHere(ctx, who); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}

// forgetHere erases what this node has of a person apart from the journal.
func (g *Gateway) forgetHere(ctx context.Context, who earshot.ParticipantID) error {
	g.names.forget(who)
	g.answers.take(who, time.Now())
	if sound := g.deps.Moderation.Sound; sound != nil {
		if _, err := sound.Erase(ctx, who); err != nil {
			return err
		}
	}
	return nil
}
