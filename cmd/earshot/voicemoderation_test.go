package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"earshot/gateway"
	"earshot/gateway/protocol"
	"earshot/loadtest"
	"earshot/moderation/policy"
	"earshot/npc/voice"
)

// What is said in the test of voices. Each lasts 3 to 5 s, so that it is one
// window of what moderation has transcribed.
const (
	harmlessWords = "Good evening everybody, what a lovely fountain you have built here on the plaza."
	abusiveWords  = "Listen to me now you little worm, go and kill yourself, nobody wants you here."
)

// verdictWithin is how soon after a verdict a listener's packets have to stop,
// over so many goroutines, each of which the machine may let wait.
const (
	verdictWithin = 100 * time.Millisecond
	hops          = 5
)

// TestVoiceLeadsToAMute is speech end to end: espeak-ng says something abusive,
// a client speaks it into a node that was started by its configuration file, a
// server of transcriptions gets it as WAV, recognises by its sound what was
// said, and the default policy mutes the speaker, who talks on without being
// heard. What is transcribed, and by what means a machine recognises words, is
// not Earshot's; so the server tells two sentences apart by their envelopes,
// and does not understand what arrives as anything else.
//
// That the packets stop is asserted by counting. How soon is asserted in the
// best of three runs, and by what timers were late in each: elsewhere on the
// machine others are at work.
func TestVoiceLeadsToAMute(t *testing.T) {
	if testing.Short() {
		t.Skip("speech takes its time")
	}
	harmless, abusive := synthesise(t, harmlessWords), synthesise(t, abusiveWords)
	for attempt := 1; ; attempt++ {
		late := loadtest.Lateness()
		last := voiceToMute(t, harmless, abusive)
		most := verdictWithin + hops*late()
		if t.Failed() || last <= most {
			return
		}
		if attempt == 3 {
			t.Errorf("the last packet arrived %v after the verdict, want at most %v", last, most)
			return
		}
		t.Logf("the last packet arrived %v after the verdict, of %v: trying again", last, most)
	}
}

// voiceToMute returns how long after the verdict the listener's last packet came.
func voiceToMute(t *testing.T, harmless, abusive *recording) time.Duration {
	ears := &recogniser{t: t, known: []*recording{harmless, abusive}}
	server := httptest.NewServer(ears.handler())
	defer server.Close()
	n := startConfigured(t, fmt.Sprintf(`keys: [{id: main, secret: '%s'}]
worlds: {plaza: {title: Plaza}}
moderation: {worlds: {plaza: {voice: true}}}
inference:
  discover: ""
  backends:
  - { id: ears, api: openai, url: '%s', slots: 4, models: [{ name: ears, capabilities: [transcription] }] }
`, testSecret, server.URL))
	defer n.stop()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()

	listener := n.call(ctx, t, "listener")
	defer listener.close()
	speaker := n.call(ctx, t, "speaker")
	defer speaker.close()
	for _, c := range []*caller{listener, speaker} {
		if w := c.welcome(ctx); !w.World.VoiceModeration {
			t.Errorf("%s was not told that voices are judged: %+v", c.name, w.World)
		}
	}

	// Something friendly first: it is heard, transcribed and leads to nothing.
	talk, hush := context.WithCancel(ctx)
	var talking sync.WaitGroup
	talking.Go(func() { speaker.speak(talk, harmless, abusive) })
	defer talking.Wait()
	defer hush()
	muted := listener.await(ctx, func(m protocol.ServerMessage) bool {
		m2, ok := m.(*protocol.Muted)
		return ok && m2.Muted && m2.By == "moderator" && m2.Participant == speaker.welcome(ctx).You.ID
	})
	order, ok := speaker.await(ctx, func(m protocol.ServerMessage) bool {
		o, ok := m.(*protocol.Order)
		return ok && len(o.Sanctions) == 1 && o.Sanctions[0].Action == string(policy.Mute)
	}).msg.(*protocol.Order)
	if muted.msg == nil || !ok {
		t.Fatalf("nobody was muted for what they said: the server of transcriptions understood %q", ears.said())
	}
	if order.Statement.Facts == "" || order.Statement.Redress == "" || !order.Appeal {
		t.Errorf("order %+v, want a statement of reasons and an appeal", order)
	}

	// They talk on. Not a packet more reaches the listener.
	spoken := speaker.sent.Load()
	wait(ctx, muted.at.Add(500*time.Millisecond))
	heard := listener.heard()
	wait(ctx, time.Now().Add(2*time.Second))
	if more := listener.heard() - heard; more > 0 || speaker.sent.Load() < spoken+50 {
		t.Errorf("muted, the speaker sent %d packets, of which the listener got %d, want 100 and none", speaker.sent.Load()-spoken, more)
	}
	return n.checkIncident(t, order.ID, speaker, listener, abusive, ears, muted.at)
}

