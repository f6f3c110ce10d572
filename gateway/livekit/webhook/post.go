package webhook

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"earshot/gateway/livekit"
	"earshot/gateway/livekit/wire"
)

const (
	// contentType is that of LiveKit's webhooks.
	contentType = "application/webhook+json"
	// tokenLife is how long a receiver may take to look at the token.
	tokenLife = 5 * time.Minute

	firstWait = 500 * time.Millisecond
	longest   = 8 * time.Second
)

// tell posts an event, again where that may help, and counts what came of it.
func (s *Sender) tell(ctx context.Context, q *queue, event *wire.WebhookEvent) {
	err := s.persist(ctx, q.to.url, event)
	if err == nil {
		s.delivered.Inc()
		return
	}
	s.failed.Inc()
	s.log.Warn("webhook given up", "host", hostOf(q.to.url), "event", event.Event, "id", event.ID, "room", q.room, "error", err)
}

func (s *Sender) persist(ctx context.Context, address string, event *wire.WebhookEvent) error {
	body, err := json.Marshal(event)
	if err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		again, err := s.post(ctx, address, body)
		if err == nil || !again || attempt == maxAttempts || !s.wait(backoff(attempt, rand.Float64())) {
			return err
		}
		s.retried.Inc()
	}
}

// wait reports whether there is time for another attempt.
func (s *Sender) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.ending:
		return false
	}
}

// post makes one attempt. again: another may succeed.
func (s *Sender) post(ctx context.Context, address string, body []byte) (again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, attemptDeadline)
	defer cancel()
	token, err := s.sign(body, time.Now())
	if err != nil {
		return false, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return false, errors.New("the address is none")
	}
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Authorization", token)
	req.Header.Set("User-Agent", "earshot")
	resp, err := s.client.Do(req)
	if err != nil {
		var of *url.Error
		if errors.As(err, &of) {
			err = of.Err // the rest is the address, which may hold a secret
		}
		return true, err
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 4<<10) // so that the connection is used again
	if resp.StatusCode/100 == 2 {
		return false, nil
	}
	again = resp.StatusCode/100 == 5 || resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusRequestTimeout
	return again, fmt.Errorf("the receiver answered %d", resp.StatusCode)
}

// sign returns the token that goes with body: it holds the base64 of its
// SHA-256 and grants nothing.
func (s *Sender) sign(body []byte, now time.Time) (string, error) {
	sum := sha256.Sum256(body)
	return livekit.Sign(s.cfg.Key, s.cfg.Secret, livekit.Claims{
		SHA256: base64.StdEncoding.EncodeToString(sum[:]), Expires: now.Add(tokenLife),
	}, now)
}

// backoff is how long to wait after attempt, counted from 1: twice as long
// each time, and between half and all of that by chance (0 to 1), so that many
// senders do not come back to a receiver at once.
func backoff(attempt int, chance float64) time.Duration {
	d := min(firstWait<<(attempt-1), longest)
	return d/2 + time.Duration(chance*float64(d/2))
}

// hostOf is what of an address may stand in a log.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}
