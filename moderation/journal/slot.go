package journal

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"time"

	"earshot"
)

// keyID names a key, a person or a group of keys; random but for groups.
type keyID [16]byte

var idEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

func newKeyID() (id keyID) {
	rand.Read(id[:])
	return id
}

// groupOf is the group of the keys of an incident or a report.
func groupOf(id string) (g keyID) {
	sum := sha256.Sum256([]byte(id))
	copy(g[:], sum[:])
	return g
}

// MarshalText implements encoding.TextMarshaler.
func (id keyID) MarshalText() ([]byte, error) { return idEncoding.AppendEncode(nil, id[:]), nil }

func (id keyID) String() string { return idEncoding.EncodeToString(id[:]) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (id *keyID) UnmarshalText(text []byte) error {
	raw, err := idEncoding.DecodeString(string(text))
	if err != nil || len(raw) != len(id) {
		return earshot.Errorf(earshot.CodeInvalidArgument, "%.40q is no id of a key", text)
	}
	copy(id[:], raw)
	return nil
}

const aliasPrefix = "px_"

// alias is how lines name a person; "" for nobody.
func (id keyID) alias() earshot.ParticipantID {
	if id == (keyID{}) {
		return ""
	}
	return earshot.ParticipantID(aliasPrefix + idEncoding.EncodeToString(id[:]))
}

func parseAlias(who earshot.ParticipantID) (id keyID, ok bool) {
	text, ok := bytes.CutPrefix([]byte(who), []byte(aliasPrefix))
	return id, ok && id.UnmarshalText(text) == nil
}

// slot is what the key file keeps: a person (name) or a key.
type slot struct {
	person  bool
	id      keyID
	key     [32]byte
	expires int64 // milliseconds since 1970; 0: when its person goes
	owner   keyID // whose words these are
	about   keyID // who may have them erased too; zero: nobody else
	group   keyID
	name    earshot.ParticipantID
}

func (s *slot) due(now time.Time) bool { return s.expires != 0 && now.UnixMilli() >= s.expires }

// slotBytes divides the sector of a disk, so that no slot is in two.
const (
	slotBytes  = 256
	slotSum    = slotBytes - 8
	slotUsed   = 0xE5
	slotPerson = 1
	slotKey    = 2
)

// encode writes: used, kind, length of the name, version, expiry, id, key,
// owner, about, group, name; at the end the beginning of a SHA-256 of all that.
func (s *slot) encode() (b [slotBytes]byte) {
	b[0], b[1], b[2], b[3] = slotUsed, slotKey, byte(len(s.name)), 1
	if s.person {
		b[1] = slotPerson
	}
	binary.BigEndian.PutUint64(b[4:], uint64(s.expires))
	copy(b[12:], s.id[:])
	copy(b[28:], s.key[:])
	copy(b[60:], s.owner[:])
	copy(b[76:], s.about[:])
	copy(b[92:], s.group[:])
	copy(b[108:108+earshot.MaxIDBytes], s.name)
	sum := sha256.Sum256(b[:slotSum])
	copy(b[slotSum:], sum[:])
	return b
}

// decodeSlot reads what encode wrote. It returns nil for a free slot, and not
// ok for one that is neither: torn while it was written or overwritten.
func decodeSlot(b *[slotBytes]byte) (s *slot, ok bool) {
	if *b == ([slotBytes]byte{}) {
		return nil, true
	}
	sum := sha256.Sum256(b[:slotSum])
	if !bytes.Equal(sum[:8], b[slotSum:]) || b[0] != slotUsed || b[3] != 1 || b[2] > earshot.MaxIDBytes || b[1] != slotPerson && b[1] != slotKey {
		return nil, false
	}
	s = &slot{person: b[1] == slotPerson, expires: int64(binary.BigEndian.Uint64(b[4:]))}
	copy(s.id[:], b[12:])
	copy(s.key[:], b[28:])
	copy(s.owner[:], b[60:])
	copy(s.about[:], b[76:])
	copy(s.group[:], b[92:])
	s.name = earshot.ParticipantID(b[108 : 108+int(b[2])])
	return s, true
}
