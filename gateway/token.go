package gateway

import (
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"

	"earshot"
	"earshot/gateway/protocol"
)

const (
	// clockSkew is how far the clocks of issuer and server may differ.
	clockSkew = 30 * time.Second
	// maxTokenLife is how far ahead exp may lie.
	maxTokenLife = 24 * time.Hour
	// maxSignIn is how long after auth_time a token may still be renewed.
	maxSignIn = 24 * time.Hour
	// defaultTokenLife is the life of a token renewed from one without iat.
	defaultTokenLife = time.Hour

	maxSubjectBytes = 128
	maxGrants       = 16
	maxGroups       = 32
)

// The kinds of participants a token may name.
const (
	KindPerson = "person"
	KindNPC    = "npc"
	KindBot    = "bot"
)

// Claims are what a token says; PROTOCOL.md section 1 lists them. Those that
// Verify returns are complete and within limits.
type Claims struct {
	// Issuer is the id of the key that signed the token, or, for a renewal,
	// the one that signed the first.
	Issuer   string
	Subject  string // the person: 1-128 bytes
	Name     string // shown to others: 1-32 characters
	World    string // the world it is good for, or
	Instance earshot.InstanceID
	Stage    string // of WHIP and WHEP: the one it is good for; empty: any
	Party    string // whoever has the same of one issuer is brought together
	Grants   []string
	Groups   []string // of the application: their instances may be entered
	Kind     string
	IssuedAt time.Time
	Expires  time.Time
	AuthTime time.Time // when the person signed in; a renewal keeps it
	Since    time.Time // when the account was made; zero: not known
}

// Can reports whether the token carries grant.
func (c *Claims) Can(grant string) bool { return slices.Contains(c.Grants, grant) }

// Participant returns the id of whom the token names: the same for every
// token of one issuer and subject, renewals included.
func (c *Claims) Participant() earshot.ParticipantID {
	return earshot.ParticipantFor(c.Issuer, c.Subject)
}

// wireClaims are Claims in the JSON of a token.
type wireClaims struct {
	jwt.RegisteredClaims
	Name       string             `json:"name"`
	World      string             `json:"world,omitempty"`
	Instance   earshot.InstanceID `json:"instance,omitempty"`
	Stage      string             `json:"stage,omitempty"`
	Party      string             `json:"party,omitempty"`
	Grants     []string           `json:"grants"`
	Groups     []string           `json:"groups,omitempty"`
	Kind       string             `json:"kind,omitempty"`
	AuthTime   *jwt.NumericDate   `json:"auth_time,omitempty"`
	Since      *jwt.NumericDate   `json:"since,omitempty"`
	OrigIssuer string             `json:"orig_iss,omitempty"` // in renewals only
}

// Issue signs a token with key and returns it with the time it expires.
// Claims.Issuer is ignored: it becomes the id of key. IssuedAt and AuthTime
// default to now, Kind to a person.
func Issue(key Key, claims Claims, now time.Time) (token string, expires time.Time, err error) {
	loaded, err := key.load()
	if err != nil {
		return "", time.Time{}, err
	}
	claims.Issuer = key.ID
	return issue(loaded, claims, now)
}

// Renew signs a token with the claims of a live session, good for as long as
// its first one was but not beyond 24 h after the person signed in. That the
// session is still alive is the caller's to know: claims may have expired.
func (ks *Keys) Renew(claims *Claims, now time.Time) (token string, expires time.Time, err error) {
	life := claims.Expires.Sub(claims.IssuedAt)
	if claims.IssuedAt.IsZero() || life > maxTokenLife {
		life = defaultTokenLife
	}
	renewed := *claims
	renewed.IssuedAt, renewed.Expires = now, now.Add(life)
	if last := claims.AuthTime.Add(maxSignIn); renewed.Expires.After(last) {
		renewed.Expires = last
	}
	if !renewed.Expires.After(now) {
		return "", time.Time{}, denied("you signed in more than 24 h ago; sign in again and join with a new token")
	}
	return issue(ks.renewal, renewed, now)
}

func issue(key loadedKey, c Claims, now time.Time) (string, time.Time, error) {
	if key.sign == nil {
		return "", time.Time{}, invalid("key %q has only its public half; give private_key_file to sign", key.id)
	}
	if c.IssuedAt.IsZero() {
		c.IssuedAt = now
	}
	if c.AuthTime.IsZero() {
		c.AuthTime = c.IssuedAt
	}
	w := wireClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: key.id, Subject: c.Subject,
			IssuedAt: jwt.NewNumericDate(c.IssuedAt), ExpiresAt: jwt.NewNumericDate(c.Expires),
		},
		Name: c.Name, World: c.World, Instance: c.Instance, Stage: c.Stage, Party: c.Party, Grants: c.Grants, Groups: c.Groups, Kind: c.Kind,
		AuthTime: jwt.NewNumericDate(c.AuthTime),
	}
	if !c.Since.IsZero() {
		w.Since = jwt.NewNumericDate(c.Since)
	}
	if key.id == renewalKeyID {
		w.OrigIssuer = c.Issuer
	}
	if _, err := w.claims(now); err != nil {
		return "", time.Time{}, err
	}
	t := jwt.NewWithClaims(jwt.GetSigningMethod(key.algorithm), w)
	t.Header["kid"] = key.id
	signed, err := t.SignedString(key.sign)
	if err != nil {
		return "", time.Time{}, earshot.Errorf(earshot.CodeInternal, "key %q could not sign: %v", key.id, err)
	}
	if len(signed) > protocol.MaxTokenBytes {
		return "", time.Time{}, tooLong(len(signed))
	}
	return signed, w.ExpiresAt.Time, nil
}

