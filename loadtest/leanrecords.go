package loadtest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/prf"
)

// DTLS 1.2 records (RFC 6347 section 4.1) under AES-128-GCM (RFC 5288).
const (
	recordHeader = 13
	recordNonce  = 8
	recordTag    = 16

	recordAlert = 21
	recordData  = 23

	// suite is the one cipher suite a lean bot offers; browsers and pion have it.
	suite = dtls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
)

// records carries application data over DTLS once pion has shaken hands: it
// takes over its keys and sequence number. pion spends two goroutines and a
// dozen allocations on a record. The keys are in memory only.
type records struct {
	send func([]byte) error

	inbox    *inbox
	in       cipher.AEAD
	inIV     [4]byte
	inEpoch  uint16
	highest  uint64  // sequence number, for the window
	window   uint64  // bit i: highest-i was there
	datagram *[]byte // being read
	rest     []byte  // its records not yet read

	mu    sync.Mutex // guards what follows
	out   cipher.AEAD
	outIV [4]byte
	epoch uint16
	next  uint64
	buf   []byte
}

var _ net.Conn = (*records)(nil)

// exported is what dtls.State.MarshalBinary writes; gob matches by name.
type exported struct {
	LocalEpoch, RemoteEpoch   uint16
	LocalRandom, RemoteRandom [32]byte
	CipherSuiteID             uint16
	MasterSecret              []byte
	SequenceNumber            uint64
	LocalConnectionID         []byte
	RemoteConnectionID        []byte
}

// takeOver makes the records of a connection that has shaken hands, whose pion
// half must not send any more.
func takeOver(state *dtls.State, in *inbox, send func([]byte) error) (*records, error) {
	data, err := state.MarshalBinary()
	if err != nil {
		return nil, err
	}
	var s exported
	if err := gob.NewDecoder(bytes.NewReader(data)).Decode(&s); err != nil {
		return nil, err
	}
	clear(data)
	if dtls.CipherSuiteID(s.CipherSuiteID) != suite || len(s.LocalConnectionID)+len(s.RemoteConnectionID) > 0 {
		return nil, fmt.Errorf("cipher suite %#04x was not offered", s.CipherSuiteID)
	}
	keys, err := prf.GenerateEncryptionKeys(s.MasterSecret, s.LocalRandom[:], s.RemoteRandom[:], 0, 16, 4, sha256.New)
	if err != nil {
		return nil, err
	}
	clear(s.MasterSecret)
	r := &records{
		send: send, inbox: in,
		inEpoch: s.RemoteEpoch, epoch: s.LocalEpoch, next: s.SequenceNumber + 1,
	}
	copy(r.outIV[:], keys.ClientWriteIV)
	copy(r.inIV[:], keys.ServerWriteIV)
	if r.out, err = newGCM(keys.ClientWriteKey); err != nil {
		return nil, err
	}
	r.in, err = newGCM(keys.ServerWriteKey)
	return r, err
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// Write sends b as one record.
func (r *records) Write(b []byte) (int, error) {
	return len(b), r.write(recordData, b)
}

func (r *records) write(content byte, b []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	sequence := uint64(r.epoch)<<48 | r.next
	r.next++
	out := append(r.buf[:0], content, 0xfe, 0xfd)
	out = binary.BigEndian.AppendUint64(out, sequence)
	out = binary.BigEndian.AppendUint16(out, uint16(recordNonce+len(b)+recordTag))
	out = binary.BigEndian.AppendUint64(out, sequence)
	var nonce [12]byte
	copy(nonce[:], r.outIV[:])
	binary.BigEndian.PutUint64(nonce[4:], sequence)
	associated := associate(sequence, content, len(b))
	out = r.out.Seal(out, nonce[:], b, associated[:])
	r.buf = out
	_ = r.send(out) // what cannot be sent is lost, as on the way
	return nil
}

// associate is the additional data of a record: sequence number, type,
// version, length (RFC 5246 section 6.2.3.3).
func associate(sequence uint64, content byte, length int) (a [13]byte) {
	binary.BigEndian.PutUint64(a[:], sequence)
	a[8], a[9], a[10] = content, 0xfe, 0xfd
	binary.BigEndian.PutUint16(a[11:], uint16(length))
	return a
}

// Read reads the next record with data in it.
func (r *records) Read(b []byte) (int, error) {
	for {
		if len(r.rest) < recordHeader {
			if err := r.more(); err != nil {
				return 0, err
			}
		}
		content, plain, ok := r.open()
		switch {
		case !ok:
		case content == recordAlert:
			return 0, io.EOF // a server that has said welcome has one alert to send: close_notify
		case content == recordData && len(plain) > len(b):
			return 0, io.ErrShortBuffer
		case content == recordData:
			return copy(b, plain), nil
		}
	}
}

// more reads the next datagram.
func (r *records) more() (err error) {
	if r.datagram != nil {
		r.inbox.give(r.datagram)
		r.datagram = nil
	}
	if r.datagram, err = r.inbox.take(); err == nil {
		r.rest = *r.datagram
	}
	return err
}

// open decrypts the first of the records in rest, in its place. What is of
// another epoch, was there before or is not genuine is left out.
func (r *records) open() (content byte, plain []byte, ok bool) {
	if len(r.rest) < recordHeader {
		r.rest = nil
		return 0, nil, false
	}
	size := recordHeader + int(binary.BigEndian.Uint16(r.rest[11:]))
	if size > len(r.rest) {
		r.rest = nil
		return 0, nil, false
	}
	record := r.rest[:size]
	r.rest = r.rest[size:]
	content = record[0]
	sequence := binary.BigEndian.Uint64(record[3:])
	if uint16(sequence>>48) != r.inEpoch || size < recordHeader+recordNonce+recordTag || !r.fresh(sequence) {
		return 0, nil, false
	}
	var nonce [12]byte
	copy(nonce[:], r.inIV[:])
	copy(nonce[4:], record[recordHeader:])
	sealed := record[recordHeader+recordNonce:]
	associated := associate(sequence, content, len(sealed)-recordTag)
	plain, err := r.in.Open(sealed[:0], nonce[:], sealed, associated[:])
	if err != nil {
		return 0, nil, false
	}
	r.seen(sequence)
	return content, plain, true
}

// fresh reports whether a record has not been there (RFC 6347 section 4.1.2.6).
func (r *records) fresh(sequence uint64) bool {
	if sequence > r.highest {
		return true
	}
	age := r.highest - sequence
	return age < 64 && r.window&(1<<age) == 0
}

func (r *records) seen(sequence uint64) {
	if sequence > r.highest {
		shift := min(sequence-r.highest, 64)
		r.window = r.window<<shift | 1
		r.highest = sequence
		return
	}
	r.window |= 1 << (r.highest - sequence)
}

// farewell tells the server that the connection ends.
func (r *records) farewell() { _ = r.write(recordAlert, []byte{1, 0}) }

// Close has Read return. It may be called again.
func (r *records) Close() error {
	r.inbox.close()
	return nil
}

// LocalAddr is where the bot is.
func (r *records) LocalAddr() net.Addr { return farEnd{} }

// RemoteAddr is where the server is.
func (r *records) RemoteAddr() net.Addr { return farEnd{} }

// SetDeadline does nothing: Close ends Read, and Write never waits.
func (r *records) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (r *records) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (r *records) SetWriteDeadline(time.Time) error { return nil }

var errNotAgreed = errors.New("the server agreed on no SRTP profile")
