package turn

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"os"
	"strconv"
	"strings"
	"time"

	pion "github.com/pion/turn/v5"
)

// Sizes of secrets, in bytes.
const (
	minSecret = 16
	maxSecret = 4096
)

// secret makes credentials as draft-uberti-behave-turn-rest-00 does, which other
// TURN servers know too: the user name is the time they end and whose they are,
// the password an HMAC-SHA1 of it. So nothing is stored.
type secret []byte

// newSecret returns the content of a file, or a random one where file is "".
func newSecret(file string) (secret, error) {
	if file == "" {
		s := make(secret, 32)
		rand.Read(s) // never fails since Go 1.24: it aborts the process instead
		return s, nil
	}
	text, err := readLine(file)
	if err != nil {
		return nil, err
	}
	if len(text) < minSecret || len(text) > maxSecret {
		return nil, invalid("%s has %d bytes; make one with: openssl rand -base64 32", file, len(text))
	}
	return secret(text), nil
}

// readLine returns the content of a file without a line feed at its end.
func readLine(file string) (string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return "", invalid("%v", err)
	}
	return strings.TrimRight(string(data), "\r\n"), nil
}

// issue returns credentials of somebody that end at a time.
func (s secret) issue(user string, until time.Time) (name, password string) {
	name = strconv.FormatInt(until.Unix(), 10) + ":" + user
	return name, s.password(name)
}

func (s secret) password(name string) string {
	mac := hmac.New(sha1.New, s)
	mac.Write([]byte(name))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// maxName is the longest user name that is looked at, in bytes: a time, and the
// longest id of a participant.
const maxName = 20 + 1 + 64

// parseName returns whose credentials a name is of and when they end.
func parseName(name string) (user string, until time.Time, ok bool) {
	if len(name) > maxName {
		return "", time.Time{}, false
	}
	end, user, found := strings.Cut(name, ":")
	seconds, err := strconv.ParseInt(end, 10, 64)
	if !found || err != nil || seconds <= 0 || user == "" {
		return "", time.Time{}, false
	}
	return user, time.Unix(seconds, 0), true
}

// authenticate returns the key of a request, if whoever makes it may. That the
// request is signed with the key is checked by pion.
//
// Credentials that have ended open nothing any more. What they opened may be
// kept by one who is in a session still: a token is renewed without new
// credentials for a connection that stands.
func (s *Server) authenticate(r *pion.RequestAttributes) (user string, key []byte, ok bool) {
	user, until, ok := parseName(r.Username)
	if !ok || r.Realm != realm {
		return "", nil, false
	}
	if !s.now().Before(until) && (opens(r) || !s.deps.Live(user)) {
		return "", nil, false
	}
	return user, pion.GenerateAuthKey(r.Username, realm, s.secret.password(r.Username)), true
}
