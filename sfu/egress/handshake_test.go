package egress

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/selfsign"
	dtlsnet "github.com/pion/dtls/v3/pkg/net"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

// handshakeWith runs a DTLS handshake between two pion ends and returns what
// the client knows in the end.
func handshakeWith(t *testing.T, h *Handshake, profile dtls.SRTPProtectionProfile, suite dtls.CipherSuiteID) *dtls.State {
	t.Helper()
	certificate, err := selfsign.GenerateSelfSigned()
	if err != nil {
		t.Fatal(err)
	}
	near, far := net.Pipe()
	t.Cleanup(func() { near.Close(); far.Close() })
	ended := make(chan error, 1)
	go func() {
		server, err := dtls.ServerWithOptions(dtlsnet.PacketConnFromConn(near), near.RemoteAddr(),
			dtls.WithCertificates(certificate), dtls.WithSRTPProtectionProfiles(profile),
			dtls.WithKeyLogWriter(h), dtls.WithServerHelloMessageHook(h.ServerHello))
		if err == nil {
			err = server.Handshake()
		}
		ended <- err
	}()
	client, err := dtls.ClientWithOptions(dtlsnet.PacketConnFromConn(far), far.RemoteAddr(),
		dtls.WithCertificates(certificate), dtls.WithSRTPProtectionProfiles(profile),
		dtls.WithInsecureSkipVerify(true), dtls.WithCipherSuites(suite))
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	state, ok := client.ConnectionState()
	if !ok {
		t.Fatal("no state after a handshake")
	}
	return &state
}

// What is sealed with the keys of a handshake, the other end opens.
func TestHandshake(t *testing.T) {
	h := &Handshake{}
	state := handshakeWith(t, h, dtls.SRTP_AEAD_AES_128_GCM, dtls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)
	context, inbound, err := h.Contexts()
	if err != nil {
		t.Fatal(err)
	}
	config := &srtp.Config{Profile: srtp.ProtectionProfileAeadAes128Gcm}
	if err := config.ExtractSessionKeysFromDTLS(state, true); err != nil {
		t.Fatal(err)
	}
	remote, err := srtp.CreateContext(config.Keys.RemoteMasterKey, config.Keys.RemoteMasterSalt, config.Profile)
	if err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 100)
	n := context.Stream(5, VoiceWindow).seal(buffer, Header{Seq: 1}, []byte("hello"))
	if _, err := remote.DecryptRTP(nil, buffer[:n], &rtp.Header{}); err != nil {
		t.Error(err)
	}
	local, err := srtp.CreateContext(config.Keys.LocalMasterKey, config.Keys.LocalMasterSalt, config.Profile)
	if err != nil {
		t.Fatal(err)
	}
	packet := &rtp.Packet{Header: rtp.Header{Version: 2, SSRC: 6, SequenceNumber: 9}, Payload: []byte("hello")}
	sealed, err := local.EncryptRTP(nil, must(packet.Marshal()), nil)
	if err != nil {
		t.Fatal(err)
	}
	source := NewSource(6)
	if plain, ok := source.Open(inbound, buffer, sealed); !ok || string(plain[headerSize:]) != "hello" {
		t.Errorf("Open = %q, %v", plain, ok)
	}
	// The secret is gone.
	if h.secret != [secretSize]byte{} || h.decoded != [secretSize]byte{} || h.random != [2][randomSize]byte{} {
		t.Error("the secret is still there after Contexts")
	}
	if _, _, err := h.Contexts(); !errors.Is(err, ErrHandshake) {
		t.Errorf("second Contexts: %v, want %v", err, ErrHandshake)
	}
	inbound.Close()
	if inbound.salt != [saltSize]byte{} || inbound.aead != nil {
		t.Error("the client's keys are still there after Close")
	}
	context.Close()
	if context.salt != [saltSize]byte{} || context.aead != nil {
		t.Error("the keys are still there after Close")
	}
}

func TestHandshakeRefuses(t *testing.T) {
	for _, tc := range []struct {
		profile dtls.SRTPProtectionProfile
		suite   dtls.CipherSuiteID
	}{
		{dtls.SRTP_AES128_CM_HMAC_SHA1_80, dtls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
		{dtls.SRTP_AEAD_AES_256_GCM, dtls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
		{dtls.SRTP_AEAD_AES_128_GCM, dtls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384},
	} {
		h := &Handshake{}
		handshakeWith(t, h, tc.profile, tc.suite)
		if _, _, err := h.Contexts(); !errors.Is(err, ErrProfile) {
			t.Errorf("%v, %v: %v, want %v", tc.profile, tc.suite, err, ErrProfile)
		}
		if h.secret != [secretSize]byte{} {
			t.Error("the secret is still there")
		}
	}
	if _, _, err := (&Handshake{}).Contexts(); !errors.Is(err, ErrHandshake) {
		t.Errorf("without a handshake: %v, want %v", err, ErrHandshake)
	}
}

func FuzzKeyLog(f *testing.F) {
	line := fmt.Sprintf("CLIENT_RANDOM %s %s\n", strings.Repeat("ab", randomSize), strings.Repeat("cd", secretSize))
	for _, seed := range []string{line, line[1:], strings.ReplaceAll(line, "c", "x"), strings.ReplaceAll(line, "a", "x"), ""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h := &Handshake{}
		if n, err := h.Write(b); n != len(b) || err != nil {
			t.Fatalf("Write = %d, %v", n, err)
		}
		if h.decoded != [secretSize]byte{} {
			t.Fatal("scratch holds a secret")
		}
		if h.logged && !strings.EqualFold(strings.TrimSuffix(string(b), "\n"), fmt.Sprintf("CLIENT_RANDOM %x %x", h.random[0], h.secret)) {
			t.Fatalf("read what was not there: %q", b)
		}
		h.Close()
		if h.secret != [secretSize]byte{} {
			t.Fatal("the secret is still there after Close")
		}
	})
}
