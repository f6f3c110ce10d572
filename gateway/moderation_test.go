package gateway

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/moderation"
	"earshot/moderation/journal"
	"earshot/moderation/policy"

	"github.com/fasthttp/websocket"
)

// startModerated starts a node whose chat is judged by the default policy.
func startModerated(t *testing.T, change func(*Config)) *node {
	t.Helper()
	j, err := journal.NewMemory(journal.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return startNodeWith(t, change, nil, func(d *Deps) {
		d.Moderation = Moderation{Config: moderation.DefaultConfig(), Journal: j, Kept: "memory"}
	})
}

// moderator is somebody with the grant moderate, at the console.
func (n *node) moderator(name string) *drawingDesk {
	return &drawingDesk{n, n.token(func(c *Claims) {
		c.Subject, c.Name, c.Grants = name, name, []string{protocol.GrantModerate, protocol.GrantAdmin}
	})}
}

const insult = "you stupid fucking bitch, kill yourself"

func TestAbusiveChatIsMaskedAndLeadsToAMute(t *testing.T) {
	t.Parallel()
	n := startModerated(t, nil)
	ada, troll := n.guest("ada", nil), n.guest("troll", nil)
	troll.say(&protocol.SendChat{Text: "good evening"})
	if c := expect[*protocol.Chat](ada); c.Text != "good evening" || c.Masked {
		t.Errorf("a friendly line came as %+v", c)
	}
	troll.say(&protocol.SendChat{Text: insult})
	if c := expect[*protocol.Chat](ada); !c.Masked || strings.Contains(c.Text, "bitch") {
		t.Errorf("an insult came as %+v, want it masked", c)
	}
	first := expect[*protocol.Order](troll)
	if first.Statement.What == "" || first.Statement.Redress == "" || first.ID == "" {
		t.Errorf("order %+v, want a statement of reasons", first)
	}
	var muted *protocol.Order
	eventually(t, "insult after insult to lead to a mute", func() bool {
		pause(300 * time.Millisecond)
		troll.say(&protocol.SendChat{Text: insult})
		muted = troll.muting()
		return muted != nil
	})
	troll.say(&protocol.SendChat{Text: "am I still heard?"})
	for e := expect[*protocol.Error](troll); e.Code != earshot.CodePermissionDenied; e = expect[*protocol.Error](troll) {
		if e.Code != earshot.CodeResourceExhausted { // of an insult too many at once
			t.Errorf("chat while muted: %+v, want permission_denied", e)
		}
	}

	// It holds after coming back.
	troll.conn.Close()
	for l := expect[*protocol.Left](ada); l.Participant != troll.id(); l = expect[*protocol.Left](ada) {
	}
	again := n.guest("troll", nil)
	if !again.me.You.Moderated || !again.me.You.Muted {
		t.Errorf("back again they are %+v, want still muted", again.me.You)
	}
	for again.orders[muted.ID] == nil && again.next(patience) != nil {
	}
	reminded := again.orders[muted.ID]
	if reminded == nil || len(reminded.Sanctions) != 1 || reminded.Sanctions[0].Until == "" || !reminded.Appeal || reminded.Statement != muted.Statement {
		t.Errorf("back again they are told %+v, want %+v", reminded, muted)
	}

	// A moderator sees it and undoes it, and they are heard again.
	m := n.moderator("mod")
	var list struct{ Incidents []consoleIncident }
	m.get("/v1/moderation/incidents?state=all", &list)
	if len(list.Incidents) < 2 || list.Incidents[0].Who != troll.id() || list.Incidents[0].Name != "troll" || list.Incidents[0].Category == "" {
		t.Fatalf("incidents %+v, want those of the troll", list.Incidents)
	}
	var detail struct {
		Text   string
		Person consolePerson
	}
	m.get("/v1/moderation/incidents/"+muted.ID, &detail)
	if detail.Text != insult || len(detail.Person.InForce) == 0 {
		t.Errorf("incident %+v, want what was said and the mute in force", detail)
	}
	for _, s := range detail.Person.InForce {
		if s.Action == policy.Mute {
			if status := m.call("POST", "/v1/moderation/orders/"+s.Order+"/undo", map[string]any{"note": "a quotation"}, nil); status != http.StatusNoContent {
				t.Errorf("undo = %d", status)
			}
		}
	}
	for u := expect[*protocol.Muted](again); u.Muted; u = expect[*protocol.Muted](again) {
	}
	again.say(&protocol.SendChat{Text: "thank you"})
	for c := expect[*protocol.Chat](ada); c.Text != "thank you"; c = expect[*protocol.Chat](ada) {
	}
}

// muting returns the order that mutes the guest, if one comes soon.
func (g *guest) muting() *protocol.Order {
	for {
		switch m := g.next(400 * time.Millisecond).(type) {
		case nil:
			return nil
		case *protocol.Order:
			for _, s := range m.Sanctions {
				if s.Action == string(policy.Mute) {
					return m
				}
			}
		}
	}
}

// Who muted themselves, too, is told that moderation does not mute them any more.
func TestUnmutedByModerationWhileMutedByOneself(t *testing.T) {
	t.Parallel()
	n := startModerated(t, nil)
	mod := n.guest("mod", func(c *Claims) { c.Grants = append(c.Grants, protocol.GrantModerate) })
	bob := n.guest("bob", nil)
	bob.say(&protocol.Mute{Muted: true})
	expect[*protocol.Muted](bob)
	mod.say(&protocol.Moderate{Action: protocol.ActionMute, Participant: bob.id()})
	expect[*protocol.Muted](bob)
	n.recorded("")
	mod.say(&protocol.Moderate{Action: protocol.ActionUnmute, Participant: bob.id()})
	if m := expect[*protocol.Muted](bob); m.Muted || m.By != "moderator" {
		t.Errorf("told %+v, want that the moderator's mute is over", m)
	}
	if m := expect[*protocol.Muted](bob); !m.Muted || m.By != "self" {
		t.Errorf("told %+v, want that their own mute goes on", m)
	}
}

func TestModeratorsActsAreRecorded(t *testing.T) {
	t.Parallel()
	n := startModerated(t, nil)
	mod := n.guest("mod", func(c *Claims) { c.Grants = append(c.Grants, protocol.GrantModerate) })
	bob := n.guest("bob", nil)
	mod.say(&protocol.Moderate{Action: protocol.ActionMute, Participant: bob.id(), Reason: "noise"})
	if m := expect[*protocol.Muted](bob); !m.Muted || m.By != "moderator" {
		t.Errorf("muted %+v, want by the moderator", m)
	}
	n.recorded("")
	mod.say(&protocol.Moderate{Action: protocol.ActionUnmute, Participant: bob.id()})
	if m := expect[*protocol.Muted](bob); m.Muted {
		t.Errorf("muted %+v, want heard again", m)
	}
	if in := n.recorded("undone"); in.Source != policy.ByModerator {
		t.Errorf("incident %+v, want the mute, undone", in)
	}
}

// recorded waits for the only incident there is to be in a state; "": in any.
func (n *node) recorded(state string) consoleIncident {
	n.t.Helper()
	m := n.moderator("mod")
	var list struct{ Incidents []consoleIncident }
	eventually(n.t, "one incident "+state, func() bool {
		m.get("/v1/moderation/incidents?state=all", &list)
		return len(list.Incidents) == 1 && (state == "" || list.Incidents[0].State == state)
	})
	return list.Incidents[0]
}

// One who is isolated neither reads nor is read, until it is lifted.
func TestIsolationAndSuspension(t *testing.T) {
	t.Parallel()
	n := startModerated(t, nil)
	ada, troll := n.guest("ada", nil), n.guest("troll", nil)
	m := n.moderator("mod")
	var order struct{ Order string }
	if status := m.call("POST", "/v1/moderation/people/"+string(troll.id())+"/act", map[string]any{"action": "isolate", "for_s": 600, "reason": "stalks"}, &order); status != http.StatusOK {
		t.Fatalf("act = %d", status)
	}
	expect[*protocol.Order](troll)
	ada.say(&protocol.SendChat{Text: "is the troll gone?"})
	if c := expect[*protocol.Chat](ada); c.Text != "is the troll gone?" {
		t.Errorf("ada's line came back as %q", c.Text)
	}
	troll.say(&protocol.Ping{})
	for {
		msg := troll.next(patience)
		if c, ok := msg.(*protocol.Chat); ok {
			t.Errorf("the isolated troll reads %q", c.Text)
		}
		if _, ok := msg.(*protocol.Pong); ok || msg == nil {
			break
		}
	}
	if status := m.call("POST", "/v1/moderation/orders/"+order.Order+"/undo", map[string]any{"note": ""}, nil); status != http.StatusNoContent {
		t.Errorf("undo = %d", status)
	}
	for u := expect[*protocol.Muted](troll); u.Muted; u = expect[*protocol.Muted](troll) {
	}
	ada.say(&protocol.SendChat{Text: "welcome back"})
	for c := expect[*protocol.Chat](troll); c.Text != "welcome back"; c = expect[*protocol.Chat](troll) {
	}

	if status := m.call("POST", "/v1/moderation/people/"+string(troll.id())+"/act", map[string]any{"action": "suspend", "for_s": 3600, "reason": "again"}, &order); status != http.StatusOK {
		t.Fatalf("act = %d", status)
	}
	if bye := expect[*protocol.Bye](troll); bye.Code != earshot.CodePermissionDenied {
		t.Errorf("bye %+v", bye)
	}
	status, body, _ := n.do("POST", "/v1/join", n.token(func(c *Claims) { c.Subject, c.Name = "troll", "troll" }), "application/sdp", []byte(offer(t)))
	if status != http.StatusForbidden || !strings.Contains(wireErrorOf(t, body).Message, "suspended") {
		t.Errorf("a suspended person joins: %d %s", status, body)
	}
}

func TestReportsAppealsAndTheLiveFeed(t *testing.T) {
	t.Parallel()
	n := startModerated(t, nil)
	ada, troll := n.guest("ada", nil), n.guest("troll", nil)
	m, other := n.moderator("mod"), n.moderator("other")
	req, err := http.NewRequest("GET", n.url+"/v1/moderation/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+m.token)
	live, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer live.Body.Close()

	troll.say(&protocol.SendChat{Text: insult})
	order := expect[*protocol.Order](troll)
	lines := bufio.NewScanner(live.Body)
	for lines.Scan() {
		if strings.Contains(lines.Text(), order.ID) {
			break
		}
	}
	ada.say(&protocol.Report{Participant: troll.id(), Reason: protocol.ReportHarassment, Text: "insults me"})
	if r := expect[*protocol.Reported](ada); r.ID == "" {
		t.Error("a report without an id")
	}
	ada.say(&protocol.Report{Participant: ada.id(), Reason: protocol.ReportSpam})
	if e := expect[*protocol.Error](ada); e.Code != earshot.CodeInvalidArgument {
		t.Errorf("a report of oneself: %+v", e)
	}
	if status := m.call("POST", "/v1/moderation/incidents/"+order.ID+"/judge", map[string]any{"verdict": "right", "note": "clear"}, nil); status != http.StatusOK {
		t.Errorf("judge = %d", status)
	}
	troll.say(&protocol.Appeal{Order: order.ID, Text: "I quoted a song."})
	expect[*protocol.Appealed](troll)
	var appeals struct {
		Appeals []struct {
			ID, Text string
			Mine     bool
		}
	}
	m.get("/v1/moderation/appeals", &appeals)
	if len(appeals.Appeals) != 1 || appeals.Appeals[0].Text != "I quoted a song." || !appeals.Appeals[0].Mine {
		t.Fatalf("appeals %+v, want the troll's, which is not for the first moderator", appeals)
	}
	var e earshot.Error
	if status := m.call("POST", "/v1/moderation/appeals/"+order.ID+"/decide", map[string]any{"verdict": "upheld", "note": ""}, &e); status != http.StatusForbidden {
		t.Errorf("the first moderator decides the appeal: %d %v", status, e)
	}
	if status := other.call("POST", "/v1/moderation/appeals/"+order.ID+"/decide", map[string]any{"verdict": "overturned", "note": "a song indeed"}, nil); status != http.StatusOK {
		t.Errorf("another decides = %d", status)
	}
	if o := expect[*protocol.Order](troll); o.ID != order.ID || !o.Lifted || o.Statement.What == "" {
		t.Errorf("the appeal was answered with %+v, want the order lifted, and words", o)
	}
	var state struct{ Figures consoleFigures }
	m.get("/v1/moderation", &state)
	if state.Figures.Appeals != 1 || state.Figures.Overturned != 1 || state.Figures.Incidents == 0 {
		t.Errorf("figures %+v", state.Figures)
	}
}

func TestPoliciesAtTheConsole(t *testing.T) {
	t.Parallel()
	n := startModerated(t, nil)
	troll := n.guest("troll", nil)
	troll.say(&protocol.SendChat{Text: insult})
	expect[*protocol.Order](troll)
	m := n.moderator("mod")
	var p struct {
		YAML    string
		Default bool
	}
	m.get("/v1/moderation/policies/plaza", &p)
	if !p.Default || p.YAML == "" {
		t.Errorf("policy %+v, want the default", p)
	}
	var refused struct{ Problems []problem }
	if status := m.call("PUT", "/v1/moderation/policies/plaza", map[string]any{"yaml": p.YAML + "\nfoo: bar\n"}, &refused); status != http.StatusBadRequest || len(refused.Problems) == 0 || refused.Problems[0].Line == 0 {
		t.Errorf("a broken policy: %d %+v", status, refused)
	}
	var replay struct{ Compared, Same int }
	if status := m.call("POST", "/v1/moderation/policies/plaza/replay", map[string]any{"yaml": p.YAML}, &replay); status != http.StatusOK || replay.Compared != 1 || replay.Same != 1 {
		t.Errorf("replay = %d %+v, want the one incident decided the same", status, replay)
	}
	if status := m.call("PUT", "/v1/moderation/policies/plaza", map[string]any{"yaml": string(policy.MinorsYAML())}, nil); status != http.StatusOK {
		t.Errorf("PUT = %d", status)
	}
	for _, tc := range []struct{ name, token string }{{"a player", n.token(nil)}} {
		if status, body, _ := n.do("GET", "/v1/moderation", tc.token, "", nil); status != http.StatusForbidden {
			t.Errorf("%s at the console: %d %s", tc.name, status, body)
		}
	}
	if _, err := json.Marshal(refused); err != nil {
		t.Fatal(err)
	}
}

// Who reported learns what a moderator found, at once or when they come back,
// and nothing of the other person.
func TestReportersLearnWhatBecameOfIt(t *testing.T) {
	t.Parallel()
	n := startModerated(t, nil)
	ada, bob, troll := n.guest("ada", nil), n.guest("bob", nil), n.guest("troll", nil)
	m := n.moderator("mod")
	ids := map[*guest]string{}
	for _, g := range []*guest{ada, bob} {
		g.say(&protocol.Report{Participant: troll.id(), Reason: protocol.ReportHarassment})
		r := expect[*protocol.Reported](g)
		if r.Outcome != "" {
			t.Errorf("the answer to a report is %+v, want no outcome yet", r)
		}
		ids[g] = r.ID
	}
	bob.conn.Close()
	for l := expect[*protocol.Left](ada); l.Participant != bob.id(); l = expect[*protocol.Left](ada) {
	}
	var list struct{ Incidents []consoleIncident }
	m.get("/v1/moderation/incidents?state=open", &list)
	if len(list.Incidents) != 1 {
		t.Fatalf("incidents %+v, want one of both reports", list.Incidents)
	}
	judge := "/v1/moderation/incidents/" + list.Incidents[0].ID + "/judge"
	if status := m.call("POST", judge, map[string]any{"verdict": "right", "note": ""}, nil); status != http.StatusOK {
		t.Fatalf("judge = %d", status)
	}
	if r := expect[*protocol.Reported](ada); r.ID != ids[ada] || r.Outcome != protocol.OutcomeUpheld {
		t.Errorf("ada is told %+v, want that report %s was upheld", r, ids[ada])
	}
	again := n.guest("bob", nil)
	if len(again.outcomes) != 1 || again.outcomes[0].ID != ids[bob] || again.outcomes[0].Outcome != protocol.OutcomeUpheld {
		t.Errorf("bob, back again, is told %+v, want that report %s was upheld", again.outcomes, ids[bob])
	}
	if status := m.call("POST", judge, map[string]any{"verdict": "wrong", "note": "on second thoughts"}, nil); status != http.StatusOK {
		t.Errorf("judge again = %d", status)
	}
	again.say(&protocol.Ping{})
	for msg := again.next(patience); msg != nil; msg = again.next(patience) {
		if r, ok := msg.(*protocol.Reported); ok {
			t.Errorf("told again: %+v", r)
		}
		if _, ok := msg.(*protocol.Pong); ok {
			break
		}
	}
}

func TestAnswersAreBounded(t *testing.T) {
	var a answers
	now := time.Now()
	for i := range 3 * maxAnswers {
		a.keep("pa_a", &protocol.Reported{ID: "re_" + string(rune('a'+i))}, now.Add(time.Duration(i)*time.Second))
	}
	if got := a.take("pa_a", now.Add(time.Hour)); len(got) != maxAnswers || got[maxAnswers-1].ID != "re_x" {
		t.Errorf("%d are kept for one, the last %v; want the %d newest", len(got), got[len(got)-1], maxAnswers)
	}
	if got := a.take("pa_a", now); len(got) != 0 {
		t.Errorf("told twice: %v", got)
	}
	a.keep("pa_b", &protocol.Reported{}, now)
	if got := a.take("pa_b", now.Add(answersFor+time.Second)); len(got) != 0 {
		t.Errorf("told after %v: %v", answersFor, got)
	}
	for i := range maxAnswersFrom + 10 {
		a.keep(earshot.ParticipantID("pa_"+strconv.Itoa(i)), &protocol.Reported{}, now)
	}
	if len(a.of) != maxAnswersFrom {
		t.Errorf("kept for %d people, want at most %d", len(a.of), maxAnswersFrom)
	}
	if a.keep("pa_late", &protocol.Reported{}, now.Add(answersFor+time.Hour)); len(a.of) != 1 {
		t.Errorf("kept for %d people, want those over time gone", len(a.of))
	}
}

// A kick is final: what comes on the line while the bye travels is not handled.
func TestNothingIsHandledAfterAKick(t *testing.T) {
	t.Parallel()
	n := startModerated(t, nil)
	mod := n.guest("mod", func(c *Claims) { c.Grants = append(c.Grants, protocol.GrantModerate) })
	bob := n.guest("bob", nil)
	mod.say(&protocol.Moderate{Action: protocol.ActionKick, Participant: bob.id(), Reason: "spam"})
	expect[*protocol.Bye](bob)
	for _, msg := range []protocol.ClientMessage{
		&protocol.Report{Participant: mod.id(), Reason: protocol.ReportSpam},
		&protocol.Block{Participant: mod.id(), Blocked: true}, &protocol.Ping{},
	} {
		_ = bob.conn.WriteMessage(websocket.TextMessage, protocol.EncodeClient(msg, "r1"))
	}
	for msg := bob.next(2 * time.Second); msg != nil; msg = bob.next(2 * time.Second) {
		switch msg.(type) {
		case *protocol.Reported, *protocol.Blocked, *protocol.Pong, *protocol.Error:
			t.Errorf("answered after the kick: %T %+v", msg, msg)
		}
	}
	var list struct{ Incidents []consoleIncident }
	n.moderator("mod").get("/v1/moderation/incidents?state=all", &list)
	if len(list.Incidents) != 1 || list.Incidents[0].Source != policy.ByModerator {
		t.Errorf("incidents %+v, want the kick alone", list.Incidents)
	}
}
