package record

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"earshot"
	"earshot/sfu/record/format"
)

const (
	// reserveName is a file that keeps room for the manifest: where the disk is
	// full, it is given up.
	reserveName = ".reserve"
	reserveSize = 256 << 10
	// leastFree is what tracks leave free in any case: twice that, so that they
	// do not take what was given up for the manifest.
	leastFree = 2 * reserveSize
)

// writeManifest writes the manifest beside the old one and puts it in its
// place, so that there is always a whole one.
func (r *Recording) writeManifest() {
	r.mu.Lock()
	b, err := r.m.Encode()
	r.mu.Unlock()
	if err == nil {
		err = replaceFile(r.dir, format.ManifestName, b, r.lib.cfg.Sync > 0)
	}
	if err != nil && what(err) == format.FailDiskFull && r.removeFile(reserveName) == nil {
		err = replaceFile(r.dir, format.ManifestName, b, r.lib.cfg.Sync > 0)
	}
	if err != nil {
		r.lib.metrics.errors.WithLabelValues(what(err)).Inc()
		r.lib.deps.Log.Warn("recording: cannot write the manifest; tried again every 2 s", "recording", r.id, "error", err)
	}
}

// replaceFile puts a new file in the place of another, whole or not at all.
func replaceFile(dir, name string, b []byte, sync bool) error {
	next := filepath.Join(dir, nextName(name))
	f, err := os.OpenFile(next, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, filePerm)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil && sync {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(next)
		return err
	}
	return os.Rename(next, filepath.Join(dir, name))
}

// nextName is what a file is called that will take the place of another.
func nextName(name string) string { return "." + name + ".next" }

// readManifest reads the manifest in a folder.
func readManifest(dir string) (*format.Manifest, error) {
	f, err := os.Open(filepath.Join(dir, format.ManifestName))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > format.MaxManifest {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "manifest: it has %d bytes, at most %d are read", info.Size(), format.MaxManifest)
	}
	b := make([]byte, info.Size())
	if _, err := f.ReadAt(b, 0); err != nil && len(b) > 0 {
		return nil, err
	}
	return format.ParseManifest(b)
}

// recoverRecording makes a recording that its process did not end into one
// that is over: the files are as long as they are found to be.
func recoverRecording(dir string) (*format.Manifest, error) {
	m, err := readManifest(dir)
	if err != nil || m.State != format.StateRecording {
		return m, err
	}
	var last int64
	m.Bytes = 0
	for _, t := range m.Tracks {
		path := filepath.Join(dir, t.File)
		if ms, err := finishFile(path, format.CodecOf(t.Codec)); err == nil {
			t.DurationMS = ms
		}
		if info, err := os.Stat(path); err == nil {
			t.Bytes = info.Size()
		}
		m.Bytes += t.Bytes
		last = max(last, t.OffsetMS+t.DurationMS)
	}
	if m.Poses.File != "" {
		if info, err := os.Stat(filepath.Join(dir, m.Poses.File)); err == nil {
			m.Poses.Bytes = info.Size()
			m.Bytes += info.Size()
		}
	}
	m.State, m.DurationMS = format.StateInterrupted, max(last, m.DurationMS)
	m.Reason = "the process ended"
	m.Ended = m.Started.Add(time.Duration(m.DurationMS) * time.Millisecond)
	for _, p := range m.Participants {
		endSpan(p.Present, m.DurationMS)
	}
	for _, t := range m.Tracks {
		endSpan(t.Muted, m.DurationMS)
	}
	b, err := m.Encode()
	if err != nil {
		return nil, err
	}
	for _, left := range []string{reserveName, nextName(format.ManifestName)} {
		_ = os.Remove(filepath.Join(dir, left))
	}
	return m, replaceFile(dir, format.ManifestName, b, true)
}

// finishFile brings a file to its end and returns how long it plays, in
// milliseconds.
func finishFile(path string, codec format.Codec) (int64, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if codec == format.Opus {
		r, err := format.NewOpusReader(f)
		for err == nil {
			_, _, err = r.Next()
		}
		if r == nil {
			return 0, err
		}
		return r.Length() * 1000 / format.OpusRate, nil
	}
	return format.FinishVideo(f)
}

// plain is what an error says, without the path: whoever downloads a
// recording need not know where it lies.
func plain(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}
