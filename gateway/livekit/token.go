package livekit

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"

	"earshot"
	"earshot/gateway/livekit/wire"
)

const (
	// MaxTokenBytes is the longest access token accepted. It is longer than
	// one of Earshot's own, because metadata and attributes travel in it.
	MaxTokenBytes = 8 << 10
	// ClockSkew is how far the clocks of issuer and server may differ.
	ClockSkew = 30 * time.Second
	// MaxTokenLife is how far ahead exp may lie: as in Earshot's own tokens.
	// LiveKit's SDKs ask for 6 h unless told otherwise.
	MaxTokenLife = 24 * time.Hour

	// MaxIdentityBytes, MaxNameBytes and MaxAttributes bound what a token says
	// of a participant.
	MaxIdentityBytes = 128
	MaxNameBytes     = 256
	MaxAttributes    = 64
)

// The sources that a grant may be limited to, in the spelling of tokens.
const (
	SourceCamera      = "camera"
	SourceMicrophone  = "microphone"
	SourceScreen      = "screen_share"
	SourceScreenAudio = "screen_share_audio"
)

// KindAgent is Claims.Kind of an agent.
const KindAgent = "agent"

// Claims are what an access token says (docs.livekit.io, "Tokens & grants").
// Members that a token may have and that are not here, such as those of SIP
// and of cloud services, are ignored.
type Claims struct {
	Key      string // iss: the id of the API key that signed it
	Identity string // sub: whom it names; empty for a server's token
	Name     string // shown to others; empty: the identity
	Kind     string // standard, agent, …; empty: standard
	Metadata string
	// Attributes are what an application knows of the participant.
	Attributes map[string]string
	// SHA256 is the base64 of the hash of the body that the token belongs to:
	// in webhooks only.
	SHA256 string
	Video  VideoGrant
	// RoomConfig is what the room shall be like if the bearer opens it; nil: as
	// rooms are.
	RoomConfig *wire.RoomConfiguration

	NotBefore time.Time // nbf, or else iat; zero: neither is there
	Expires   time.Time
}

// VideoGrant is what the bearer may do. What is nil is decided by the methods.
type VideoGrant struct {
	RoomCreate bool `json:"roomCreate,omitempty"`
	RoomList   bool `json:"roomList,omitempty"`
	RoomRecord bool `json:"roomRecord,omitempty"`
	RoomAdmin  bool `json:"roomAdmin,omitempty"` // of Room
	RoomJoin   bool `json:"roomJoin,omitempty"`  // of Room

	Room string `json:"room,omitempty"`
	// DestinationRoom is where participants may be moved or forwarded to.
	DestinationRoom string `json:"destinationRoom,omitempty"`

	CanPublish           *bool    `json:"canPublish,omitempty"`
	CanSubscribe         *bool    `json:"canSubscribe,omitempty"`
	CanPublishData       *bool    `json:"canPublishData,omitempty"`
	CanPublishSources    []string `json:"canPublishSources,omitempty"`
	CanUpdateOwnMetadata *bool    `json:"canUpdateOwnMetadata,omitempty"`

	Hidden   bool `json:"hidden,omitempty"`
	Recorder bool `json:"recorder,omitempty"`
	Agent    bool `json:"agent,omitempty"`
}

// MayPublish reports whether tracks may be published from source: all sources
// unless the token lists some, and none where it says canPublish: false. Who is
// hidden publishes nothing.
func (v *VideoGrant) MayPublish(source string) bool {
	return !v.Hidden && given(v.CanPublish, true) && (len(v.CanPublishSources) == 0 || slices.Contains(v.CanPublishSources, source))
}

// MayPublishData reports whether data may be sent: as tracks may be, unless
// the token says.
func (v *VideoGrant) MayPublishData() bool {
	return !v.Hidden && given(v.CanPublishData, given(v.CanPublish, true))
}

// MaySubscribe reports whether anything of others may be received.
func (v *VideoGrant) MaySubscribe() bool { return given(v.CanSubscribe, true) }

// MayUpdateOwnMetadata reports whether the participant may change its own
// name, metadata and attributes: not unless the token says so.
func (v *VideoGrant) MayUpdateOwnMetadata() bool { return given(v.CanUpdateOwnMetadata, false) }

func given(b *bool, otherwise bool) bool {
	if b == nil {
		return otherwise
	}
	return *b
}

