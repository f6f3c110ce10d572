package loadtest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"earshot"
)

const (
	// waitPause is the pause after a request that was not answered, and waitAway
	// for how long that goes on.
	waitPause = 2 * time.Second
	waitAway  = 2 * time.Minute
)

// Waiting is how it is with a bot that waits for a world that is full
// (docs/instances.md).
type Waiting struct {
	Position, Waiting int           // how many are before it, and one; how many wait
	Estimate          time.Duration // 0: not known
}

// queued is the error of a join that found no room: there is a place in the queue.
type queued struct {
	place waitReply
	error
}

// waitReply is what the server says to who waits.
type waitReply struct {
	Queue       string             `json:"queue"`
	Position    int                `json:"position"`
	Waiting     int                `json:"waiting"`
	Estimated   int                `json:"estimated_s"`
	Again       float64            `json:"again_s"`
	URL         string             `json:"url"`
	Alternates  []string           `json:"alternates"`
	Ready       bool               `json:"ready"`
	Reservation string             `json:"reservation"`
	Instance    earshot.InstanceID `json:"instance"`
}

// readQueued is the error of a 202.
func readQueued(body []byte) error {
	var r waitReply
	if err := json.Unmarshal(body, &r); err != nil || r.Queue == "" {
		return errors.New("loadtest: 202 without a place in a queue")
	}
	return &queued{r, earshot.Errorf(earshot.CodeResourceExhausted, "the world is full")}
}

// turn waits until it is our turn, and returns where to join. at is where the
// place was given.
func (d *door) turn(ctx context.Context, at string, place waitReply) (string, error) {
	base, err := url.Parse(at)
	if err != nil {
		return "", err
	}
	base.Path, base.RawQuery = strings.TrimSuffix(base.Path, "v1/join"), ""
	bases := []string{base.String()}
	heard := time.Now()
	for {
		if place.URL != "" {
			bases = append([]string{place.URL}, bases...)
		}
		if place.Ready {
			target, err := url.JoinPath(bases[0], "v1/join")
			query := url.Values{"reservation": {place.Reservation}, "wait": {"1"}}
			return target + "?" + query.Encode(), err
		}
		if d.waiting != nil && place.Position > 0 {
			d.waiting(Waiting{place.Position, place.Waiting, time.Duration(place.Estimated) * time.Second})
		}
		began := time.Now()
		next, err := d.ask(ctx, bases[0], place)
		var away *misdirected
		switch code := earshot.CodeOf(err); {
		case err == nil:
			place, heard = next, time.Now()
			bases = append(bases[:1], place.Alternates...)
			err = rest(ctx, time.Duration(place.Again*float64(time.Second))-time.Since(began))
		case errors.As(err, &away):
			there, _, _ := strings.Cut(away.location, "v1/queue/")
			bases, err = append([]string{there}, bases...), rest(ctx, waitPause/10)
		case code == earshot.CodeNotFound || code == earshot.CodePermissionDenied || code == earshot.CodeUnauthenticated || time.Since(heard) > waitAway:
			return "", err
		default:
			bases = append(bases[1:], bases[0]) // another node may know
			err = rest(ctx, waitPause)
		}
		if err != nil {
			d.giveUp(bases[0], place.Queue)
			return "", err
		}
	}
}

// ask says that we wait still, and returns how it is when there is news.
func (d *door) ask(ctx context.Context, base string, place waitReply) (r waitReply, err error) {
	target, err := url.JoinPath(base, "v1/queue", place.Queue)
	if err != nil {
		return r, err
	}
	if place.Position > 0 {
		target += "?known=" + strconv.Itoa(place.Position)
	}
	body, _, err := d.send(ctx, http.MethodGet, target, "", http.StatusOK)
	if err == nil {
		err = json.Unmarshal([]byte(body), &r)
	}
	return r, err
}

// giveUp leaves the queue. Without an answer the place is lost by itself.
func (d *door) giveUp(base, place string) {
	target, err := url.JoinPath(base, "v1/queue", place)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), waitPause)
	defer cancel()
	_, _, _ = d.send(ctx, http.MethodDelete, target, "", http.StatusNoContent)
}

func rest(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
