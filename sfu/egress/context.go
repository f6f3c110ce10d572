package egress

import (
	"crypto/aes"
	"crypto/cipher"
)

// Labels of RFC 3711, section 4.3.1.
const (
	labelKey  = 0
	labelSalt = 2
)

// Context has the SRTP key of what one session sends: AEAD_AES_128_GCM without
// MKI (RFC 7714).
type Context struct {
	aead cipher.AEAD
	salt [saltSize]byte
}

func newContext(masterKey, masterSalt []byte) (*Context, error) {
	var key [keySize]byte
	defer clear(key[:])
	c := &Context{}
	if err := derive(key[:], labelKey, masterKey, masterSalt); err != nil {
		return nil, err
	}
	if err := derive(c.salt[:], labelSalt, masterKey, masterSalt); err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	c.aead, err = cipher.NewGCM(block)
	return c, err
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
