package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"earshot/presence/store/servertest"
)

// TestE2ELiveKitFleet is LiveKit's SDKs, as npm has them, at a node that does not
// have their room: all they do is done by the one that has it.
func TestE2ELiveKitFleet(t *testing.T) {
	needE2E(t)
	shared := servertest.Start(t)
	var pages, admins []string
	for range 2 {
		listen := "127.0.0.1:" + servertest.FreePort(t)
		page, admin := startServerAt(t, listen, loopback, fmt.Sprintf("keys: [{id: test, algorithm: HS256, secret: %q}]\n"+
			"store: {addresses: [%q]}\nfleet: {url: %q, drain: 0s}\n", livekitSecret, shared.Address, "http://"+listen)+aloneUDP)
		pages, admins = append(pages, page), append(admins, admin)
	}
	owner := -1
	for deadline := time.Now().Add(20 * time.Second); owner < 0; {
		for i, page := range pages { // the one with a running plaza is its owner
			if strings.Contains(got(t, page+"/v1/worlds"), "in_plaza") {
				owner = i
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("no node has the plaza")
		}
	}
	other := 1 - owner
	door := livekitDoor{"fleet", pages[other]}
	for _, script := range []string{"e2e/livekit-rtc.mjs", "e2e/livekit-client.mjs"} {
		runNode(t, script, door.env()...)
	}
	const sessions = "\nearshot_joins_total{code=\"ok\"}"
	if at := got(t, admins[other]+"/metrics"); strings.Contains(at, sessions) {
		t.Error("somebody joined at the node that does not have the room")
	}
	if at := got(t, admins[owner]+"/metrics"); !strings.Contains(at, sessions) {
		t.Error("nobody joined at the node that has the room")
	}
}

func got(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
