package gateway

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/moderation"
	"earshot/moderation/policy"
	"earshot/npc"
)

const doubtful = "You people are disgusting."

// startJudge starts a model server that speaks as a character, two sentences with
// a pause between them, and as a guard that takes its time and finds hate in the
// first before the pause is over.
func startJudge(t *testing.T) *modelServer {
	m := &modelServer{}
	found, once := make(chan struct{}), sync.Once{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"object":"list","data":[{"id":"tiny","object":"model"}]}`)
	})
	mux.HandleFunc("POST /v1/chat/completions", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		words := []string{doubtful + " And another thing", " comes to my mind."}
		if strings.Contains(string(body), "content moderator") {
			pause(300 * time.Millisecond)
			var results []string
			for i, text := range strings.Split(string(body), `\"text\":`)[1:] {
				percent := 2
				if strings.Contains(text, "disgusting") {
					percent = 97
					defer once.Do(func() { close(found) })
				}
				results = append(results, fmt.Sprintf(`{"i":%d,"toxicity":2,"hate":%d,"harassment":2,"sexual":0,"violence":0,"self_harm":0,"spam":0}`, i, percent))
			}
			words = []string{`{"results":[` + strings.Join(results, ",") + `]}`}
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for i, word := range words {
			if i > 0 {
				select {
				case <-found:
					pause(500 * time.Millisecond)
				case <-r.Context().Done():
					return
				}
			}
			data, _ := json.Marshal(word)
			fmt.Fprintf(w, "data: {\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"model\":\"tiny\",\"choices\":[{\"index\":0,\"delta\":{\"content\":%s}}]}\n\n", data)
			w.(http.Flusher).Flush()
		}
		fmt.Fprint(w, "data: {\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"model\":\"tiny\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
	})
	m.Server = httptest.NewServer(mux)
	t.Cleanup(m.Close)
	return m
}

// What a guard finds late of an NPC's sentence takes the utterance back, and
// nothing more of it is heard.
func TestAnNPCIsCutShortByALateVerdict(t *testing.T) {
	t.Parallel()
	n := startModeratedCast(t, keeper, newInference(t, startJudge(t)), func(d *Deps) {
		d.Moderation.Tier1 = GuardModel{Model: "tiny", Template: moderation.ChatScores}
	})
	var npcs studio // the file waits for the guard's first answer
	eventually(t, "Mara is here", func() bool {
		n.designer().get("/v1/studio", &npcs)
		return len(npcs.NPCs) > 0
	})
	ada := n.guest("ada", nil)
	ada.say(&protocol.SendChat{Text: "Good evening, Mara."})
	shown := expect[*protocol.Caption](ada)
	if !strings.HasPrefix(shown.Text, "You people") || !shown.Unverified {
		t.Fatalf("caption %+v, want the doubtful sentence, unverified", shown)
	}
	retracted := false
	for until := time.Now().Add(patience); time.Now().Before(until); {
		switch m := ada.next(time.Until(until)).(type) {
		case *protocol.Caption:
			if strings.Contains(m.Text, "another") || retracted && m.ID == shown.ID {
				t.Errorf("caption %+v, after the utterance was taken back: %v", m, retracted)
			}
		case *protocol.Retract:
			if m.ID == shown.ID && !retracted {
				retracted, until = true, time.Now().Add(1500*time.Millisecond) // the rest would come meanwhile
			}
		}
	}
	if !retracted {
		t.Error("what the NPC said was not taken back")
	}
	m := n.moderator("mod")
	eventually(t, "one incident about what the NPC said", func() bool {
		var list struct{ Incidents []consoleIncident }
		m.get("/v1/moderation/incidents?state=all", &list)
		found := 0
		for _, in := range list.Incidents {
			if in.Kind == policy.NPC && in.Who == "" && in.Source == policy.Tier1 {
				found++
			}
		}
		return found == 1
	})
}

// The sentence may be found bad before its caption comes, while it is said, or
// when it is over; the voice is silent for as long as the utterance lasts.
func TestCensor(t *testing.T) {
	in := &Instance{}
	c := &censor{body: &resident{in: in}}
	now := time.Now()
	caption := func(id, text string, final bool) showing {
		what, _ := c.show(&npc.Caption{ID: earshot.EventID(id), Text: text, Final: final}, now)
		return what
	}
	if caption("a", "Hello.", false) != shown {
		t.Error("a harmless caption is not shown")
	}
	c.withdraw("How awful you are.") // still to come
	if c.silent || !now.Before(c.hush) {
		t.Errorf("silent %v, hush until %v; want the sentence before heard, and no other taken up", c.silent, c.hush)
	}
	if _, ok := c.screen("And more."); ok {
		t.Error("the rest of the answer is taken up")
	}
	if got := caption("a", "Hello.  How awful you are.", false); got != gone || !c.silent {
		t.Errorf("its caption: %v, silent %v; want it taken back and silence", got, c.silent)
	}
	if got := caption("a", "Hello. How awful you are.", true); got != dropped || !c.hush.IsZero() {
		t.Errorf("its end: %v, hush %v; want it dropped and the NPC free to speak", got, c.hush)
	}
	if caption("b", "Let us speak of something else.", true) != shown || c.silent {
		t.Error("what it says next is not heard")
	}
	c.withdraw("something else.") // over
	if !c.silent {
		t.Error("the last utterance may still be heard")
	}
	now = now.Add(sentenceFor + time.Minute)
	if caption("c", "How awful you are.", true) != shown {
		t.Error("a sentence is condemned for ever")
	}
}

func TestAWordForTheStandInIsJudged(t *testing.T) {
	t.Parallel()
	n := startModeratedCast(t, keeper, nil, nil)
	ada := n.guest("ada", nil)
	ada.say(&protocol.StandIn{Allowed: true, Text: "kys, I am away"})
	if e := expect[*protocol.Error](ada); e.Code != earshot.CodePermissionDenied {
		t.Errorf("a slur as word: %+v, want permission_denied", e)
	}
}
