package loadtest

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/sctp"
	"github.com/pion/transport/v4/packetio"

	"earshot/gateway/protocol"
)

const (
	// maxEarly bounds the datagrams of the handshake that wait, in bytes.
	maxEarly = 64 << 10
	// maxControl is the longest message the bot takes (its SDP says so).
	maxControl = 64 << 10
	// flightEvery is how long DTLS waits before it sends a flight again.
	flightEvery = 200 * time.Millisecond
)

// leanData is the data half of a leanLink: DTLS and the three channels over
// SCTP, by pion.
type leanData struct {
	link  *leanLink
	early atomic.Pointer[packetio.Buffer] // of the handshake
	at    atomic.Int64                    // ns: arrival of the last DTLS datagram
	quiet atomic.Bool                     // pion's DTLS must not send any more

	records atomic.Pointer[records]
	sctp    *sctp.Association
	streams [len(channels)]*sctp.Stream
	work    sync.WaitGroup
	once    sync.Once
}

func newLeanData(l *leanLink) *leanData {
	return &leanData{link: l}
}

// take queues a DTLS datagram.
func (d *leanData) take(at time.Time, datagram []byte) {
	d.at.Store(at.UnixNano())
	if r := d.records.Load(); r != nil {
		r.inbox.put(datagram)
	} else if early := d.early.Load(); early != nil {
		_, _ = early.Write(datagram) // full or closed: lost, as on the way
	}
}

// arrival is when the datagram came that what is being delivered was in.
func (d *leanData) arrival() time.Time { return time.Unix(0, d.at.Load()) }

// handshake agrees on keys with the server whose certificate has the given
// fingerprint, and takes the connection over from pion.
func (d *leanData) handshake(ctx context.Context, fingerprint string) (*dtls.State, dtls.SRTPProtectionProfile, error) {
	early := packetio.NewBuffer()
	early.SetLimitSize(maxEarly)
	d.early.Store(early)
	defer d.early.Store(nil)
	conn, err := dtls.ClientWithOptions(dtlsSocket{d, early}, farEnd{},
		dtls.WithCertificates(d.link.host.certificate),
		dtls.WithSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80),
		dtls.WithCipherSuites(suite),
		dtls.WithExtendedMasterSecret(dtls.RequireExtendedMasterSecret),
		dtls.WithFlightInterval(flightEvery), dtls.WithLoggerFactory(silent{}),
		dtls.WithInsecureSkipVerify(true), // the fingerprint is the check (RFC 8827)
		dtls.WithVerifyPeerCertificate(verify(fingerprint)))
	if err != nil {
		return nil, 0, err
	}
	defer conn.Close()
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, 0, err
	}
	d.quiet.Store(true)
	state, ok := conn.ConnectionState()
	profile, has := conn.SelectedSRTPProtectionProfile()
	if !ok || !has {
		return nil, 0, errNotAgreed
	}
	r, err := takeOver(&state, newInbox(&d.link.host.datagrams), d.link.write)
	if err != nil {
		return nil, 0, err
	}
	d.records.Store(r)
	return &state, profile, nil
}

func verify(want string) func([][]byte, [][]*x509.Certificate) error {
	return func(certificates [][]byte, _ [][]*x509.Certificate) error {
		if len(certificates) == 0 || !strings.EqualFold(fingerprint(certificates[0]), want) {
			return errors.New("the server's certificate is not the one of its answer")
		}
		return nil
	}
}

// open sets up SCTP and the channels, whose ids both sides know.
func (d *leanData) open(ctx context.Context) error {
	assoc, err := sctp.ClientContext(ctx, sctp.WithNetConn(d.records.Load()), sctp.WithMinCwnd(minWindow),
		sctp.WithRTOMax(1000), sctp.WithMaxMessageSize(maxControl), sctp.WithMaxReceiveBufferSize(4*maxControl),
		sctp.WithLoggerFactory(silent{}))
	if err != nil {
		return err
	}
	d.sctp = assoc
	for i, c := range channels {
		ppi := sctp.PayloadTypeWebRTCBinary
		if c.ordered {
			ppi = sctp.PayloadTypeWebRTCString
		}
		s, err := assoc.OpenStream(c.id, ppi)
		if err != nil {
			return err
		}
		if !c.ordered {
			s.SetReliabilityParams(true, sctp.ReliabilityTypeRexmit, retries)
		}
		d.streams[i] = s
	}
	d.work.Go(func() {
		defer d.link.sink.gone()
		d.listen(protocol.ChannelControlID, maxControl, kindControl, d.link.sink.told)
	})
	d.work.Go(func() { d.listen(protocol.ChannelPoseDownID, maxControl, kindPose, d.link.sink.posed) })
	return nil
}

// listen delivers what a channel carries until it ends. Its memory grows with
// what comes.
func (d *leanData) listen(channel uint16, limit int, k kind, deliver func(at time.Time, b []byte)) {
	buf := make([]byte, 1200)
	for {
		n, _, err := d.streams[channel].ReadSCTP(buf)
		if errors.Is(err, io.ErrShortBuffer) && n > len(buf) && n <= limit {
			buf = make([]byte, n)
			continue
		}
		if err != nil {
			return
		}
		d.link.meters.down.add(k, n)
		deliver(d.arrival(), buf[:n])
		if len(buf) > 4*1200 {
			buf = make([]byte, 1200) // a list of all who are there comes once
		}
	}
}

func (d *leanData) control(text []byte) error {
	s := d.streams[protocol.ChannelControlID]
	if s == nil {
		return errEnded
	}
	if _, err := s.WriteSCTP(text, sctp.PayloadTypeWebRTCString); err != nil {
		return fmt.Errorf("loadtest: control: %w", err)
	}
	return nil
}

func (d *leanData) pose(datagram []byte) bool {
	s := d.streams[protocol.ChannelPoseUpID]
	if s == nil || s.BufferedAmount() >= maxBuffered {
		return false
	}
	_, err := s.WriteSCTP(datagram, sctp.PayloadTypeWebRTCBinary)
	return err == nil
}

// close ends SCTP and DTLS without waiting for the server.
func (d *leanData) close() error {
	d.once.Do(func() {
		if r := d.records.Load(); r != nil {
			r.farewell()
			_ = r.Close()
		}
		if d.sctp != nil {
			_ = d.sctp.Close()
		}
	})
	return nil
}

// dtlsSocket is what DTLS reads and writes while it shakes hands.
type dtlsSocket struct {
	d     *leanData
	early *packetio.Buffer
}

var _ net.PacketConn = dtlsSocket{}

func (s dtlsSocket) ReadFrom(b []byte) (int, net.Addr, error) {
	n, err := s.early.Read(b)
	return n, farEnd{}, err
}

// WriteTo sends; what cannot be sent is lost, as on the way.
func (s dtlsSocket) WriteTo(b []byte, _ net.Addr) (int, error) {
	if !s.d.quiet.Load() {
		_ = s.d.link.write(b)
	}
	return len(b), nil
}

func (s dtlsSocket) Close() error                       { return s.early.Close() }
func (s dtlsSocket) LocalAddr() net.Addr                { return farEnd{} }
func (s dtlsSocket) SetDeadline(t time.Time) error      { return s.early.SetReadDeadline(t) }
func (s dtlsSocket) SetReadDeadline(t time.Time) error  { return s.early.SetReadDeadline(t) }
func (s dtlsSocket) SetWriteDeadline(t time.Time) error { return nil }

// farEnd is the server, wherever ICE says it is.
type farEnd struct{}

func (farEnd) Network() string { return "ice" }
func (farEnd) String() string  { return "server" }
