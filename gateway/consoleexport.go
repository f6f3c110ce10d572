package gateway

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"earshot"
	"earshot/gateway/protocol"
)

// personExport is what journal.Export writes. Elsewhere are nodes that wrote some
// of it and did not answer: their words are missing.
type personExport struct {
	Who       earshot.ParticipantID `json:"who"`
	Entries   []json.RawMessage     `json:"entries"`
	Elsewhere []string              `json:"elsewhere,omitempty"`
}

// getExport gives out what all nodes keep about a person.
func (g *Gateway) getExport(c *fiber.Ctx, m *moderator) error {
	if !m.admin {
		return missing(protocol.GrantAdmin)
	}
	ctx, cancel := g.brief()
	defer cancel()
	var out bytes.Buffer
	who := earshot.ParticipantID(strings.Clone(c.Params("who")))
	if err := g.deps.Moderation.Journal.Export(ctx, &out, who, m.id, time.Now()); err != nil {
		return err
	}
	data := out.Bytes()
	if g.commons != nil && !isHere(c) {
		nodes := g.fleet.otherNodes()
		merged, err := mergeExports(data, g.askNodes(ctx, c, nodes, "/v1/moderation/people/"+url.PathEscape(string(who))+"/export"), g.cfg.Fleet.URL)
		if err != nil {
			return err
		}
		data = merged
	}
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	c.Set(fiber.HeaderContentDisposition, `attachment; filename="`+string(who)+`.json"`)
	return c.Send(data)
}

// mergeExports lays together what this node, here, and others keep. What was heard
// of a node that answered for itself is left out.
func mergeExports(own []byte, others map[string]nodeAnswer, here string) ([]byte, error) {
	var all personExport
	if err := json.Unmarshal(own, &all); err != nil {
		return nil, earshot.Errorf(earshot.CodeInternal, "an export cannot be read: %v", err)
	}
	type told struct {
		At   time.Time `json:"at"`
		From string    `json:"from"`
	}
	read := func(e json.RawMessage) (t told) {
		_ = json.Unmarshal(e, &t) // what has no time comes first
		return t
	}
	answered := map[string]bool{here: true}
	var more []json.RawMessage
	for url, a := range others {
		var there personExport
		if json.Unmarshal(a.body, &there) == nil && there.Who == all.Who {
			answered[url] = true
			more = append(more, there.Entries...)
		}
	}
	heard := map[string]bool{}
	keep := func(e json.RawMessage) bool {
		from := read(e).From
		if from == "" {
			return true
		}
		if answered[from] || heard[string(e)] {
			return false
		}
		heard[string(e)] = true // several nodes have heard it
		if !slices.Contains(all.Elsewhere, from) {
			all.Elsewhere = append(all.Elsewhere, from)
		}
		return true
	}
	whole := make([]json.RawMessage, 0, len(all.Entries)+len(more))
	for _, e := range slices.Concat(all.Entries, more) {
		if keep(e) {
			whole = append(whole, e)
		}
	}
	slices.SortStableFunc(whole, func(a, b json.RawMessage) int { return read(a).At.Compare(read(b).At) })
	all.Entries = whole
	return json.Marshal(all)
}
