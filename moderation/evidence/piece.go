package evidence

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"regexp"
	"strings"
	"time"

	"earshot"
)

// Meta is what is known of a piece of evidence.
type Meta struct {
	ID       string                `json:"id"`
	World    string                `json:"world"`
	Who      earshot.ParticipantID `json:"who"`
	Incident string                `json:"incident,omitempty"`
	From     time.Time             `json:"from"` // when the first packet came
	To       time.Time             `json:"to"`   // and the last
	Packets  int                   `json:"packets"`
	At       time.Time             `json:"at"`      // when it was written
	Expires  time.Time             `json:"expires"` // when it is deleted
	Bytes    int64                 `json:"bytes"`   // of the file
}

// The format of a file: magic; length of the sealed meta in 4 bytes, big
// endian; nonce and sealed meta; nonce and sealed packets. Each packet is
// length (2 bytes), sequence number (2), timestamp (4), time in microseconds
// since 1970 (8), Opus.
const (
	magic       = "earshot-evidence 1\n"
	packetHead  = 16
	nonceBytes  = 12
	maxMeta     = 4 << 10
	maxFile     = 16 << 20 // bytes; a ring has at most half of that
	labelMeta   = "meta"
	labelSounds = "packets"
)

var (
	idEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
	idPattern  = regexp.MustCompile(`^ed_[a-z2-7]{32}$`)
)

// idOf is the seal on a file: 160 bits of its SHA-256 sum.
func idOf(file []byte) string {
	sum := sha256.Sum256(file)
	return "ed_" + idEncoding.EncodeToString(sum[:20])
}

// ValidID says whether a text has the form of an id of evidence.
func ValidID(id string) bool { return idPattern.MatchString(id) }

// pack makes a file. It does not contain the id, nor when it expires.
func pack(key [32]byte, m Meta, packets []Packet) ([]byte, error) {
	m.ID, m.Expires, m.Bytes = "", time.Time{}, 0
	meta, err := json.Marshal(m)
	if err != nil || len(meta) > maxMeta {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "evidence: names of %d bytes, at most %d are kept", len(meta), maxMeta)
	}
	var sound []byte
	for _, p := range packets {
		sound = binary.BigEndian.AppendUint16(sound, uint16(len(p.Opus)))
		sound = binary.BigEndian.AppendUint16(sound, p.Seq)
		sound = binary.BigEndian.AppendUint32(sound, p.Timestamp)
		sound = binary.BigEndian.AppendUint64(sound, uint64(p.At.UnixMicro()))
		sound = append(sound, p.Opus...)
	}
	sealedMeta, err := seal(key, meta, labelMeta)
	if err != nil {
		return nil, err
	}
	sealedSound, err := seal(key, sound, labelSounds)
	if err != nil {
		return nil, err
	}
	file := binary.BigEndian.AppendUint32([]byte(magic), uint32(len(sealedMeta)))
	return append(append(file, sealedMeta...), sealedSound...), nil
}

// openMeta reads the meta at the beginning of a file, and says where the
// packets begin.
func openMeta(key [32]byte, file []byte) (m Meta, rest int, err error) {
	const head = len(magic) + 4
	if len(file) < head || !bytes.HasPrefix(file, []byte(magic)) {
		return m, 0, errBroken("it is no evidence of this version")
	}
	size := int64(binary.BigEndian.Uint32(file[len(magic):]))
	if size > maxMeta+nonceBytes+tagBytes || int64(len(file)-head) < size {
		return m, 0, errBroken("it is cut off")
	}
	plain, err := unseal(key, file[head:head+int(size)], labelMeta)
	if err != nil {
		return m, 0, err
	}
	if err := json.Unmarshal(plain, &m); err != nil {
		return m, 0, errBroken("what it is of cannot be read")
	}
	return m, head + int(size), nil
}

// unpack reads a file.
func unpack(key [32]byte, file []byte) (m Meta, packets []Packet, err error) {
	m, rest, err := openMeta(key, file)
	if err != nil {
		return m, nil, err
	}
	sound, err := unseal(key, file[rest:], labelSounds)
	if err != nil {
		return m, nil, err
	}
	packets, err = parsePackets(sound)
	return m, packets, err
}

func parsePackets(sound []byte) (packets []Packet, err error) {
	for len(sound) > 0 {
		if len(sound) < packetHead {
			return nil, errBroken("a packet is cut off")
		}
		size := int(binary.BigEndian.Uint16(sound))
		if size == 0 || size > maxPacket || len(sound) < packetHead+size {
			return nil, errBroken("a packet is cut off")
		}
		packets = append(packets, Packet{
			Seq: binary.BigEndian.Uint16(sound[2:]), Timestamp: binary.BigEndian.Uint32(sound[4:]),
			At: time.UnixMicro(int64(binary.BigEndian.Uint64(sound[8:]))).UTC(), Opus: sound[packetHead : packetHead+size : packetHead+size],
		})
		sound = sound[packetHead+size:]
	}
	return packets, nil
}

func seal(key [32]byte, plain []byte, label string) ([]byte, error) {
	aead, err := newAEAD(key[:])
	if err != nil {
		return nil, earshot.Errorf(earshot.CodeInternal, "evidence: %v", err)
	}
	nonce := make([]byte, nonceBytes, nonceBytes+len(plain)+tagBytes)
	rand.Read(nonce)
	return aead.Seal(nonce, nonce, plain, []byte(label)), nil
}

func unseal(key [32]byte, sealed []byte, label string) ([]byte, error) {
	aead, err := newAEAD(key[:])
	if err != nil {
		return nil, earshot.Errorf(earshot.CodeInternal, "evidence: %v", err)
	}
	if len(sealed) < nonceBytes {
		return nil, errBroken("it is cut off")
	}
	plain, err := aead.Open(nil, sealed[:nonceBytes], sealed[nonceBytes:], []byte(label))
	if err != nil {
		return nil, errBroken("it does not fit its key, or was changed")
	}
	return plain, nil
}

func errBroken(why string) error {
	return earshot.Errorf(earshot.CodeFailedPrecondition, "evidence: a file is broken: %s", strings.TrimSpace(why))
}
