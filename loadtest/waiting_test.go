package loadtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"earshot"
)

// TestDoorWaits is a bot at a full world: it asks position by position, with the
// newest ticket, goes where another node leads the queue, and joins with what is
// kept for it; without Wait it is refused, and one that gives up says so.
func TestDoorWaits(t *testing.T) {
	var asked []string
	var answers []any
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.RequestURI)
		if r.Method == http.MethodDelete {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		a := answers[0]
		answers = answers[1:]
		switch {
		case a == nil:
			w.Header().Set("Location", "/v1/sessions/se_1")
			w.WriteHeader(http.StatusCreated)
			return
		case a.(waitReply).Position > 4:
			w.Header().Set("Location", "http://"+r.Host+"/b/"+strings.TrimPrefix(r.RequestURI, "/"))
			w.WriteHeader(http.StatusMisdirectedRequest)
		case strings.HasSuffix(r.URL.Path, "/join"):
			w.WriteHeader(http.StatusAccepted)
		}
		_ = json.NewEncoder(w).Encode(a)
	})
	server := httptest.NewServer(mux)
	defer server.Close()

	var told []Waiting
	d := door{client: server.Client(), base: server.URL, token: "t", wait: true, waiting: func(w Waiting) { told = append(told, w) }}
	answers = []any{
		waitReply{Queue: "qu_1", Position: 3, Waiting: 7}, waitReply{Queue: "qu_2", Position: 2, Waiting: 6, Estimated: 30}, waitReply{Position: 9},
		waitReply{Queue: "qu_3", Ready: true, Reservation: "rs_1", URL: server.URL + "/c"}, nil,
	}
	if _, err := d.join(t.Context(), "v=0"); err != nil {
		t.Fatal(err)
	}
	want := []string{"POST /v1/join?wait=1", "GET /v1/queue/qu_1?known=3", "GET /v1/queue/qu_2?known=2",
		"GET /b/v1/queue/qu_2?known=2", "POST /c/v1/join?reservation=rs_1&wait=1"}
	if !slices.Equal(asked, want) {
		t.Errorf("asked %q, want %q", asked, want)
	}
	if got := fmt.Sprint(told); !strings.HasPrefix(got, "[{3 7 0s} {2 6 30s}") {
		t.Errorf("told %s", got)
	}

	for _, patience := range []time.Duration{50 * time.Millisecond, time.Second, 20 * time.Second} { // a busy machine takes longer
		asked, answers = nil, []any{waitReply{Queue: "qu_1", Position: 1, Again: 60}, waitReply{Queue: "qu_2", Position: 1, Again: 60}}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		if _, err := d.join(ctx, "v=0"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("join until it was over: %v", err)
		}
		cancel()
		if len(answers) == 0 {
			break
		}
	}
	if last := asked[len(asked)-1]; last != "DELETE /v1/queue/qu_2" {
		t.Errorf("at last it asked %q, want to leave the queue", last)
	}

	d.wait, answers = false, []any{waitReply{Position: 1}}
	if _, err := d.join(t.Context(), "v=0"); err == nil || errors.Is(err, &earshot.Error{Code: earshot.CodeResourceExhausted}) {
		t.Errorf("without wait: %v", err)
	}
}
