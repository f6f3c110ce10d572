package main

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"earshot"
	"earshot/gateway"
)

// tokenRequest is what the flags of earshot token ask for.
type tokenRequest struct {
	claims        gateway.Claims
	instance      string
	grants        string
	ttl           time.Duration
	since         string
	file, url     string
	keyID, secret string
	secretFile    string
	livekit       bool
}

func (r *tokenRequest) bind(set *flag.FlagSet) {
	set.StringVar(&r.claims.World, "world", "", "`name` of the world it is good for")
	set.StringVar(&r.instance, "instance", "", "`id` (in_…) of the one instance it is good for")
	set.StringVar(&r.claims.Stage, "stage", "", "`name` of the one stage it is good for (WHIP, WHEP)")
	set.StringVar(&r.claims.Name, "name", "", "display `name`, 1 to 32 characters")
	set.StringVar(&r.claims.Subject, "sub", "", "`subject`: whom it names; the same subject is the same participant (default: made of the name)")
	set.StringVar(&r.claims.Kind, "kind", gateway.KindPerson, "`kind` of person, npc, bot")
	set.StringVar(&r.grants, "grant", "publish.audio,publish.video,publish.pose,subscribe,chat", "`list` of grants, separated by commas")
	set.DurationVar(&r.ttl, "ttl", time.Hour, "`time` it is good for, at most 24h")
	set.StringVar(&r.since, "since", "", "`day` (2026-01-31) the account was made; what new accounts report weighs little")
	set.StringVar(&r.file, "config", "", "YAML `file` with the key")
	set.StringVar(&r.keyID, "key-id", "", "`id` of the key, where the file has several or none")
	set.StringVar(&r.secret, "key-secret", "", "`secret` of the key; EARSHOT_KEY_SECRET is better")
	set.StringVar(&r.secretFile, "key-secret-file", "", "`file` with the secret of the key")
	set.BoolVar(&r.livekit, "livekit", false, "an access token of LiveKit's form, for LiveKit's SDKs")
	set.StringVar(&r.url, "url", "", "`address` of a running server without keys: ask it for a token")
}

// token is the command that prints a token.
func (p program) token(ctx context.Context, args []string) error {
	set := p.flags("token", tokenText)
	var r tokenRequest
	r.bind(set)
	if err := parse(set, args); err != nil {
		return err
	}
	if r.claims.Name == "" {
		return usagef("token: say who it is for with -name")
	}
	if r.since != "" {
		var err error
		if r.claims.Since, err = time.Parse(time.DateOnly, r.since); err != nil {
			return usagef("token: -since %q is no day such as 2026-01-31", r.since)
		}
	}
	if r.livekit && (r.instance != "" || r.claims.Stage != "") {
		return usagef("token: an access token of LiveKit's form is for a room, which is a world: say -world, not -instance or -stage")
	}
	if r.url != "" {
		return p.fetchToken(ctx, &r)
	}
	if r.claims.World == "" && r.instance == "" {
		return usagef("token: say where it is good with -world (or -instance)")
	}
	key, err := p.signingKey(&r)
	if err != nil {
		return err
	}
	now := time.Now()
	r.claims.Instance = earshot.InstanceID(r.instance)
	r.claims.Subject = cmp.Or(r.claims.Subject, "earshot-token:"+r.claims.Name)
	r.claims.Grants = splitList(r.grants)
	r.claims.Expires = now.Add(r.ttl)
	if r.ttl <= 0 {
		return usagef("token: -ttl %v is over before it begins", r.ttl)
	}
	token, err := r.issue(key, now)
	if err != nil {
		return usagef("token: %s", message(err))
	}
	return p.printToken(&r, token)
}

// issue signs a token of the form that is asked for.
func (r *tokenRequest) issue(key gateway.Key, now time.Time) (string, error) {
	if r.livekit {
		return gateway.IssueLiveKit(key, r.claims, now)
	}
	token, _, err := gateway.Issue(key, r.claims, now)
	return token, err
}

// printToken prints the token alone, and beside it, for people, what a LiveKit
// SDK wants to know besides.
func (p program) printToken(r *tokenRequest, token string) error {
	if r.livekit {
		server := "the address of the server, ws:// or wss://"
		if r.url != "" {
			server = "ws" + strings.TrimPrefix(strings.TrimRight(r.url, "/"), "http")
		}
		fmt.Fprintf(p.log, "for room %q at %s: room.connect(URL, TOKEN) of a LiveKit SDK; with -grant moderate,admin also new RoomServiceClient(URL, '', '', {token: TOKEN})\n", r.claims.World, server)
	}
	_, err := fmt.Fprintln(p.out, token)
	return err
}

// signingKey returns the key of flags and environment, or one of the file.
func (p program) signingKey(r *tokenRequest) (gateway.Key, error) {
	vars, err := env.ParseAsWithOptions[settings](env.Options{Environment: p.env})
	if err != nil {
		return gateway.Key{}, usagef("environment: %w", err)
	}
	id := cmp.Or(r.keyID, vars.KeyID)
	if r.secretFile != "" || r.secret != "" || vars.KeySecret != "" && r.file == "" {
		if r.secretFile == "" {
			r.secret = cmp.Or(r.secret, vars.KeySecret)
		}
		if id == "" {
			return gateway.Key{}, usagef("token: say which key the secret is of with -key-id")
		}
		return gateway.Key{ID: id, Secret: gateway.Secret(r.secret), SecretFile: r.secretFile}, nil
	}
	file := r.file
	if file == "" && vars.File != nil {
		file = *vars.File
	}
	if file == "" {
		return gateway.Key{}, usagef("token: no key to sign with; give -config FILE, or -key-id with EARSHOT_KEY_SECRET, or -url of a server without keys")
	}
	return keyOfFile(file, id, r.claims.World)
}

func keyOfFile(file, id, world string) (gateway.Key, error) {
	cfg := defaultConfig()
	if err := cfg.readFile(file); err != nil {
		return gateway.Key{}, err
	}
	if _, there := cfg.Worlds[world]; world != "" && !there {
		return gateway.Key{}, usagef("token: %s has no world %q", file, world)
	}
	for _, k := range cfg.Keys {
		if id == "" || k.ID == id {
			return k, nil
		}
	}
	if id == "" {
		return gateway.Key{}, usagef("token: %s has no keys; a server that runs with it gives tokens itself: earshot token -url", file)
	}
	return gateway.Key{}, usagef("token: %s has no key %q", file, id)
}

// fetchToken asks a development server.
func (p program) fetchToken(ctx context.Context, r *tokenRequest) error {
	query := url.Values{"name": {r.claims.Name}, "kind": {r.claims.Kind}}
	r.claims.World = cmp.Or(r.claims.World, "plaza")
	query.Set("world", r.claims.World)
	if r.livekit {
		query.Set("form", "livekit")
	}
	if r.claims.Subject != "" {
		query.Set("sub", r.claims.Subject)
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(r.url, "/")+"/v1/dev/token?"+query.Encode(), nil)
	if err != nil {
		return usagef("token: -url: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("token: no server answers: %w", err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return fmt.Errorf("token: %w", err)
	}
	var reply struct{ Token, Code, Message string }
	if err := json.Unmarshal(data, &reply); err != nil || reply.Token == "" && reply.Code == "" {
		return fmt.Errorf("token: %s does not answer like Earshot (%s)", r.url, resp.Status)
	}
	if reply.Token == "" {
		return fmt.Errorf("token: %s: %s", reply.Code, reply.Message)
	}
	return p.printToken(r, reply.Token)
}

func splitList(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}
