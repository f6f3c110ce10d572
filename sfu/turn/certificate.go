package turn

import (
	"crypto/tls"
	"os"
	"sync"
	"time"
)

// recheck is how often a certificate is looked at again.
const recheck = time.Minute

// certificate is read from two files, again when they change: certificates last
// for weeks, servers for longer.
type certificate struct {
	files [2]string // certificate, key

	// mu guards what follows.
	mu      sync.Mutex
	loaded  *tls.Certificate
	changed [2]time.Time
	checked time.Time
}

// newCertificate reads a certificate. Errors are *earshot.Error.
func newCertificate(certFile, keyFile string) (*certificate, error) {
	c := &certificate{files: [2]string{certFile, keyFile}}
	if err := c.load(); err != nil {
		return nil, invalid("cert_file, key_file: %v", err)
	}
	c.checked = time.Now()
	return c, nil
}

func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.get(time.Now()), nil },
	}
}

// get returns the certificate in force. New files that cannot be read, or do not
// belong together yet, leave the old one in force.
func (c *certificate) get(now time.Time) *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Sub(c.checked) >= recheck {
		c.checked = now
		_ = c.load()
	}
	return c.loaded
}

// load reads the files if they changed. mu is held, or c is not shared yet.
func (c *certificate) load() error {
	var changed [2]time.Time
	for i, name := range c.files {
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		changed[i] = info.ModTime()
	}
	if c.loaded != nil && changed == c.changed {
		return nil
	}
	loaded, err := tls.LoadX509KeyPair(c.files[0], c.files[1])
	if err != nil {
		return err
	}
	c.loaded, c.changed = &loaded, changed
	return nil
}
