package gateway

import (
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"

	"earshot/moderation"
	"earshot/moderation/journal"
	"earshot/moderation/policy"
)

// maxAppealsAsked is for how many appeals other nodes are asked what they say.
const maxAppealsAsked = 20

func (g *Gateway) getAppeals(c *fiber.Ctx, m *moderator) error {
	ctx, cancel := g.brief()
	defer cancel()
	items, _, err := g.deps.Moderation.Journal.Queue(ctx, m.world, maxQueue)
	if err != nil {
		return err
	}
	list, asked := []fiber.Map{}, 0
	for i := range items {
		it := &items[i]
		if it.Appeal == nil || slices.ContainsFunc(it.Judgements, func(j journal.Judgement) bool { return j.Appeal }) {
			continue
		}
		mine := it.By == m.id || slices.ContainsFunc(it.Judgements, func(j journal.Judgement) bool { return j.By == m.id })
		read, err := g.deps.Moderation.Journal.Read(ctx, journal.Access{Incident: it.ID, By: m.id, Purpose: "appeals", At: time.Now()})
		if err != nil {
			return err
		}
		shown := g.showIncident(&read)
		text := read.Appeal.Text
		if len(read.Elsewhere) > 0 && asked < maxAppealsAsked {
			asked++
			whole := consoleDetail{consoleIncident: shown, Appeal: text}
			g.completed(ctx, c, &whole, read.Elsewhere)
			shown, text = whole.consoleIncident, whole.Appeal
		}
		list = append(list, fiber.Map{
			"id": it.ID, "order": it.ID, "at": it.Appeal.At, "who": it.Appeal.Who, "name": shown.Name, "text": text,
			"incident": shown, "mine": mine,
		})
	}
	slices.SortStableFunc(list, func(a, b fiber.Map) int { return a["at"].(time.Time).Compare(b["at"].(time.Time)) })
	return c.JSON(fiber.Map{"appeals": list})
}

func (g *Gateway) postAppeal(c *fiber.Ctx, m *moderator) error {
	var in struct {
		Verdict string `json:"verdict"`
		Note    string `json:"note"`
	}
	if err := decode(c, &in); err != nil {
		return err
	}
	verdict, ok := map[string]policy.Verdict{"upheld": policy.Right, "overturned": policy.Wrong}[in.Verdict]
	if !ok {
		return invalid("verdict: %.32q is neither upheld nor overturned", in.Verdict)
	}
	return g.judgeIncident(c, m, moderation.Judgement{Verdict: verdict, Note: in.Note, Appeal: true})
}
