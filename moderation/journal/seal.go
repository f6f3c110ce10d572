package journal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"

	"earshot"
)

// seal encrypts words under a new key. The key's id is authenticated with them,
// so that a part cannot be put in the place of another.
func seal(k *slot, w words) (part, error) {
	plain, err := json.Marshal(w)
	if err != nil {
		return part{}, earshot.Errorf(earshot.CodeInternal, "journal: %v", err)
	}
	aead, err := newAEAD(k.key)
	if err != nil {
		return part{}, err
	}
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	rand.Read(nonce)
	return part{Owner: k.owner.alias(), Key: k.id, Data: aead.Seal(nonce, nonce, plain, k.id[:])}, nil
}

func unseal(k *slot, p part) (words, error) {
	aead, err := newAEAD(k.key)
	if err != nil {
		return words{}, err
	}
	if len(p.Data) < aead.NonceSize() {
		return words{}, earshot.Errorf(earshot.CodeFailedPrecondition, "journal: an encrypted part is too short")
	}
	plain, err := aead.Open(nil, p.Data[:aead.NonceSize()], p.Data[aead.NonceSize():], k.id[:])
	if err != nil {
		return words{}, earshot.Errorf(earshot.CodeFailedPrecondition, "journal: a part does not fit its key: is this the key file of this journal?")
	}
	var w words
	if err := json.Unmarshal(plain, &w); err != nil {
		return words{}, earshot.Errorf(earshot.CodeFailedPrecondition, "journal: a part is no JSON: %v", err)
	}
	return w, nil
}

func newAEAD(key [32]byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, earshot.Errorf(earshot.CodeInternal, "journal: %v", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, earshot.Errorf(earshot.CodeInternal, "journal: %v", err)
	}
	return aead, nil
}
