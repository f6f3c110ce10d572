package record

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"earshot"
)

// auditName is the file beside the recordings that says who did what.
const auditName = "audit.jsonl"

// Audit is a line of the audit log: somebody started, stopped, read or deleted
// a recording.
type Audit struct {
	At        time.Time `json:"at"`
	By        string    `json:"by"`
	What      string    `json:"what"` // start, stop, read, delete
	Recording string    `json:"recording"`
	File      string    `json:"file,omitempty"`
}

// audit appends to the log, and keeps the folder for this process by it.
type audit struct {
	mu *sync.Mutex
	f  *os.File
}

func openAudit(path string) (audit, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, filePerm)
	if err != nil {
		return audit{}, err
	}
	if err := lockFile(f); err != nil {
		f.Close()
		return audit{}, fmt.Errorf("another process records into this folder (%w); give each its own", err)
	}
	return audit{mu: &sync.Mutex{}, f: f}, nil
}

// write adds a line, on the disk when it returns. What cannot be written down
// is not to be done.
func (a audit) write(line Audit) error {
	b, err := json.Marshal(line)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, err = a.f.Write(append(b, '\n')); err == nil {
		err = a.f.Sync()
	}
	if err != nil {
		return earshot.Errorf(earshot.CodeUnavailable, "it was not done, because the audit log of recordings cannot be written: %s", plain(err))
	}
	return nil
}

func (a audit) close() { _ = a.f.Close() }
