package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/loadtest"
	"earshot/loadtest/model"
	"earshot/sfu/record"
	"earshot/sfu/record/format"
	"earshot/spatialaudio/zone"
)

// recordingNode is a node that may record, and where it does.
func recordingNode(t *testing.T) (n *node, dir string) {
	t.Helper()
	dir = t.TempDir()
	cfg := record.DefaultConfig()
	cfg.Dir, cfg.MinFree = dir, 0
	library, err := record.New(cfg, record.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	n = startNodeWith(t, nil, nil, func(d *Deps) { d.Recordings = library })
	return n, dir
}

// talker is a bot that talks without a pause and says when in each packet.
func (n *node) talker(number uint32, change ...func(*loadtest.Config)) *loadtest.Bot {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	name := fmt.Sprintf("bot %d", number)
	cfg := loadtest.Config{
		URL: n.url, Token: n.token(func(c *Claims) { c.Subject, c.Name, c.Kind = name, name, "bot" }),
		Number: number, Seed: uint64(number), Speak: true, Talk: model.Unending(), KeepMessages: 1000,
	}
	for _, f := range change {
		f(&cfg)
	}
	bot, err := loadtest.Join(ctx, cfg)
	for earshot.CodeOf(err) == earshot.CodeUnavailable && ctx.Err() == nil { // in a moment
		pause(200 * time.Millisecond)
		bot, err = loadtest.Join(ctx, cfg)
	}
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = bot.Close() })
	return bot
}

func (n *node) plaza() *Instance {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.instances["in_plaza"]
}

// sentAt reads when the packets of a bot that are in a recording were sent.
func sentAt(t *testing.T, dir string, m *format.Manifest, bot uint32, who earshot.ParticipantID) (times []time.Time) {
	t.Helper()
	for _, track := range m.Tracks {
		if track.Participant != who || track.Source != "microphone" {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, m.ID, track.File))
		if err != nil {
			t.Fatal(err)
		}
		r, err := format.NewOpusReader(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		for {
			packet, _, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if f, ok := loadtest.ParseFrame(packet); ok && f.Bot == bot {
				times = append(times, f.At)
			}
		}
	}
	return times
}

// Nothing of a muted microphone is recorded: not where its owner muted it, nor
// a moderator, nor a zone, nor where moderation isolated them; what comes before and after
// is, and so is another who talks all the time. A block changes nothing.
func TestOrdersHoldForRecordings(t *testing.T) {
	for name, c := range map[string]struct {
		begin, end func(in *Instance, s *session)
	}{
		"muted": {
			func(in *Instance, s *session) { in.mute(s, true) },
			func(in *Instance, s *session) { in.mute(s, false) },
		},
		"muted by a moderator": {
			func(in *Instance, s *session) {
				_ = in.moderate(&protocol.Moderate{Action: protocol.ActionMute, Participant: s.participant}, time.Now())
			},
			func(in *Instance, s *session) {
				_ = in.moderate(&protocol.Moderate{Action: protocol.ActionUnmute, Participant: s.participant}, time.Now())
			},
		},
		"hushed by a zone": {
			func(in *Instance, s *session) {
				quiet := roundZone("quiet", zone.KindQuiet, 0, 0, 6)
				quiet.Speak = &zone.Speak{Who: zone.SpeakListed, Participants: []earshot.ParticipantID{earshot.ParticipantFor("test", "bot 2")}}
				in.rebuildWalls(zone.List{quiet})
			},
			func(in *Instance, s *session) { in.rebuildWalls(nil) },
		},
		"isolated": {
			func(in *Instance, s *session) { in.isolateNow(s, sanctions{muted: true, isolated: true}) },
			func(in *Instance, s *session) { in.isolateNow(s, sanctions{}) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			n, dir := recordingNode(t)
			a, b := n.talker(1), n.talker(2)
			in := n.plaza()
			s := in.live.Load().byID[a.ID()]
			if err := in.block(s, b.ID(), true); err != nil {
				t.Fatal(err)
			}
			if _, err := in.record("test", format.Selection{}); err != nil {
				t.Fatal(err)
			}
			late := watchLateness(t)
			says := func() {
				t.Helper()
				of, other := a.Spoken(), b.Spoken()
				eventually(t, "what is said", func() bool { return a.Spoken() > of+55 && b.Spoken() > other+55 })
				pause(100 * time.Millisecond) // until it is there
			}
			says()
			c.begin(in, s)
			from := time.Now()
			says()
			to := time.Now()
			c.end(in, s)
			says()
			m, err := n.deps.Recordings.Stop(context.Background(), "in_plaza", "test")
			if err != nil {
				t.Fatal(err)
			}
			before, after := 0, 0
			for _, at := range sentAt(t, dir, m, 1, a.ID()) {
				switch {
				case at.Before(from):
					before++
				case at.After(to.Add(-50*time.Millisecond - late.allowance())):
					after++
				default: // sent while it was on its way when the order came is before it
					t.Fatalf("a packet sent %v after the order is recorded", at.Sub(from))
				}
			}
			other := 0
			for _, at := range sentAt(t, dir, m, 2, b.ID()) {
				if at.After(from) && at.Before(to) {
					other++
				}
			}
			if before < 30 || after < 30 || other < 40 {
				t.Errorf("%d packets before, %d after, %d of the other meanwhile", before, after, other)
			}
			if len(m.Tracks) != 2 {
				t.Errorf("%d tracks, want 2", len(m.Tracks))
			}
		})
	}
}