// Verify checks a token at now and returns what it says. Every refusal is an
// *earshot.Error: CodeInvalidArgument for a token that is too long,
// CodePermissionDenied for one that is genuine but good for nothing here, and
// CodeUnauthenticated otherwise. Signatures are compared in constant time.
func (ks *Keys) Verify(token string, now time.Time) (*Claims, error) {
	if len(token) > protocol.MaxTokenBytes {
		return nil, tooLong(len(token))
	}
	var w wireClaims
	var key loadedKey
	parser := jwt.NewParser(jwt.WithoutClaimsValidation(), jwt.WithStrictDecoding())
	_, err := parser.ParseWithClaims(token, &w, func(t *jwt.Token) (any, error) {
		var err error
		key, err = ks.keyOf(t.Header, &w)
		return key.verify, err
	})
	if err != nil {
		return nil, refusal(err, key.id)
	}
	if w.Issuer != key.id {
		return nil, unauthenticated("the token was signed by key %q but its iss is %q; set iss to the key's id", key.id, clip(w.Issuer))
	}
	return w.claims(now)
}

// keyOf returns the key a token names, by kid or else by iss, if the token
// uses the algorithm of that key. The token chooses a key, never an algorithm.
func (ks *Keys) keyOf(header map[string]any, w *wireClaims) (loadedKey, error) {
	if _, there := header["crit"]; there { // RFC 7515 section 4.1.11
		return loadedKey{}, unauthenticated("the token has critical header extensions, which this server does not know; issue it without crit")
	}
	algorithm, _ := header["alg"].(string)
	if algorithm != AlgorithmHS256 && algorithm != AlgorithmEdDSA {
		return loadedKey{}, wrongAlgorithm(algorithm)
	}
	id := w.Issuer
	if kid, there := header["kid"]; there {
		id, _ = kid.(string)
	}
	key, known := ks.byID[id]
	if !known {
		return loadedKey{}, unauthenticated("the token is signed by key %q, which is not configured here; use one of the server's key ids as kid and iss", clip(id))
	}
	if key.algorithm != algorithm {
		return loadedKey{}, unauthenticated("key %q signs with %s, but the token says %s", key.id, key.algorithm, algorithm)
	}
	return key, nil
}

// refusal says what jwt's error means to whoever issued the token. The texts
// of jwt itself speak of Go.
func refusal(err error, key string) error {
	var e *earshot.Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return unauthenticated("the signature of the token is not that of key %q; check that issuer and server have the same key", key)
	case errors.Is(err, jwt.ErrTokenUnverifiable):
		return wrongAlgorithm("")
	}
	return unauthenticated("this is not a JSON Web Token with the claims of PROTOCOL.md section 1 (sub and name are strings, exp is a number, grants a list); get one from your application, or with: earshot token")
}

// claims checks what a genuine token says.
func (w *wireClaims) claims(now time.Time) (*Claims, error) {
	c := &Claims{
		Issuer: w.Issuer, Subject: w.Subject, Name: w.Name, World: w.World, Instance: w.Instance,
		Stage: w.Stage, Party: w.Party, Grants: w.Grants, Groups: w.Groups, Kind: w.Kind,
		IssuedAt: timeOf(w.IssuedAt), Expires: timeOf(w.ExpiresAt), AuthTime: timeOf(w.AuthTime),
		Since: timeOf(w.Since),
	}
	if c.Kind == "" {
		c.Kind = KindPerson
	}
	if w.Issuer == renewalKeyID {
		c.Issuer = w.OrigIssuer
	}
	if err := c.checkTimes(timeOf(w.NotBefore), now); err != nil {
		return nil, err
	}
	if err := c.checkWho(); err != nil {
		return nil, err
	}
	if err := c.checkWhat(); err != nil {
		return nil, err
	}
	if c.AuthTime.IsZero() {
		c.AuthTime = c.IssuedAt
	}
	if c.AuthTime.IsZero() {
		c.AuthTime = now
	}
	return c, nil
}

