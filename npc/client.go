package npc

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"earshot"
)

// Limits on what a model server may send, and how long it may take. A server
// is trusted with the prompt, not with our memory.
const (
	maxLineBytes    = 1 << 20  // one event of a stream
	maxAnswerBytes  = 8 << 20  // a whole streamed answer, framing included
	maxReplyBytes   = 4 << 20  // a reply that is not streamed, such as a list of models
	maxSpeechBytes  = 32 << 20 // one utterance as sound: 5 minutes of 48 kHz mono PCM
	maxErrorBytes   = 4 << 10
	maxTokenFile    = 8 << 10
	connectTimeout  = 3 * time.Second
	inventoryBudget = 5 * time.Second
)

// client speaks HTTP to one model server: its address, credential and limits.
type client struct {
	id    string
	base  *url.URL
	http  *http.Client
	token string
	hang  time.Duration // without a byte
	total time.Duration // for a whole answer
}

func newClient(cfg BackendConfig) (*client, error) {
	base, err := parseURL(cfg.URL)
	if err != nil {
		return nil, err
	}
	tlsConfig, err := cfg.TLS.load()
	if err != nil {
		return nil, err
	}
	token, err := cfg.token()
	if err != nil {
		return nil, err
	}
	c := &client{id: cfg.ID, base: base, token: token, hang: cfg.Hang, total: cfg.Total}
	c.http = &http.Client{
		// HTTP/1.1 on purpose: to close the connection of an answer is what
		// every server notices at once and frees its slot for.
		Transport: &http.Transport{
			DialContext:            (&net.Dialer{Timeout: connectTimeout, KeepAlive: 15 * time.Second}).DialContext,
			TLSClientConfig:        tlsConfig,
			TLSHandshakeTimeout:    connectTimeout,
			MaxIdleConnsPerHost:    max(cfg.Slots, 4),
			MaxConnsPerHost:        0, // bounded by the router, which counts in flight
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
			DisableCompression:     true,
			TLSNextProto:           map[string]func(string, *tls.Conn) http.RoundTripper{},
		},
		CheckRedirect: sameHost,
	}
	return c, nil
}

// sameHost refuses to carry prompts and credentials to another host.
func sameHost(next *http.Request, via []*http.Request) error {
	first := via[0].URL
	if next.URL.Host != first.Host || next.URL.Scheme != first.Scheme {
		return errors.New("redirected to another host")
	}
	if len(via) > 3 {
		return errors.New("redirected too often")
	}
	return nil
}

// send posts body (nil for a GET) and returns a reply with status 2xx.
func (c *client) send(ctx context.Context, path, contentType string, body []byte) (*http.Response, error) {
	method, reader := http.MethodGet, io.Reader(http.NoBody)
	if body != nil {
		method, reader = http.MethodPost, bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base.JoinPath(path).String(), reader)
	if err != nil {
		return nil, c.failure(FailedRequest, "%v", err)
	}
	if body != nil {
		req.Header.Set("Content-Type", contentType)
	}
	req.Header.Set("User-Agent", "earshot")
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.broken(context.Cause(ctx), err, kindOfTransport(err))
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBytes))
	return nil, c.failure(kindOfStatus(resp.StatusCode), "%s: %s", resp.Status, bytes.TrimSpace(text))
}

// kindOfTransport tells a connection that never was, or ended before the reply
// began, from a reply that is not HTTP.
func kindOfTransport(err error) FailureKind {
	var op *net.OpError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return FailedCut
	case errors.As(err, &op), strings.Contains(err.Error(), "tls:"), strings.Contains(err.Error(), "x509:"):
		return FailedConnect
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return FailedConnect
	}
	return FailedGarbage
}

// call exchanges JSON that is not streamed, within budget. in nil means GET;
// out nil ignores the reply.
func (c *client) call(ctx context.Context, budget time.Duration, path string, in, out any) error {
	ctx, cancel := context.WithTimeoutCause(ctx, budget, errOver)
	defer cancel()
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return c.failure(FailedRequest, "%v", err)
		}
	}
	resp, err := c.send(ctx, path, "application/json", body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	data, err := c.readAll(ctx, resp.Body, maxReplyBytes)
	if err != nil {
		return err
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return c.failure(FailedGarbage, "%v", err)
	}
	return nil
}

func (c *client) readAll(ctx context.Context, r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, c.broken(context.Cause(ctx), err, FailedCut)
	}
	if int64(len(data)) > limit {
		return nil, c.failure(FailedGarbage, "a reply of more than %d bytes", limit)
	}
	return data, nil
}

// close drops the idle connections.
func (c *client) close() { c.http.CloseIdleConnections() }

// watchdog cancels a request whose server hangs or never ends. It watches only
// while somebody waits for the server: how slowly an answer is read is not the
// server's fault, so only its total bounds it then.
type watchdog struct {
	cancel context.CancelCauseFunc
	total  *time.Timer
	hang   time.Duration
	idle   *time.Timer
	once   sync.Once
}

func (c *client) watch(ctx context.Context) (context.Context, *watchdog) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watchdog{cancel: cancel, hang: c.hang}
	w.total = time.AfterFunc(c.total, func() { cancel(errOver) })
	w.idle = time.AfterFunc(c.hang, func() { cancel(errHung) })
	return ctx, w
}

func (w *watchdog) wait()  { w.idle.Reset(w.hang) }
func (w *watchdog) relax() { w.idle.Stop() }

// stop ends the watch and the request.
func (w *watchdog) stop() {
	w.once.Do(func() {
		w.total.Stop()
		w.cancel(context.Canceled)
		w.idle.Stop()
	})
}

func parseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, invalid("url: %q is not a URL", raw)
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, invalid("url: %q is not http:// or https://", raw)
	case u.Host == "":
		return nil, invalid("url: %q names no host", raw)
	case u.User != nil:
		return nil, invalid("url: a credential in the address would be logged; use token_file or token_env")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, invalid("url: %q has a query or fragment; it must be the base of the API", raw)
	}
	return u, nil
}

// TLSConfig says how an https backend is verified. Zero uses the system's
// authorities.
type TLSConfig struct {
	// CAFile holds the PEM certificates trusted instead of the system's.
	CAFile string `yaml:"ca_file" json:"-"`
	// CertFile and KeyFile are shown to a server that asks who we are.
	CertFile string `yaml:"cert_file" json:"-"`
	KeyFile  string `yaml:"key_file" json:"-"`
	// ServerName is the name to verify where it is not the URL's.
	ServerName string `yaml:"server_name" json:"-"`
}

func (t TLSConfig) load() (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, invalid("tls.ca_file: %v", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, invalid("tls.ca_file: %s holds no PEM certificate", t.CAFile)
		}
	}
	if t.CertFile != "" || t.KeyFile != "" {
		pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, invalid("tls.cert_file, tls.key_file: %v", err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg, nil
}

func invalid(format string, args ...any) *earshot.Error {
	return earshot.Errorf(earshot.CodeInvalidArgument, format, args...)
}
