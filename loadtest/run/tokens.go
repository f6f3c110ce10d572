package run

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"earshot"
)

// Tokens gives every participant one. The same subject is the same participant
// when it comes back. Used by many goroutines.
type Tokens interface {
	Token(ctx context.Context, who Who) (string, error)
}

// Who is whom a token names.
type Who struct {
	World   string
	Subject string
	Name    string
	Kind    string // "bot"; "person" for those whom an NPC should answer
}

// ServerTokens asks a development server, which gives tokens to everybody, for
// each. Client nil is http.DefaultClient.
type ServerTokens struct {
	URL    string
	Client *http.Client
}

var _ Tokens = ServerTokens{}

// Token implements Tokens. A server with keys refuses, with an *earshot.Error
// of code failed_precondition that says how to get a token.
func (s ServerTokens) Token(ctx context.Context, who Who) (string, error) {
	client := s.Client
	if client == nil {
		client = http.DefaultClient
	}
	query := url.Values{"name": {who.Name}, "kind": {who.Kind}, "world": {who.World}, "sub": {who.Subject}}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	address := strings.TrimRight(s.URL, "/") + "/v1/dev/token?" + query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", earshot.Errorf(earshot.CodeInvalidArgument, "-url: %v", err)
	}
	res, err := client.Do(req)
	if err != nil {
		return "", earshot.Errorf(earshot.CodeUnavailable, "no server answers at %s (%v); start one with: earshot serve", s.URL, err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil {
		return "", err
	}
	var reply struct{ Token, Code, Message string }
	switch err := json.Unmarshal(data, &reply); {
	case err != nil || reply.Token == "" && reply.Code == "":
		return "", earshot.Errorf(earshot.CodeUnavailable, "%s does not answer like Earshot (%s)", s.URL, res.Status)
	case reply.Token != "":
		return reply.Token, nil
	case earshot.Code(reply.Code) == earshot.CodeNotFound:
		return "", earshot.Errorf(earshot.CodeFailedPrecondition, "the server at %s has keys of its own and gives no tokens: run on it with -config earshot.yaml, or with -key-id ID and EARSHOT_KEY_SECRET, so that the tester makes them", s.URL)
	}
	return "", fmt.Errorf("token: %w", &earshot.Error{Code: earshot.Code(reply.Code), Message: reply.Message})
}