func (c *Claims) checkTimes(notBefore, now time.Time) error {
	switch {
	case c.Expires.IsZero():
		return unauthenticated("the token has no exp; issue it with one at most 24 h ahead")
	case now.After(c.Expires.Add(clockSkew)):
		return unauthenticated("the token expired %s ago; get a new one", ago(now, c.Expires))
	case c.Expires.After(now.Add(maxTokenLife + clockSkew)):
		return unauthenticated("the token expires more than 24 h ahead; issue shorter ones and renew them")
	case notBefore.After(now.Add(clockSkew)) || c.IssuedAt.After(now.Add(clockSkew)):
		return unauthenticated("the token is not valid yet (nbf or iat is ahead); check the clocks of issuer and server")
	case c.AuthTime.After(now.Add(clockSkew)):
		return unauthenticated("auth_time of the token is ahead; it is the time the person signed in, in seconds since 1970")
	case c.Since.After(now.Add(clockSkew)):
		return unauthenticated("since of the token is ahead; it is the time the account was made, in seconds since 1970")
	}
	return nil
}

func (c *Claims) checkWho() error {
	if c.Subject == "" || len(c.Subject) > maxSubjectBytes || strings.ContainsRune(c.Subject, utf8.RuneError) {
		return unauthenticated("sub of the token has %d bytes; it names the person in 1 to %d bytes of UTF-8", len(c.Subject), maxSubjectBytes)
	}
	if n := utf8.RuneCountInString(c.Name); n < 1 || n > protocol.MaxNameRunes || strings.TrimSpace(c.Name) == "" {
		return unauthenticated("name of the token has %d characters; it is the display name, 1 to %d characters, not blank", n, protocol.MaxNameRunes)
	}
	if strings.ContainsFunc(c.Name, unprintable) {
		return unauthenticated("name of the token contains control characters; remove them")
	}
	if c.Kind != KindPerson && c.Kind != KindNPC && c.Kind != KindBot {
		return unauthenticated("kind of the token is %q; it must be %s, %s or %s", clip(c.Kind), KindPerson, KindNPC, KindBot)
	}
	return nil
}

// unprintable says what would let a name break a line or, by turning the
// direction of writing, pass for another's.
func unprintable(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) ||
		r == '\u2028' || r == '\u2029' || r == utf8.RuneError
}

func (c *Claims) checkWhat() error {
	if c.World == "" && c.Instance == "" {
		return denied("the token names neither a world nor an instance; issue it for one of them")
	}
	if c.World != "" && !worldName.MatchString(c.World) {
		return denied("world of the token is %q; names of worlds are 1 to 32 of a-z, 0-9 and -", clip(c.World))
	}
	if c.Instance != "" && !c.Instance.Valid() {
		return denied("instance of the token is %q; ids of instances begin with in_", clip(string(c.Instance)))
	}
	if c.Stage != "" && !worldName.MatchString(c.Stage) {
		return denied("stage of the token is %q; names of stages are 1 to 32 of a-z, 0-9 and -", clip(c.Stage))
	}
	if len(c.Party) > maxSubjectBytes {
		return denied("party of the token has %d bytes, at most %d are accepted", len(c.Party), maxSubjectBytes)
	}
	if len(c.Groups) > maxGroups || slices.ContainsFunc(c.Groups, func(g string) bool { return g == "" || len(g) > maxSubjectBytes }) {
		return denied("the token names %d groups; at most %d are accepted, each of 1 to %d bytes", len(c.Groups), maxGroups, maxSubjectBytes)
	}
	if len(c.Grants) > maxGrants {
		return denied("the token lists %d grants; at most %d are accepted", len(c.Grants), maxGrants)
	}
	for _, g := range c.Grants {
		if !slices.Contains(AllGrants(), g) {
			return denied("the token has the unknown grant %q; there are: %s", clip(g), strings.Join(AllGrants(), ", "))
		}
	}
	return nil
}

// AllGrants lists the grants a token may carry.
func AllGrants() []string {
	return []string{
		protocol.GrantPublishAudio, protocol.GrantPublishVideo, protocol.GrantPublishPose,
		protocol.GrantSubscribe, protocol.GrantChat, protocol.GrantModerate, protocol.GrantAdmin,
		protocol.GrantInference, protocol.GrantDesign, protocol.GrantRecord, protocol.GrantPerform,
		protocol.GrantHost,
	}
}

// timeOf returns the zero Time for a claim that is missing. A number outside
// the years 1970 to 9999 is no time and counts as 1970: long expired.
func timeOf(d *jwt.NumericDate) time.Time {
	if d == nil {
		return time.Time{}
	}
	if s := d.Unix(); s < 0 || s > 253402300799 {
		return time.Unix(0, 0)
	}
	return d.Time
}

func ago(now, then time.Time) time.Duration { return now.Sub(then).Round(time.Second) }

// clip bounds what an error repeats of a token.
func clip(s string) string {
	const most = 40
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

func wrongAlgorithm(algorithm string) error {
	return unauthenticated("the token is signed with algorithm %q; only %s and %s are accepted", clip(algorithm), AlgorithmHS256, AlgorithmEdDSA)
}

func tooLong(n int) error {
	return invalid("the token has %d bytes, at most %d are accepted; shorten name, sub or grants", n, protocol.MaxTokenBytes)
}

func unauthenticated(format string, args ...any) error {
	return earshot.Errorf(earshot.CodeUnauthenticated, format, args...)
}

func denied(format string, args ...any) error {
	return earshot.Errorf(earshot.CodePermissionDenied, format, args...)
}
