package loadtest

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
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
}

// join posts the offer and returns the answer.
func (d *door) join(ctx context.Context, offer string) (string, error) {
	target, err := url.JoinPath(d.base, "v1/join")
	if err != nil {
		return "", err
	}
	answer, header, err := d.send(ctx, http.MethodPost, target, offer, http.StatusCreated)
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