// checkIncident looks at what is kept of the case, and returns how long after
// the verdict the listener's last packet came.
func (n *running) checkIncident(t *testing.T, id string, speaker, listener *caller, abusive *recording, ears *recogniser, told time.Time) time.Duration {
	t.Helper()
	var incident struct {
		Kind     policy.Kind
		Terms    []string
		Text     string
		Evidence []struct{ ID, Kind string }
		Person   struct {
			InForce []struct {
				Action policy.Action
				Until  time.Time
			} `json:"in_force"`
		}
		Actions []policy.Act
	}
	if err := json.Unmarshal(n.get(t, "/v1/moderation/incidents/"+id), &incident); err != nil {
		t.Fatal(err)
	}
	if incident.Kind != policy.Voice || !strings.Contains(incident.Text, abusiveWords) || len(incident.Terms) == 0 {
		t.Errorf("incident %+v, want a voice, the listed term and what was said", incident)
	}
	if len(incident.Evidence) != 1 {
		t.Fatalf("%d pieces of evidence, want one: %+v", len(incident.Evidence), incident)
	}
	sound := decodeOgg(t, n.get(t, "/v1/moderation/evidence/"+incident.Evidence[0].ID+"?incident="+id))
	_, alike := abusive.find(sound)
	if alike < alikeFrom {
		t.Errorf("the evidence of %v sounds %.2f like what was said, want %.2f", length(sound), alike, alikeFrom)
	}

	// The verdict's time is the server's own: the mute ends so long after it.
	var verdict time.Time
	for _, a := range incident.Actions {
		for _, s := range incident.Person.InForce {
			if a.Action == policy.Mute && s.Action == policy.Mute {
				verdict = s.Until.Add(-a.For)
			}
		}
	}
	answered := ears.answeredBefore(told)
	if verdict.Before(answered) || verdict.After(told) {
		t.Errorf("the verdict is of %v, want it between the transcript, %v, and when the listener was told, %v", verdict, answered, told)
	}
	last, tail := listener.last()
	t.Logf("understood %q", ears.said())
	t.Logf("the listener got %d packets; after the transcript the verdict came in %v, the word of it in %v and the last packet in %v: %v after the verdict (the server's silence that ends it: %v); the evidence is %v long and %.3f like the clip",
		listener.heard(), verdict.Sub(answered), told.Sub(answered), last.Sub(answered), last.Sub(verdict), tail.Sub(verdict), length(sound), alike)
	return last.Sub(verdict)
}

// running is a node in this process, started as by the command line.
type running struct {
	url  string
	stop func()
	key  gateway.Key
}

func startConfigured(t *testing.T, config string, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	reader, writer := io.Pipe()
	ended := make(chan int, 1)
	var log bytes.Buffer
	go func() {
		p := program{out: writer, log: &log, goodbye: patience} // else the process ends, which is this test
		ended <- p.run(ctx, append([]string{"serve", "-listen", "127.0.0.1:0", "-admin", "127.0.0.1:0", "-udp", "127.0.0.1:0", "-config", writeFile(t, config)}, args...))
		writer.Close()
	}()
	greeting := make([]byte, 4096)
	size, _ := reader.Read(greeting)
	go func() { _, _ = io.Copy(io.Discard, reader) }()
	first, _, _ := strings.Cut(string(greeting[:size]), "\n")
	n := &running{url: strings.TrimSpace(strings.TrimPrefix(first, "Earshot is on ")), key: gateway.Key{ID: "main", Secret: testSecret}}
	if !strings.Contains(config, "keys:") {
		n.key = gateway.Key{}
	}
	n.stop = func() {
		cancel()
		if code := <-ended; code != 0 || t.Failed() {
			t.Logf("earshot serve: exit %d\n%s", code, log.String())
		}
	}
	if !strings.HasPrefix(n.url, "http://") {
		n.stop()
		t.Fatalf("earshot serve said %q, want a line with a URL", first)
	}
	return n
}

