package record

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"earshot"
	"earshot/sfu/record/format"
)

const (
	retentionEvery = time.Hour
	maxListed      = 10_000
)

// Library is the folder of all recordings, and those that go on.
type Library struct {
	cfg     Config
	deps    Deps
	metrics *metrics
	audit   audit

	// mu guards what follows.
	mu     sync.Mutex
	active map[earshot.InstanceID]*Recording
	closed bool
}

// New opens the folder of cfg, which it makes if there is none. Recordings
// that a crash left are brought to an end. The error is that of
// Config.Validate, or says why the folder cannot be used.
func New(cfg Config, deps Deps) (*Library, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(cfg.Dir, dirPerm); err != nil {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "dir: %v", err)
	}
	m, err := newMetrics(deps.Metrics)
	if err != nil {
		return nil, fmt.Errorf("record: metrics: %w", err)
	}
	l := &Library{cfg: cfg, deps: deps, metrics: m, active: make(map[earshot.InstanceID]*Recording)}
	if l.audit, err = openAudit(filepath.Join(cfg.Dir, auditName)); err != nil {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "dir: %s", plain(err))
	}
	for _, id := range l.folders() {
		if m, err := recoverRecording(filepath.Join(cfg.Dir, id)); err != nil {
			deps.Log.Warn("recording: left as it is", "recording", id, "error", err)
		} else if m.State == format.StateInterrupted {
			deps.Log.Info("recording: its process ended; what there is can be played", "recording", id)
		}
	}
	return l, nil
}

// Start begins to record an instance. The *earshot.Error is already_exists
// where it is recorded, resource_exhausted where too many are or the disk is
// full, failed_precondition where the folder cannot be written.
func (l *Library) Start(s Start) (*Recording, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return nil, earshot.Errorf(earshot.CodeUnavailable, "the server is shutting down")
	case l.active[s.Instance] != nil:
		return nil, earshot.Errorf(earshot.CodeAlreadyExists, "%s is being recorded already, as %s; stop that first", s.Instance, l.active[s.Instance].id)
	case len(l.active) >= l.cfg.MaxActive:
		return nil, earshot.Errorf(earshot.CodeResourceExhausted, "%d recordings go on, as many as recording.max_active allows", len(l.active))
	}
	if free, err := freeBytes(l.cfg.Dir); err == nil && free < max(l.cfg.MinFree, leastFree)+reserveSize {
		return nil, earshot.Errorf(earshot.CodeResourceExhausted, "the disk has %d MB free, and recording.min_free wants %d left: make room", free>>20, l.cfg.MinFree>>20)
	}
	r, err := l.begin(s)
	if err != nil {
		return nil, earshot.Errorf(earshot.CodeFailedPrecondition, "the folder of recordings cannot be written: %s", plain(err))
	}
	if err := l.audit.write(Audit{At: l.deps.Now(), By: s.By, What: "start", Recording: r.id}); err != nil {
		_ = os.RemoveAll(r.dir)
		return nil, err
	}
	l.active[s.Instance] = r
	l.metrics.active.Set(float64(len(l.active)))
	go r.run()
	return r, nil
}

// begin makes the folder of a recording.
func (l *Library) begin(s Start) (*Recording, error) {
	began := l.deps.Now().UTC()
	r := &Recording{
		lib: l, began: began, room: true,
		stop: make(chan struct{}), done: make(chan struct{}), syncActive: make(chan struct{}, 1),
		people: make(map[earshot.ParticipantID]int), tracks: make(map[trackKey]*Track), hushed: make(map[trackKey]bool),
		poses:  poses{wait: make([]byte, 0, poseQueue), people: make(map[earshot.ParticipantID]*standing)},
		looked: began, flushed: began, synced: began,
	}
	name := fmt.Sprintf("%s-%s", s.Instance, began.Format("20060102T150405Z"))
	for n := 1; ; n++ {
		if r.id = name; n > 1 {
			r.id = fmt.Sprintf("%s-%d", name, n)
		}
		r.dir = filepath.Join(l.cfg.Dir, r.id)
		err := os.Mkdir(r.dir, dirPerm)
		if err == nil {
			break
		}
		if !os.IsExist(err) || n > 100 {
			return nil, err
		}
	}
	r.m = format.Manifest{
		Version: format.Version, ID: r.id, Instance: s.Instance, World: s.World, Started: began.Round(0).Truncate(time.Millisecond),
		StartedBy: s.By, State: format.StateRecording, Only: s.Only,
		Participants: []*format.Participant{}, Tracks: []*format.Track{}, Failures: []format.Failure{},
		Poses: format.Poses{File: format.PosesName, Format: format.PosesFormat},
	}
	b, err := r.m.Encode()
	if err == nil {
		err = replaceFile(r.dir, format.ManifestName, b, l.cfg.Sync > 0)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(r.dir, reserveName), make([]byte, reserveSize), filePerm)
	}
	if err != nil {
		_ = os.RemoveAll(r.dir)
	}
	return r, err
}

