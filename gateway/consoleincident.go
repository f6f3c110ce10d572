package gateway

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"earshot/moderation/journal"
	"earshot/moderation/policy"
)

// consoleDetail is an incident with what was said.
type consoleDetail struct {
	consoleIncident
	Text      string            `json:"text"`
	Context   []journal.Line    `json:"context"`
	Evidence  []consoleEvidence `json:"evidence"`
	Statement policy.Statement  `json:"statement"`
	Reported  []journal.Report  `json:"reported"`
	Appeal    string            `json:"appeal,omitempty"` // what the person writes
	Person    consolePerson     `json:"person"`
	// Elsewhere are the nodes that have words of it and do not answer.
	Elsewhere []string `json:"elsewhere,omitempty"`
}

// getIncident shows what was said. That somebody looked is recorded, on every
// node that has something of it.
func (g *Gateway) getIncident(c *fiber.Ctx, m *moderator) error {
	ctx, cancel := g.brief()
	defer cancel()
	id := strings.Clone(c.Params("id"))
	if _, err := g.readItem(ctx, m, id); err != nil {
		return err
	}
	it, err := g.deps.Moderation.Journal.Read(ctx, journal.Access{Incident: id, By: m.id, Purpose: "console", At: time.Now()})
	if err != nil {
		return err
	}
	person, err := g.person(ctx, m, it.Who)
	if err != nil {
		return err
	}
	_, d := it.Now()
	out := consoleDetail{
		consoleIncident: g.showIncident(&it), Text: it.Text, Context: present(it.Context), Evidence: g.showEvidence(it.Evidence),
		Statement: d.Statement, Reported: present(it.Reports), Person: person,
	}
	if it.Appeal != nil {
		out.Appeal = it.Appeal.Text
	}
	g.completed(ctx, c, &out, it.Elsewhere)
	return c.JSON(out)
}

// completed adds the words that other nodes have of an incident.
func (g *Gateway) completed(ctx context.Context, c *fiber.Ctx, out *consoleDetail, elsewhere []string) {
	if len(elsewhere) == 0 || isHere(c) {
		return
	}
	answers := g.askNodes(ctx, c, elsewhere, "/v1/moderation/incidents/"+out.ID)
	for _, url := range elsewhere {
		var there consoleDetail
		if json.Unmarshal(answers[url].body, &there) != nil || there.ID != out.ID {
			out.Elsewhere = append(out.Elsewhere, url)
			continue
		}
		out.add(&there)
	}
}

// add takes in what another node has and this one lacks.
func (d *consoleDetail) add(there *consoleDetail) {
	if d.Name == "" {
		d.Name = there.Name
	}
	if d.Person.Name == "" {
		d.Person.Name = there.Person.Name
	}
	if d.Text == "" {
		d.Text = there.Text
	}
	if len(d.Context) == 0 {
		d.Context = present(there.Context)
	}
	if d.Appeal == "" {
		d.Appeal = there.Appeal
	}
	for i := range d.Evidence {
		at := slices.IndexFunc(there.Evidence, func(e consoleEvidence) bool { return e.ID == d.Evidence[i].ID })
		if at >= 0 && d.Evidence[i].Seconds == nil {
			d.Evidence[i].Seconds = there.Evidence[at].Seconds
		}
	}
	for i := range d.Reported {
		r := &d.Reported[i]
		at := slices.IndexFunc(there.Reported, func(o journal.Report) bool { return o.ID == r.ID })
		if at >= 0 && r.Text == "" && r.Name == "" && len(r.Context) == 0 {
			r.Text, r.Name, r.Context = there.Reported[at].Text, there.Reported[at].Name, there.Reported[at].Context
		}
	}
}
