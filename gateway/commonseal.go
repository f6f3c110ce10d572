package gateway

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"earshot"
	"earshot/moderation/journal"
	"earshot/presence/docket"
)

// commonSeal encrypts what moderation decides for the other nodes, by a key that
// all have who share an HS256 key: the store and who can read or write it learn
// nothing, and cannot make anything up.
type commonSeal struct {
	aead cipher.AEAD
	// print is of the key: after a change of keys entries have other names, so
	// that what nobody can read any more is not taken for what is there.
	print string
}

// commonSeal derives it from the key of renewals; nil where nodes share none.
func (ks *Keys) commonSeal() *commonSeal {
	secret, ok := ks.renewal.sign.([]byte)
	if !ok {
		return nil
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("earshot docket 1"))
	key := mac.Sum(nil)
	block, err := aes.NewCipher(key)
	if err != nil { // 32 bytes are a key
		panic(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil { // and AES has blocks of 16
		panic(err)
	}
	sum := sha256.Sum256(append([]byte("print "), key...))
	return &commonSeal{aead, hex.EncodeToString(sum[:4])}
}

// id is what an entry is called in the docket.
func (c *commonSeal) id(s *journal.Shared) string { return s.ID + "-" + c.print }

// seal encrypts an entry under its name. The error is invalid_argument for one
// that nobody needs any more, or that is too long.
func (c *commonSeal) seal(s *journal.Shared, now time.Time) (docket.Entry, error) {
	text, err := s.Encode()
	if err != nil {
		return docket.Entry{}, err
	}
	e := docket.Entry{ID: c.id(s), For: min(s.Until.Sub(now), docket.Kept)}
	nonce := make([]byte, c.aead.NonceSize(), c.aead.NonceSize()+len(text)+c.aead.Overhead())
	_, _ = rand.Read(nonce) // it never fails
	e.Data = c.aead.Seal(nonce, nonce, text, []byte(e.ID))
	return e, e.Check()
}

// open reads what seal wrote on any node. The error is invalid_argument.
func (c *commonSeal) open(p *docket.Placed) (s journal.Shared, err error) {
	n := c.aead.NonceSize()
	if len(p.Data) < n {
		return s, errUnsealed
	}
	text, err := c.aead.Open(nil, p.Data[:n], p.Data[n:], []byte(p.ID))
	if err != nil {
		return s, errUnsealed
	}
	if s, err = journal.DecodeShared(text); err == nil && c.id(&s) != p.ID {
		err = errUnsealed
	}
	return s, err
}

var errUnsealed = earshot.Errorf(earshot.CodeInvalidArgument, "it was sealed by another key: all nodes need the same HS256 key, and after it changed each tells again what it knows when it starts")
