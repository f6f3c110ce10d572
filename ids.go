package earshot

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

// The ids of the domain. Each is a short prefix, an underscore and lower-case
// base32 (RFC 4648, no padding) or, for instances and nodes, a name. A prefix
// makes an id readable in a log and makes a mix-up visible at once.
type (
	// ParticipantID names a person or NPC in a world: "pa_".
	ParticipantID string
	// TrackID names a source of voice or video: "tr_".
	TrackID string
	// InstanceID names one running copy of a world: "in_".
	InstanceID string
	// SessionID names one connection of a participant: "se_".
	SessionID string
	// NPCID names a configured character: "np_".
	NPCID string
	// EventID names a thing that happened, such as a chat line: "ev_".
	EventID string
	// NodeID names one process of Earshot: "nd_".
	NodeID string
)

// MaxIDBytes is the longest id accepted from outside.
const MaxIDBytes = 64

var idEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// ParticipantFor derives the participant id of a token's subject. The same
// issuer and subject give the same id on every node and in every session, so
// blocks and gains outlive a reload, and the id does not reveal the subject.
func ParticipantFor(issuer, subject string) ParticipantID {
	h := sha256.New()
	h.Write([]byte(issuer))
	h.Write([]byte{0})
	h.Write([]byte(subject))
	return ParticipantID("pa_" + idEncoding.EncodeToString(h.Sum(nil)[:10]))
}

// NewTrackID returns a random track id of 80 bits.
func NewTrackID() TrackID { return TrackID("tr_" + random(10)) }

// NewSessionID returns a random session id of 160 bits: unlike other ids it is
// part of a URL that only its owner should know.
func NewSessionID() SessionID { return SessionID("se_" + random(20)) }

// NewEventID returns a random event id of 80 bits.
func NewEventID() EventID { return EventID("ev_" + random(10)) }

// NewNodeID returns a random node id of 80 bits.
func NewNodeID() NodeID { return NodeID("nd_" + random(10)) }

// Valid reports whether s has the form of a participant id. It does not say
// that such a participant exists.
func (id ParticipantID) Valid() bool { return validID(string(id), "pa_") }

// Valid reports whether s has the form of an instance id.
func (id InstanceID) Valid() bool { return validID(string(id), "in_") }

// Valid reports whether id has the form of an event's id.
func (id EventID) Valid() bool { return validID(string(id), "ev_") }

// Valid reports whether s has the form of a session id.
func (id SessionID) Valid() bool { return validID(string(id), "se_") }

func validID(s, prefix string) bool {
	if len(s) > MaxIDBytes || len(s) == len(prefix) || !strings.HasPrefix(s, prefix) {
		return false
	}
	for i := len(prefix); i < len(s); i++ {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

func random(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails since Go 1.24: it aborts the process instead
	return idEncoding.EncodeToString(b)
}
