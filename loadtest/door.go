package loadtest

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"earshot"
	"earshot/gateway/protocol"
)

// gzipFrom is the size of an offer, in bytes, from which it travels packed.
const gzipFrom = 4 << 10

// door is the HTTP side of joining (PROTOCOL.md section 2).
type door struct {
	client  *http.Client
	base    string
	token   string
	session string // URL, set by join

	instance earshot.InstanceID         // to ask for; empty: any
	handoff  string                     // to come by; empty: by oneself
	trusts   func(location string) bool // whether to go where a node sends us; nil: always

	wait    bool          // where there is no room
	waiting func(Waiting) // is told how it is then; may be nil
}

// maxNodes is how many nodes in turn may send a bot to another one.
const maxNodes = 4

// misdirected is the error of a node that does not have the instance.
type misdirected struct {
	location string
	error
}

// join posts the offer and returns the answer. It goes on to the node that has
// the instance, and where there is no room waits, if it is to, for as long as ctx
// allows.
func (d *door) join(ctx context.Context, offer string) (string, error) {
	target, err := url.JoinPath(d.base, "v1/join")
	if err != nil {
		return "", err
	}
	query := url.Values{}
	if d.instance != "" {
		query.Set("instance", string(d.instance))
	}
	if d.handoff != "" {
		query.Set("handoff", d.handoff)
	}
	if d.wait {
		query.Set("wait", "1")
	}
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	answer, header, target, err := d.knock(ctx, target, offer)
	for full := (*queued)(nil); errors.As(err, &full); {
		if target, err = d.turn(ctx, target, full.place); err != nil {
			break
		}
		answer, header, target, err = d.knock(ctx, target, offer)
	}
	if err != nil {
		return "", err
	}
	base, err := url.Parse(target)
	if err != nil {
		return "", err
	}
	session, err := base.Parse(header.Get("Location"))
	if err != nil {
		return "", fmt.Errorf("loadtest: session URL: %w", err)
	}
	d.session = session.String()
	return answer, nil
}

// knock posts the offer, also where a node sends us, and returns where it was
// answered.
func (d *door) knock(ctx context.Context, target, offer string) (answer string, header http.Header, at string, err error) {
	answer, header, err = d.send(ctx, http.MethodPost, target, offer, http.StatusCreated)
	var away *misdirected
	for try := 1; errors.As(err, &away) && try < maxNodes; try++ {
		if d.trusts != nil && !d.trusts(away.location) {
			return "", nil, target, errMoving
		}
		target = away.location
		answer, header, err = d.send(ctx, http.MethodPost, target, offer, http.StatusCreated)
	}
	return answer, header, target, err
}

// restart sends an ICE-restart offer.
func (d *door) restart(ctx context.Context, offer string) (string, error) {
	answer, _, err := d.send(ctx, http.MethodPatch, d.session, offer, http.StatusOK)
	return answer, err
}

// leave ends the session.
func (d *door) leave(ctx context.Context) error {
	_, _, err := d.send(ctx, http.MethodDelete, d.session, "", http.StatusNoContent)
	return err
}

func (d *door) send(ctx context.Context, method, target, sdp string, want int) (string, http.Header, error) {
	body, packed := pack(sdp)
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return "", nil, err
	}
	req.Header.Set("Authorization", "Bearer "+d.token)
	if sdp != "" {
		req.Header.Set("Content-Type", "application/sdp")
	}
	if packed {
		req.Header.Set("Content-Encoding", "gzip")
	}
	res, err := d.client.Do(req)
	if err != nil {
		return "", nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, protocol.MaxSDPBytes))
	if err != nil {
		return "", nil, err
	}
	if res.StatusCode == http.StatusMisdirectedRequest && res.Header.Get("Location") != "" {
		return "", nil, &misdirected{res.Header.Get("Location"), refusal(res.StatusCode, answer)}
	}
	if res.StatusCode == http.StatusAccepted && d.wait {
		return "", nil, readQueued(answer)
	}
	if res.StatusCode != want {
		return "", nil, refusal(res.StatusCode, answer)
	}
	return string(answer), res.Header, nil
}

func pack(sdp string) (body []byte, packed bool) {
	if len(sdp) < gzipFrom {
		return []byte(sdp), false
	}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, sdp) // a bytes.Buffer does not fail
	w.Close()
	return b.Bytes(), true
}

// refusal is the server's wire error where it sent one: an *earshot.Error.
func refusal(status int, body []byte) error {
	e := &earshot.Error{}
	if err := json.Unmarshal(body, e); err != nil || e.Code == "" {
		return fmt.Errorf("loadtest: status %d: %.200s", status, body)
	}
	return e
}