// isolateNow puts sanctions in force as obey does.
func (in *Instance) isolateNow(s *session, next sanctions) {
	in.policy.Lock()
	defer in.policy.Unlock()
	in.mu.Lock()
	in.sanction(s, next)
	in.mu.Unlock()
	in.isolate(s)
}

// Everybody is told: those who are there when it begins, newcomers before
// anything of them is taken, and the page before one joins.
func TestRecordingIsTold(t *testing.T) {
	t.Parallel()
	n, _ := recordingNode(t)
	ada := n.guest("ada", nil)
	if worldRecorded(n) {
		t.Error("the world says that it is recorded before it is")
	}
	if _, err := n.plaza().record("test", format.Selection{}); err != nil {
		t.Fatal(err)
	}
	if m := expect[*protocol.Recording](ada); !m.Active || m.Since == "" || len(m.Participants) != 0 {
		t.Errorf("told %+v", m)
	}
	bob := n.guest("bob", nil)
	if len(bob.recorded) != 1 || !bob.recorded[0].Active {
		t.Errorf("a newcomer was told %+v, want that a recording goes on", bob.recorded)
	}
	if !worldRecorded(n) {
		t.Error("the world does not say that it is recorded")
	}
	if _, err := n.deps.Recordings.Stop(context.Background(), "in_plaza", "test"); err != nil {
		t.Fatal(err)
	}
	for _, g := range []*guest{ada, bob} {
		if m := expect[*protocol.Recording](g); m.Active {
			t.Errorf("told %+v at the end", m)
		}
	}
}

func worldRecorded(n *node) bool {
	n.t.Helper()
	status, body, _ := n.do(http.MethodGet, "/v1/worlds", "", "", nil)
	var list worldList
	if err := json.Unmarshal(body, &list); err != nil || status != http.StatusOK {
		n.t.Fatalf("GET /v1/worlds = %d %s", status, body)
	}
	return list.Worlds[0].Recording
}

// Where only one microphone is wanted, nothing else is kept: of nobody else,
// not even where they stood.
func TestRecordingOfOneMicrophone(t *testing.T) {
	n, dir := recordingNode(t)
	a, b := n.talker(1), n.talker(2)
	only := format.Selection{Participants: []earshot.ParticipantID{b.ID()}, Sources: []string{"microphone"}}
	if _, err := n.plaza().record("test", only); err != nil {
		t.Fatal(err)
	}
	spoken := b.Spoken()
	eventually(t, "what is said", func() bool { return b.Spoken() > spoken+50 })
	pause(100 * time.Millisecond) // until it is there
	m, err := n.deps.Recordings.Stop(context.Background(), "in_plaza", "test")
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Participants) != 1 || m.Participants[0].ID != b.ID() || len(m.Tracks) != 1 || len(sentAt(t, dir, m, 2, b.ID())) < 25 {
		t.Errorf("recorded %+v, %+v, want the microphone of %s alone", m.Participants, m.Tracks, b.ID())
	}
	if len(sentAt(t, dir, m, 1, a.ID())) != 0 {
		t.Errorf("%s is in the recording", a.ID())
	}
}

// Only a token with the grant record may start and stop, in its own world.
func TestRecordingNeedsItsGrant(t *testing.T) {
	t.Parallel()
	n, _ := recordingNode(t)
	n.guest("ada", nil)
	at := "/v1/instances/in_plaza/recording"
	with := func(world string, grants ...string) string {
		return n.token(func(c *Claims) { c.Grants, c.World = grants, world })
	}
	allowed := with("plaza", protocol.GrantRecord)
	for _, c := range []struct {
		method, path, token, body string
		want                      int
	}{
		{http.MethodPost, at, "", "", 401},
		{http.MethodPost, at, with("plaza", protocol.GrantModerate, protocol.GrantAdmin), "", 403},
		{http.MethodPost, at, with("other", protocol.GrantRecord), "", 403},
		{http.MethodGet, "/v1/recordings", with("plaza", protocol.GrantAdmin), "", 403},
		{http.MethodPost, at, allowed, `{"sources":["smell"]}`, 400},
		{http.MethodPost, at, allowed, `{"participants":["ada"]}`, 400},
		{http.MethodPost, at, allowed, `{`, 400},
		{http.MethodDelete, at, allowed, "", 404},
		{http.MethodPost, "/v1/instances/in_plazas/recording", allowed, "", 403},
		{http.MethodPost, at, allowed, `{"sources":["microphone"]}`, 201},
		{http.MethodPost, at, allowed, "", 409},
		{http.MethodGet, "/v1/recordings", allowed, "", 200},
		{http.MethodDelete, at, with("plaza", protocol.GrantSubscribe), "", 403},
		{http.MethodDelete, at, allowed, "", 200},
	} {
		if status, body, _ := n.do(c.method, c.path, c.token, "application/json", []byte(c.body)); status != c.want {
			t.Errorf("%s %s %s = %d %s, want %d", c.method, c.path, c.body, status, body, c.want)
		}
	}
	off := startNode(t, nil)
	token := off.token(func(c *Claims) { c.Grants = []string{protocol.GrantRecord} })
	if status, _, _ := off.do(http.MethodGet, "/v1/recordings", token, "", nil); status == http.StatusOK {
		t.Error("a server without a folder lists recordings")
	}
}
