// Package lockfile keeps a folder to one process, and makes new entries of
// folders durable. The journal and the evidence of moderation use it; all of it
// may be called at any time.
package lockfile

import "errors"

// ErrTaken says that another process has the file.
var ErrTaken = errors.New("in use by another process: stop that one, or give this one another folder")
