package egress

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"sync"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/prf"
	"github.com/pion/dtls/v3/pkg/protocol/extension"
	"github.com/pion/dtls/v3/pkg/protocol/handshake"
)

// Why a session cannot be served here.
var (
	// ErrProfile means that another SRTP profile than AEAD_AES_128_GCM, or a
	// cipher suite with another hash than SHA-256, was negotiated.
	ErrProfile = errors.New("egress: the SRTP profile or cipher suite is not supported")
	// ErrHandshake means that the handshake was not seen, or not to its end.
	ErrHandshake = errors.New("egress: no keys of the handshake")
)

// Sizes of RFC 5246 and, for AEAD_AES_128_GCM, RFC 7714, section 12.
const (
	randomSize = 32
	secretSize = 48
	keySize    = 16
	saltSize   = 12
)

const exporterLabel = "EXTRACTOR-dtls_srtp" // RFC 5764, section 4.2

// keyLogPrefix begins a line of the key log of a TLS 1.2 handshake.
const keyLogPrefix = "CLIENT_RANDOM "

// Handshake sees one DTLS 1.2 handshake in which we are the server, and derives
// the keys of RTP both ways. Write is for pion's key log, ServerHello for its
// hook of that name.
type Handshake struct {
	mu      sync.Mutex
	usable  bool // what was negotiated is what we can do
	hello   bool // a ServerHello was seen
	logged  bool // secret is there
	closed  bool
	random  [2][randomSize]byte // of the client, of the server
	secret  [secretSize]byte
	decoded [secretSize]byte // scratch
}

// ServerHello notes our part of the handshake and changes nothing of it.
func (h *Handshake) ServerHello(m handshake.MessageServerHello) handshake.Message {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hello = true
	h.random[1] = m.Random.MarshalFixed()
	h.usable = m.CipherSuiteID != nil && sha256Suite(dtls.CipherSuiteID(*m.CipherSuiteID)) && gcm128(m.Extensions)
	return &m
}

func sha256Suite(id dtls.CipherSuiteID) bool {
	switch id {
	case dtls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, dtls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256:
		return true
	}
	return false
}

func gcm128(extensions []extension.Extension) bool {
	for _, e := range extensions {
		if srtp, ok := e.(*extension.UseSRTP); ok {
			return len(srtp.ProtectionProfiles) == 1 && len(srtp.MasterKeyIdentifier) == 0 &&
				srtp.ProtectionProfiles[0] == extension.SRTP_AEAD_AES_128_GCM
		}
	}
	return false
}

// Write takes a line of the key log. It never fails, and ignores what it does
// not know: without a secret, Context fails.
func (h *Handshake) Write(line []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	rest, ok := bytes.CutPrefix(bytes.TrimSuffix(line, []byte("\n")), []byte(keyLogPrefix))
	if h.closed || !ok || len(rest) != 2*randomSize+1+2*secretSize || rest[2*randomSize] != ' ' {
		return len(line), nil
	}
	defer clear(h.decoded[:])
	if _, err := hex.Decode(h.decoded[:], rest[2*randomSize+1:]); err != nil {
		return len(line), nil
	}
	if _, err := hex.Decode(h.random[0][:], rest[:2*randomSize]); err != nil {
		return len(line), nil
	}
	h.secret, h.logged = h.decoded, true
	return len(line), nil
}

// Contexts derives the keys of what the server sends and of what is sent to it,
// and wipes the secret. It works once.
func (h *Handshake) Contexts() (*Context, *Inbound, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	defer h.wipe()
	switch {
	case h.closed || !h.hello || !h.logged:
		return nil, nil, ErrHandshake
	case !h.usable:
		return nil, nil, ErrProfile
	}
	seed := append(append([]byte(exporterLabel), h.random[0][:]...), h.random[1][:]...)
	secret := bytes.Clone(h.secret[:])
	defer clear(secret)
	material, err := prf.PHash(secret, seed, 2*keySize+2*saltSize, sha256.New)
	if err != nil {
		return nil, nil, ErrHandshake
	}
	defer clear(material)
	// client key, server key, client salt, server salt: RFC 5764, section 4.2
	clients, ours := material[:keySize], material[keySize:2*keySize]
	salt := material[2*keySize:]
	out, err := newContext(ours, salt[saltSize:])
	if err != nil {
		return nil, nil, err
	}
	in, err := newInbound(clients, salt[:saltSize])
	return out, in, err
}

// Close wipes what was seen. It may be called more than once.
func (h *Handshake) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wipe()
}

func (h *Handshake) wipe() {
	h.closed, h.logged = true, false
	clear(h.secret[:])
	clear(h.random[0][:])
	clear(h.random[1][:])
}
