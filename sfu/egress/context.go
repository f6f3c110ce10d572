package egress

import (
	"crypto/aes"
	"crypto/cipher"
)

// Labels of RFC 3711, section 4.3.1: of RTP and of RTCP.
const (
	labelKey        = 0
	labelSalt       = 2
	labelReportKey  = 3
	labelReportSalt = 5
)

// Context has the SRTP key of what one session sends: AEAD_AES_128_GCM without
// MKI (RFC 7714).
type Context struct {
	aead cipher.AEAD
	salt [saltSize]byte
}

func newContext(masterKey, masterSalt []byte) (*Context, error) {
	aead, salt, err := sessionKeys(labelKey, labelSalt, masterKey, masterSalt)
	return &Context{aead: aead, salt: salt}, err
}

// sessionKeys derives the cipher and the salt of RTP or of RTCP, by their labels.
func sessionKeys(keyLabel, saltLabel byte, masterKey, masterSalt []byte) (aead cipher.AEAD, salt [saltSize]byte, err error) {
	var key [keySize]byte
	defer clear(key[:])
	if err := derive(key[:], keyLabel, masterKey, masterSalt); err != nil {
		return nil, salt, err
	}
	if err := derive(salt[:], saltLabel, masterKey, masterSalt); err != nil {
		return nil, salt, err
	}
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, salt, err
	}
	aead, err = cipher.NewGCM(block)
	return aead, salt, err
}

// derive is the key derivation of RFC 3711, section 4.3, with a rate of zero,
// for results of at most one block.
func derive(dst []byte, label byte, masterKey, masterSalt []byte) error {
	block, err := aes.NewCipher(masterKey)
	if err != nil {
		return err
	}
	var in, out [aes.BlockSize]byte
	defer clear(out[:])
	defer clear(in[:])
	copy(in[:14], masterSalt)
	in[7] ^= label
	block.Encrypt(out[:], in[:])
	copy(dst, out[:])
	return nil
}

// Close wipes what can be wiped. No Stream of the context may be used any more.
func (c *Context) Close() {
	clear(c.salt[:])
	c.aead = nil
}
