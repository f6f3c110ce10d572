package loadtest

import (
	"context"
	"errors"
	"net/http"

	"earshot"
)

// Verdict is what a node says to somebody who wants in.
type Verdict string

// The verdicts.
const (
	Admits    Verdict = "admits"
	Elsewhere Verdict = "elsewhere" // 421: another node has the instance
	Refuses   Verdict = "refuses"   // with an error
	Silent    Verdict = "silent"    // no connection, or no answer while ctx lasted
)

// Probe asks the node at base, and no other, to let the bearer of token into an
// instance, and leaves at once where it does. It opens no connection for media.
// location is where the node sends them, with Elsewhere; err is why, with
// Refuses and Silent. host lends its certificate.
func Probe(ctx context.Context, client *http.Client, host *Host, base, token string, instance earshot.InstanceID) (v Verdict, location string, err error) {
	local := newCredentials()
	offer := description{ufrag: local.ufrag, password: local.password, version: 1, fingerprint: host.fingerprint, slots: 1}
	d := door{client: client, base: base, token: token, instance: instance, trusts: func(to string) bool {
		location = to
		return false
	}}
	_, err = d.join(ctx, offer.offer())
	var told *earshot.Error
	switch {
	case err == nil:
		_ = d.leave(context.WithoutCancel(ctx)) // else the node drops them in seconds
		return Admits, "", nil
	case location != "":
		return Elsewhere, location, nil
	case errors.As(err, &told):
		return Refuses, "", err
	}
	return Silent, "", err
}
