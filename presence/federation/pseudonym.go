package federation

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"strings"

	"earshot"
)

var encoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Pseudonyms gives people the names that other operators know them by: the same
// as long as the key is, so that blocks hold, and another for each peer, so that
// two peers cannot tell whether they speak of the same person.
type Pseudonyms struct{ key []byte }

// NewPseudonyms derives what it takes from an operator's key, which all of its
// nodes have.
func NewPseudonyms(key ed25519.PrivateKey) Pseudonyms {
	mac := hmac.New(sha256.New, key.Seed())
	mac.Write([]byte("earshot federation pseudonyms 1"))
	return Pseudonyms{mac.Sum(nil)}
}

// Of returns the pseudonym of somebody for a peer.
func (p Pseudonyms) Of(peer string, who earshot.ParticipantID) string {
	mac := hmac.New(sha256.New, p.key)
	mac.Write([]byte(peer))
	mac.Write([]byte{0})
	mac.Write([]byte(who))
	return encoding.EncodeToString(mac.Sum(nil)[:10])
}

// remote begins the ids of people of other operators: no id of ours has an
// underscore after the prefix.
const remote = "pa_"

// Foreign is the id by which people here know, and block, somebody of a peer.
func Foreign(operator, pseudonym string) earshot.ParticipantID {
	return earshot.ParticipantID(remote + operator + "_" + pseudonym)
}

// OperatorOf returns whose somebody is; empty: ours.
func OperatorOf(id earshot.ParticipantID) string {
	operator, pseudonym, ok := strings.Cut(strings.TrimPrefix(string(id), remote), "_")
	if !ok || !ValidOperator(operator) || !ValidID(pseudonym) {
		return ""
	}
	return operator
}