func (n *running) token(t *testing.T, name string, grants ...string) string {
	t.Helper()
	token, _, err := gateway.Issue(n.key, gateway.Claims{
		Subject: name, Name: name, World: "plaza", Kind: gateway.KindPerson, Expires: time.Now().Add(time.Hour), Grants: grants,
	}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// get reads the console as a moderator.
func (n *running) get(t *testing.T, path string) []byte {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, n.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+n.token(t, "moderator", protocol.GrantModerate))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("GET %s = %d %.300s, %v", path, res.StatusCode, body, err)
	}
	return body
}

// synthesise has espeak-ng say something, as Opus.
func synthesise(t *testing.T, text string) *recording {
	t.Helper()
	espeak, err := voice.FindEspeak(t.Context(), "espeak-ng")
	if err != nil {
		t.Fatalf("%v; or run .ci/tools", err)
	}
	source, err := espeak.Speak(t.Context(), text, "en", "m3", 1)
	if err != nil {
		t.Fatal(err)
	}
	u, err := voice.Begin(t.Context(), source, voice.Format{}, newCodecs())
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	r := &recording{text: text}
	for {
		frame, err := u.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		r.frames = append(r.frames, frame)
	}
	r.envelope = envelope(decodeFrames(t, r.frames))
	if d := time.Duration(len(r.frames)) * frameTime; d < 3200*time.Millisecond || d > 4900*time.Millisecond {
		t.Fatalf("espeak-ng says %q in %v, want 3.2 to 4.9 s: that is one window", text, d)
	}
	return r
}

// A backend that judges sound gets what was said as WAV, and what it finds is
// an incident although the words were harmless, or nobody could write them
// down.
func TestVoiceIsJudgedByItsSound(t *testing.T) {
	if testing.Short() {
		t.Skip("speech takes its time")
	}
	harmless := synthesise(t, harmlessWords)
	clips := make(chan []byte, 16)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		select {
		case clips <- body:
		default:
		}
		fmt.Fprint(w, `{"scores":{"harassment":0.95}}`)
	}))
	defer server.Close()
	n := startConfigured(t, fmt.Sprintf(`keys: [{id: main, secret: '%s'}]
worlds: {plaza: {title: Plaza}}
moderation:
  classifier: {url: '%s/judge'}
  worlds: {plaza: {voice: true}}
inference: {discover: ""}
`, testSecret, server.URL))
	defer n.stop()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	speaker := n.call(ctx, t, "speaker")
	defer speaker.close()
	talk, hush := context.WithCancel(ctx)
	var talking sync.WaitGroup
	talking.Go(func() { speaker.speak(talk, harmless, harmless) })
	defer talking.Wait()
	defer hush()
	order, ok := speaker.await(ctx, func(m protocol.ServerMessage) bool {
		_, ok := m.(*protocol.Order)
		return ok
	}).msg.(*protocol.Order)
	if !ok {
		t.Fatal("what the classifier found led to nothing")
	}
	var incident struct {
		Kind   policy.Kind
		Source policy.Source
	}
	if err := json.Unmarshal(n.get(t, "/v1/moderation/incidents/"+order.ID), &incident); err != nil || incident.Kind != policy.Voice || incident.Source != policy.Tier1 {
		t.Errorf("incident %+v, %v, want a voice, found by tier 1", incident, err)
	}
	clip := <-clips
	if len(clip) < 2*voice.ClipRate || !bytes.HasPrefix(clip, []byte("RIFF")) || !bytes.Equal(clip[8:12], []byte("WAVE")) {
		t.Errorf("the classifier got %d bytes beginning %q, want a WAV file of seconds", len(clip), clip[:min(12, len(clip))])
	}
}