// Stop ends the recording of an instance and returns when it is complete.
func (l *Library) Stop(ctx context.Context, instance earshot.InstanceID, by string) (*format.Manifest, error) {
	r := l.Active(instance)
	if r == nil {
		return nil, earshot.Errorf(earshot.CodeNotFound, "%s is not being recorded", instance)
	}
	if err := l.audit.write(Audit{At: l.deps.Now(), By: by, What: "stop", Recording: r.id}); err != nil {
		l.deps.Log.Warn("recording: the audit log cannot be written", "error", err) // to stop matters more
	}
	r.Stop(ReasonStopped)
	select {
	case <-r.Done():
		return readManifest(r.dir)
	case <-ctx.Done():
		return nil, earshot.Errorf(earshot.CodeDeadlineExceeded, "%s was stopped, and is still being written", r.id)
	}
}

// Active returns the recording of an instance; nil where there is none.
func (l *Library) Active(instance earshot.InstanceID) *Recording {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.active[instance]
}

// ended forgets a recording that is complete.
func (l *Library) ended(r *Recording) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.active[r.m.Instance] == r {
		delete(l.active, r.m.Instance)
	}
	l.metrics.active.Set(float64(len(l.active)))
}

// Run deletes recordings that are old, until ctx ends; then it ends those that
// go on and returns when they are complete.
func (l *Library) Run(ctx context.Context) error {
	ticker := time.NewTicker(retentionEvery)
	defer ticker.Stop()
	for {
		l.expire()
		select {
		case <-ticker.C:
		case <-ctx.Done():
			l.close()
			return nil
		}
	}
}

// close ends all recordings.
func (l *Library) close() {
	l.mu.Lock()
	l.closed = true
	var active []*Recording
	for _, r := range l.active {
		active = append(active, r)
	}
	l.mu.Unlock()
	for _, r := range active {
		r.Stop(ReasonShutdown)
	}
	for _, r := range active {
		<-r.Done()
	}
	l.audit.close()
}

// expire deletes what is older than Config.Keep.
func (l *Library) expire() {
	if l.cfg.Keep == 0 {
		return
	}
	now := l.deps.Now()
	for _, m := range l.List() {
		if m.State == format.StateRecording || now.Sub(m.Ended) < l.cfg.Keep {
			continue
		}
		if err := l.Delete(m.ID, "retention"); err != nil {
			l.deps.Log.Warn("recording: cannot delete what is old", "recording", m.ID, "error", err)
			continue
		}
		l.metrics.erased.Inc()
		l.deps.Log.Info("recording: deleted, as it is older than recording.keep", "recording", m.ID)
	}
}

// folders returns the names of what may be recordings.
func (l *Library) folders() (names []string) {
	entries, err := os.ReadDir(l.cfg.Dir)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if e.IsDir() && format.PlainName(e.Name()) && len(names) < maxListed {
			names = append(names, e.Name())
		}
	}
	return names
}

// List returns the manifests of all recordings, the newest first. Folders
// without one that can be read are left out.
func (l *Library) List() []*format.Manifest {
	var list []*format.Manifest
	for _, id := range l.folders() {
		if m, err := readManifest(filepath.Join(l.cfg.Dir, id)); err == nil && m.ID == id {
			list = append(list, m)
		}
	}
	slices.SortFunc(list, func(a, b *format.Manifest) int {
		return cmp.Or(b.Started.Compare(a.Started), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// Get returns the manifest of a recording. The *earshot.Error is not_found.
func (l *Library) Get(id string) (*format.Manifest, error) {
	if !format.PlainName(id) {
		return nil, noRecording(id)
	}
	m, err := readManifest(filepath.Join(l.cfg.Dir, id))
	if err != nil {
		return nil, noRecording(id)
	}
	return m, nil
}

func noRecording(id string) error {
	return earshot.Errorf(earshot.CodeNotFound, "there is no recording %.80q; GET /v1/recordings lists those there are", id)
}

// Open opens a file of a recording for reading: the manifest, the pose log or
// one of a track. That somebody did is written down first.
func (l *Library) Open(id, name, by string) (*os.File, error) {
	m, err := l.Get(id)
	if err != nil {
		return nil, err
	}
	known := name == format.ManifestName || name == m.Poses.File ||
		slices.ContainsFunc(m.Tracks, func(t *format.Track) bool { return t.File == name })
	if !known || !format.PlainName(name) {
		return nil, earshot.Errorf(earshot.CodeNotFound, "recording %s has no file %.80q; its manifest lists those it has", id, name)
	}
	f, err := os.Open(filepath.Join(l.cfg.Dir, id, name))
	if err != nil {
		return nil, earshot.Errorf(earshot.CodeNotFound, "the file %s of recording %s cannot be opened: %s", name, id, plain(err))
	}
	if err := l.audit.write(Audit{At: l.deps.Now(), By: by, What: "read", Recording: id, File: name}); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Delete deletes a recording that is over.
func (l *Library) Delete(id, by string) error {
	m, err := l.Get(id)
	if err != nil {
		return err
	}
	if r := l.Active(m.Instance); r != nil && r.id == id {
		return earshot.Errorf(earshot.CodeFailedPrecondition, "%s goes on; stop it first", id)
	}
	if err := l.audit.write(Audit{At: l.deps.Now(), By: by, What: "delete", Recording: id}); err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(l.cfg.Dir, id)); err != nil {
		return earshot.Errorf(earshot.CodeInternal, "recording %s was not deleted whole: %s", id, plain(err))
	}
	return nil
}
