package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"earshot/gateway"
	"earshot/gateway/protocol"
	"earshot/loadtest"
	"earshot/loadtest/model"
	"earshot/presence/store/servertest"
)

// TestE2EKilledNode is the page in Chromium and a bot in one instance of two nodes,
// each a process. The node that has them is killed, again and again: both are back
// on the other, and hear each other. EARSHOT_ROUNDS says how often; docs/cluster.md
// has the figures of a quiet machine, which decide nothing here.
func TestE2EKilledNode(t *testing.T) {
	needE2E(t)
	const generous = 20 * time.Second // and what timers were late
	rounds, err := strconv.Atoi(os.Getenv("EARSHOT_ROUNDS"))
	if err != nil {
		rounds = 2
	}
	shared := servertest.Start(t)
	key := gateway.GenerateDevelopmentKey()
	key.ID = "test"
	nodes := map[string]*mortal{} // by URL with a slash
	var urls []string
	for range 2 {
		listen := "127.0.0.1:" + servertest.FreePort(t)
		n := &mortal{t: t, url: "http://" + listen, argv: []string{earshotBinary(t), "serve", "-listen", listen, "-admin", "", "-udp", loopback + ":0", "-config", writeFile(t, fmt.Sprintf(
			"keys: [{id: test, algorithm: HS256, secret: %q}]\nstore: {addresses: [%q]}\nfleet: {url: %q, drain: 0s}\n",
			string(key.Secret), shared.Address, "http://"+listen)+aloneUDP)}}
		n.live()
		t.Cleanup(n.kill)
		nodes[n.url+"/"], urls = n, append(urls, n.url)
	}

	var heard loadtest.Arrivals
	guest, err := loadtest.Return(t.Context(), loadtest.ReturnConfig{Config: loadtest.Config{
		URL: urls[0], Token: plazaToken(t, key, "bot"), Number: 1, Slots: 4, Speak: true, Talker: incessant{},
		Hear: func(_ int, at time.Time, _ *loadtest.Received) { heard.Note(at) },
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = guest.Close() })

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute+time.Duration(rounds)*4*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "e2e/killed.mjs")
	cmd.Dir = webTest
	cmd.Env = append(os.Environ(), "EARSHOT_URL="+urls[0], "EARSHOT_ADMIN=none", "EARSHOT_ROUNDS="+strconv.Itoa(rounds),
		"EARSHOT_CHROMIUM="+browser(t), "EARSHOT_TOKEN="+plazaToken(t, key, "browser"))
	tell, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	endGently(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := loadtest.Lateness()
	var killed time.Time
	var victim *mortal
	var ofBot, ofBrowser []time.Duration // silences, as heard by them
	for lines := bufio.NewScanner(out); lines.Scan(); {
		t.Log(lines.Text())
		words := strings.Fields(lines.Text())
		switch {
		case len(words) > 1 && strings.HasSuffix(words[0], "ready"):
			if victim = nodes[words[1]]; victim == nil {
				t.Fatalf("the page is on %s, which is none of %v", words[1], urls)
			}
			killed = time.Now()
			victim.kill()
			_, _ = io.WriteString(tell, "killed\n")
		case len(words) > 1 && strings.HasSuffix(words[0], "back"):
			ms, _ := strconv.Atoi(words[1])
			ofBrowser = append(ofBrowser, time.Duration(ms)*time.Millisecond)
			ofBot = append(ofBot, heard.Longest(killed, time.Now()).Round(time.Millisecond))
			victim.live()
			_, _ = io.WriteString(tell, "there\n")
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("node e2e/killed.mjs: %v", err)
	}
	most := generous + hops*late()
	for name, list := range map[string][]time.Duration{"the bot heard nothing of the browser for": ofBot, "the browser heard nothing for": ofBrowser} {
		if len(list) != rounds {
			t.Fatalf("%d rounds, want %d", len(list), rounds)
		}
		slices.Sort(list)
		t.Logf("%s %v: p50 %v, longest %v", name, list, list[(rounds-1)/2], list[rounds-1])
		if list[rounds-1] > most {
			t.Errorf("%s %v, want at most %v", name, list[rounds-1], most)
		}
	}
}

// mortal is a node as a process that is killed and started again.
type mortal struct {
	t    *testing.T
	url  string
	argv []string
	cmd  *exec.Cmd
	log  bytes.Buffer
}

// live starts the node and returns when it takes joins.
func (m *mortal) live() {
	m.t.Helper()
	m.cmd = exec.Command(m.argv[0], m.argv[1:]...)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "EARSHOT_") {
			m.cmd.Env = append(m.cmd.Env, v)
		}
	}
	m.log.Reset()
	m.cmd.Stderr = &m.log
	if err := m.cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; {
		resp, err := http.Get(m.url + "/readyz")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(deadline) {
			m.kill()
			m.t.Fatalf("%s does not take joins:\n%s", m.url, m.log.String())
		}
		<-time.After(20 * time.Millisecond)
	}
}

// kill ends it as a power cut does. It may be called again.
func (m *mortal) kill() {
	_ = m.cmd.Process.Kill()
	_ = m.cmd.Wait()
}

func plazaToken(t *testing.T, key gateway.Key, name string) string {
	t.Helper()
	now := time.Now()
	token, _, err := gateway.Issue(key, gateway.Claims{
		Subject: name, Name: name, World: "plaza", Kind: gateway.KindPerson, Expires: now.Add(time.Hour),
		Grants: []string{protocol.GrantPublishAudio, protocol.GrantPublishPose, protocol.GrantSubscribe, protocol.GrantChat},
	}, now)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// incessant talks without a pause.
type incessant struct{}

// Next implements model.Talking.
func (incessant) Next() model.Spoken { return model.Spoken{Send: true, Voice: true, Level: 30} }