// JoinRoom returns the room that the token admits to. room is what the client
// asked for beside it, which LiveKit lets it leave out.
func (c *Claims) JoinRoom(room string) (string, error) {
	switch {
	case !c.Video.RoomJoin:
		return "", denied("the token does not grant roomJoin; issue it with video: {roomJoin: true, room: …}")
	case c.Video.Room == "":
		return "", denied("the token names no room; issue it with video: {roomJoin: true, room: …}")
	case room != "" && room != c.Video.Room:
		return "", denied("the token is for room %q, not for %q", clip(c.Video.Room), clip(room))
	case c.Identity == "":
		return "", denied("the token names no identity; issue it with one as its sub")
	}
	return c.Video.Room, nil
}

// AdminOf reports, as an error or nil, whether the bearer may administer room.
func (c *Claims) AdminOf(room string) error {
	switch {
	case !c.Video.RoomAdmin:
		return denied("the token does not grant roomAdmin; issue it with video: {roomAdmin: true, room: %q}", clip(room))
	case room == "" || c.Video.Room != room:
		return denied("the token administers room %q, not %q", clip(c.Video.Room), clip(room))
	}
	return nil
}

// wireClaims are Claims in the JSON of a token.
type wireClaims struct {
	jwt.RegisteredClaims
	Name       string            `json:"name,omitempty"`
	Kind       string            `json:"kind,omitempty"`
	Metadata   string            `json:"metadata,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
	SHA256     string            `json:"sha256,omitempty"`
	Video      *VideoGrant       `json:"video,omitempty"`
	RoomConfig json.RawMessage   `json:"roomConfig,omitempty"`
}

// Secrets returns the HS256 secret of the API key called id, and false where
// there is none.
type Secrets func(id string) ([]byte, bool)

// Verify checks an access token at now and returns what it says. Only HS256 is
// accepted, and only with the key that iss names: the token chooses a key,
// never an algorithm. Every refusal is an *earshot.Error, CodeInvalidArgument
// for a token that is too long and CodeUnauthenticated otherwise, and repeats
// nothing of the token but names, clipped. Signatures are compared in constant
// time.
func Verify(token string, secrets Secrets, now time.Time) (*Claims, error) {
	if len(token) > MaxTokenBytes {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "the token has %d bytes, at most %d are accepted; shorten metadata or attributes", len(token), MaxTokenBytes)
	}
	var w wireClaims
	parser := jwt.NewParser(jwt.WithoutClaimsValidation(), jwt.WithStrictDecoding())
	_, err := parser.ParseWithClaims(token, &w, func(t *jwt.Token) (any, error) {
		if _, there := t.Header["crit"]; there { // RFC 7515 section 4.1.11
			return nil, unauthenticated("the token has critical header extensions, which this server does not know; issue it without crit")
		}
		if t.Method != jwt.SigningMethodHS256 {
			algorithm, _ := t.Header["alg"].(string)
			return nil, wrongAlgorithm(algorithm)
		}
		secret, known := secrets(w.Issuer)
		if !known {
			return nil, unauthenticated("the token is issued by %q, which is no API key of this server; use the id of one of its HS256 keys as the API key", clip(w.Issuer))
		}
		return secret, nil
	})
	if err != nil {
		return nil, refusal(err, w.Issuer)
	}
	c := w.claims()
	if err := c.check(now); err != nil {
		return nil, err
	}
	if len(w.RoomConfig) > 0 {
		c.RoomConfig = new(wire.RoomConfiguration)
		if wire.UnmarshalJSON(w.RoomConfig, c.RoomConfig) != nil {
			return nil, unauthenticated("roomConfig of the token is no room configuration; make it with a LiveKit server SDK")
		}
	}
	return c, nil
}

// Sign issues a token with the key called id. Claims.Key is ignored: it becomes
// id. Claims.NotBefore defaults to now, Claims.Expires must be set.
func Sign(id string, secret []byte, c Claims, now time.Time) (string, error) {
	c.Key = id
	if c.NotBefore.IsZero() {
		c.NotBefore = now
	}
	if err := c.check(now); err != nil {
		return "", err
	}
	w := wireClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: id, Subject: c.Identity,
			NotBefore: jwt.NewNumericDate(c.NotBefore), ExpiresAt: jwt.NewNumericDate(c.Expires),
		},
		Name: c.Name, Kind: c.Kind, Metadata: c.Metadata, Attributes: c.Attributes, SHA256: c.SHA256,
	}
	if c.SHA256 == "" { // a token of a webhook grants nothing
		w.Video = &c.Video
	}
	if c.RoomConfig != nil {
		config, err := json.Marshal(c.RoomConfig)
		if err != nil {
			return "", earshot.Errorf(earshot.CodeInternal, "the room configuration: %v", err)
		}
		w.RoomConfig = config
	}
	signed, err := jwt.NewWithClaims(jwt.SigningMethodHS256, w).SignedString(secret)
	if err != nil {
		return "", earshot.Errorf(earshot.CodeInternal, "key %q could not sign: %v", id, err)
	}
	if len(signed) > MaxTokenBytes {
		return "", earshot.Errorf(earshot.CodeInvalidArgument, "the token has %d bytes, at most %d are accepted; shorten metadata or attributes", len(signed), MaxTokenBytes)
	}
	return signed, nil
}

func (w *wireClaims) claims() *Claims {
	c := &Claims{
		Key: w.Issuer, Identity: w.Subject, Name: w.Name, Kind: w.Kind,
		Metadata: w.Metadata, Attributes: w.Attributes, SHA256: w.SHA256,
		NotBefore: timeOf(w.NotBefore, never), Expires: timeOf(w.ExpiresAt, time.Unix(0, 0)),
	}
	if issued := timeOf(w.IssuedAt, never); issued.After(c.NotBefore) {
		c.NotBefore = issued
	}
	if w.Video != nil {
		c.Video = *w.Video
	}
	return c
}

// check checks what a genuine token says.
func (c *Claims) check(now time.Time) error {
	switch {
	case c.Expires.IsZero():
		return unauthenticated("the token has no exp; issue it with one at most 24 h ahead (ttl)")
	case now.After(c.Expires.Add(ClockSkew)):
		return unauthenticated("the token expired %s ago; get a new one", now.Sub(c.Expires).Round(time.Second))
	case c.Expires.After(now.Add(MaxTokenLife + ClockSkew)):
		return unauthenticated("the token expires more than 24 h ahead; issue it with a shorter ttl")
	case c.NotBefore.After(now.Add(ClockSkew)):
		return unauthenticated("the token is not valid yet (nbf or iat is ahead); check the clocks of issuer and server")
	case len(c.Identity) > MaxIdentityBytes || !plain(c.Identity):
		return unauthenticated("the identity of the token has %d bytes; it names the participant in 1 to %d bytes of UTF-8 without control characters", len(c.Identity), MaxIdentityBytes)
	case len(c.Name) > MaxNameBytes || !plain(c.Name):
		return unauthenticated("name of the token has %d bytes; at most %d bytes of UTF-8 without control characters are accepted", len(c.Name), MaxNameBytes)
	case len(c.Attributes) > MaxAttributes:
		return unauthenticated("the token has %d attributes, at most %d are accepted", len(c.Attributes), MaxAttributes)
	}
	return nil
}

// plain reports whether s is text without control characters.
func plain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return r < ' ' || r >= 0x7f && r < 0xa0 || r == utf8.RuneError
	})
}

// refusal says what jwt's error means to whoever issued the token. The texts
// of jwt itself speak of Go.
func refusal(err error, key string) error {
	var e *earshot.Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return unauthenticated("the signature of the token is not that of key %q; check that issuer and server have the same secret", clip(key))
	case errors.Is(err, jwt.ErrTokenUnverifiable):
		return wrongAlgorithm("")
	}
	return unauthenticated("this is not an access token of LiveKit's form (a JSON Web Token with iss, exp and video); make one with a LiveKit server SDK, or with: earshot token -livekit")
}

// never is after all times that a token can name.
var never = time.Unix(lastSecond, 0).Add(time.Second)

// lastSecond is the end of the year 9999 in Unix time.
const lastSecond = 253402300799

// timeOf returns the zero Time for a claim that is missing, and absurd for a
// number outside the years 1970 to 9999.
func timeOf(d *jwt.NumericDate, absurd time.Time) time.Time {
	if d == nil {
		return time.Time{}
	}
	if s := d.Unix(); s < 0 || s > lastSecond {
		return absurd
	}
	return d.Time
}

// clip bounds what an error repeats of what came from outside.
func clip(s string) string {
	const most = 40
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

func wrongAlgorithm(algorithm string) error {
	return unauthenticated("the token is signed with algorithm %q; access tokens are signed with HS256", clip(algorithm))
}

func unauthenticated(format string, args ...any) error {
	return earshot.Errorf(earshot.CodeUnauthenticated, format, args...)
}

func denied(format string, args ...any) error {
	return earshot.Errorf(earshot.CodePermissionDenied, format, args...)
}
