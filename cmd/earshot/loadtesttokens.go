package main

import (
	"context"
	"time"

	"earshot/gateway"
	"earshot/gateway/protocol"
	"earshot/loadtest/run"
)

// keyTokens makes tokens with a key of the server.
type keyTokens struct{ key gateway.Key }

var _ run.Tokens = keyTokens{}

// Token implements run.Tokens.
func (k keyTokens) Token(_ context.Context, who run.Who) (string, error) {
	now := time.Now()
	token, _, err := gateway.Issue(k.key, gateway.Claims{
		Subject: who.Subject, Name: who.Name, World: who.World, Kind: who.Kind, Expires: now.Add(time.Hour),
		Grants: []string{protocol.GrantPublishAudio, protocol.GrantPublishVideo, protocol.GrantPublishPose, protocol.GrantSubscribe, protocol.GrantChat},
	}, now)
	return token, err
}

// loadtestTokens returns where tokens come from: a key that flags or
// environment give, else the server.
func (p program) loadtestTokens(f *loadtestFlags, world string) (run.Tokens, error) {
	if f.token.file == "" && f.token.keyID == "" && f.token.secretFile == "" && p.env["EARSHOT_KEY_SECRET"] == "" {
		return run.ServerTokens{URL: f.url}, nil
	}
	f.token.claims.World = world
	key, err := p.signingKey(&f.token)
	if err != nil {
		return nil, err
	}
	if _, err := (keyTokens{key}).Token(context.Background(), run.Who{World: world, Subject: "check", Name: "check", Kind: gateway.KindBot}); err != nil {
		return nil, usagef("loadtest: %s", message(err))
	}
	return keyTokens{key}, nil
}
