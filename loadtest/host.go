package loadtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Host is what the bots of one process share so that each costs little: a
// certificate, and a few lanes, goroutines that do for many bots what else
// each would need goroutines for. Its methods are safe for concurrent use.
type Host struct {
	certificate tls.Certificate
	fingerprint string // as in SDP
	lanes       []*lane
	next        atomic.Uint32
	datagrams   sync.Pool // memory of datagrams that wait for a bot's DTLS
}

// NewHost returns a host with so many lanes, each good for one core; 0 is one
// for each core of the process. The caller has to Close it after its bots.
func NewHost(lanes int) (*Host, error) {
	if lanes <= 0 {
		lanes = runtime.GOMAXPROCS(0)
	}
	h := &Host{}
	h.datagrams.New = func() any {
		b := make([]byte, 0, laneMTU)
		return &b
	}
	if err := h.certify(); err != nil {
		return nil, err
	}
	for range lanes {
		h.lanes = append(h.lanes, newLane())
	}
	return h, nil
}

// Close ends the lanes. Bots that are still there fall silent.
func (h *Host) Close() {
	for _, l := range h.lanes {
		l.close()
	}
}

// lane returns the lane of the next bot.
func (h *Host) lane() *lane {
	return h.lanes[int(h.next.Add(1))%len(h.lanes)]
}

// certify makes the certificate that all bots show. Nobody knows a bot by it:
// the server checks it against the fingerprint of the offer.
func (h *Host) certify() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("loadtest: certificate key: %w", err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject:      pkix.Name{CommonName: "earshot loadtest"},
		NotBefore:    now.AddDate(0, 0, -1),
		NotAfter:     now.AddDate(0, 1, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return fmt.Errorf("loadtest: certificate: %w", err)
	}
	h.certificate = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	h.fingerprint = fingerprint(der)
	return nil
}

// fingerprint is that of a certificate as a=fingerprint has it (RFC 8122).
func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	parts := make([]string, len(sum))
	for i, b := range sum {
		parts[i] = fmt.Sprintf("%02X", b)
	}
	return "sha-256 " + strings.Join(parts, ":")
}
