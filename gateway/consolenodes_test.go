package gateway

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/presence/store"
)

// What was said stays with the node that heard it: another node's console asks
// it, says so where it is gone, exports what all have, and erases it everywhere.
func TestWordsStayWhereTheyWereSaid(t *testing.T) {
	t.Parallel()
	list := moderatedNodes(t, store.NewMemory(), 2)
	a, b := ownerOf(t, list, "in_plaza")
	bob := a.guest("bob", nil)
	bob.say(&protocol.SendChat{Text: insult})
	order := expect[*protocol.Order](bob)
	m, here := b.moderator("mod"), a.moderator("mod")
	var known struct{ Incidents []consoleIncident }
	eventually(t, "the other node knows", func() bool {
		m.get("/v1/moderation/incidents?state=all", &known)
		return len(known.Incidents) == 1 && known.Incidents[0].ID == order.ID
	})
	var detail consoleDetail
	m.get("/v1/moderation/incidents/"+order.ID, &detail)
	if detail.Text != insult || detail.Name != "bob" || len(detail.Elsewhere) != 0 {
		t.Errorf("at the other node: %+v, want what was said", detail)
	}
	it, err := a.deps.Moderation.Journal.Item(t.Context(), order.ID)
	if err != nil || len(it.Accesses) != 1 {
		t.Errorf("accesses %+v, %v: want that it was read written down where the words are", it.Accesses, err)
	}
	var alone consoleDetail
	m.get("/v1/moderation/incidents/"+order.ID+"?here=1", &alone)
	if alone.Text != "" {
		t.Error("the words are at the other node")
	}

	export := func(d *drawingDesk) string {
		t.Helper()
		var out json.RawMessage
		if status := d.call("GET", "/v1/moderation/people/"+string(bob.id())+"/export", nil, &out); status != http.StatusOK {
			t.Fatalf("export = %d", status)
		}
		return string(out)
	}
	for _, d := range []*drawingDesk{m, here} {
		if e := export(d); strings.Count(e, insult) != 1 || strings.Count(e, `"kind":"incident"`) != 1 {
			t.Errorf("export %s, want the incident once, with its words", e)
		}
	}
	if status := m.call("DELETE", "/v1/moderation/people/"+string(bob.id()), nil, nil); status != http.StatusNoContent {
		t.Fatalf("erase = %d", status)
	}
	eventually(t, "it is erased where it was said", func() bool {
		here.get("/v1/moderation/incidents/"+order.ID, &detail)
		return detail.Text == ""
	})

	cleo := a.guest("cleo", nil)
	cleo.say(&protocol.SendChat{Text: insult})
	second := expect[*protocol.Order](cleo)
	eventually(t, "the other node knows", func() bool {
		m.get("/v1/moderation/incidents?state=all", &known)
		return len(known.Incidents) == 2
	})
	a.die()
	eventually(t, "the node is gone", func() bool { return len(b.fleet.otherNodes()) == 0 })
	detail = consoleDetail{}
	m.get("/v1/moderation/incidents/"+second.ID, &detail)
	if detail.Text != "" || len(detail.Elsewhere) != 1 || detail.Elsewhere[0] != a.url {
		t.Errorf("without its node: %+v, want that the words are at %s", detail, a.url)
	}
}

// Exports of several nodes are laid together, each entry once.
func TestMergeExports(t *testing.T) {
	own := `{"who":"pa_x","entries":[{"kind":"a","at":"2026-01-02T00:00:00Z","data":1},{"kind":"b","at":"2026-01-03T00:00:00Z","from":"https://b","data":2},{"kind":"c","at":"2026-01-01T00:00:00Z","from":"https://c","data":3}]}`
	others := map[string]nodeAnswer{
		"https://b": {body: []byte(`{"who":"pa_x","entries":[{"kind":"b","at":"2026-01-03T00:00:00Z","data":"whole"},{"kind":"c","at":"2026-01-01T00:00:00Z","from":"https://c","data":3},{"kind":"a","at":"2026-01-02T00:00:00Z","from":"https://a","data":1}]}`)},
		"https://d": {body: []byte(`no`)},
	}
	out, err := mergeExports([]byte(own), others, "https://a")
	var got personExport
	if err != nil || json.Unmarshal(out, &got) != nil {
		t.Fatal(err)
	}
	want := `{"who":"pa_x","entries":[{"kind":"c","at":"2026-01-01T00:00:00Z","from":"https://c","data":3},{"kind":"a","at":"2026-01-02T00:00:00Z","data":1},{"kind":"b","at":"2026-01-03T00:00:00Z","data":"whole"}],"elsewhere":["https://c"]}`
	if string(out) != want || got.Who != earshot.ParticipantID("pa_x") {
		t.Errorf("merged %s\nwant %s", out, want)
	}
}
