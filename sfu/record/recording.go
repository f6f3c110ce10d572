package record

import (
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"earshot"
	"earshot/sfu/record/format"
)

const (
	tickEvery     = 100 * time.Millisecond // how often queues are emptied
	manifestEvery = 2 * time.Second
	roomEvery     = time.Second // how often the disk is asked how full it is
	maxFailures   = 1000
)

// Why a recording ended.
const (
	ReasonStopped  = "stopped"      // somebody wanted it
	ReasonShutdown = "shutdown"     // the server ended
	ReasonBytes    = "max_bytes"    // the limit
	ReasonDuration = "max_duration" // the limit
)

// Start says what to record, and for whom.
type Start struct {
	Instance earshot.InstanceID
	World    string
	By       string // who wants it, for the manifest and the audit log
	Only     format.Selection
}

// Recording is one that goes on.
type Recording struct {
	lib   *Library
	id    string
	dir   string
	began time.Time
	poses poses

	stop     chan struct{}
	stopOnce sync.Once
	done     chan struct{}

	// mu guards what follows.
	mu     sync.Mutex
	m      format.Manifest
	people map[earshot.ParticipantID]int // place in the manifest
	tracks map[trackKey]*Track
	list   []*Track // as tracks, in order; replaced when it grows
	hushed map[trackKey]bool
	reason string
	closed int64 // bytes of files that are finished

	// The recording's goroutine alone uses these.
	room       bool // whether anything may be written
	written    time.Time
	flushed    time.Time
	looked     time.Time
	synced     time.Time
	syncing    sync.WaitGroup
	syncActive chan struct{} // holds a token while files are forced to the disk
	log        *trackFile
	pending    []byte // of the log, which could not be written yet

	posesFailing *failing // nil while all is well
}

type trackKey struct {
	participant earshot.ParticipantID
	source      string
}

// ID returns the recording's id, which is the name of its folder.
func (r *Recording) ID() string { return r.id }

// Instance returns what is recorded.
func (r *Recording) Instance() earshot.InstanceID { return r.m.Instance }

// Began returns when it began.
func (r *Recording) Began() time.Time { return r.began }

// Only returns what of the instance is recorded.
func (r *Recording) Only() format.Selection { return r.m.Only }

// Wants reports whether a source of a participant is to be recorded; with
// source "" whether anything of them is.
func (r *Recording) Wants(who earshot.ParticipantID, source string) bool {
	o := &r.m.Only
	return (len(o.Participants) == 0 || slices.Contains(o.Participants, who)) &&
		(source == "" || len(o.Sources) == 0 || slices.Contains(o.Sources, source))
}

// Join notes that a participant is there.
func (r *Recording) Join(who earshot.ParticipantID, name, kind string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.person(who)
	p.Name, p.Kind = name, kind
	if n := len(p.Present); n > 0 && p.Present[n-1].To == 0 || n >= maxSpans {
		return
	}
	p.Present = append(p.Present, format.Span{From: r.ms()})
}

// person returns the entry of a participant, made if there is none. mu is held.
func (r *Recording) person(who earshot.ParticipantID) *format.Participant {
	i, ok := r.people[who]
	if !ok {
		i = len(r.m.Participants)
		r.people[who] = i
		r.m.Participants = append(r.m.Participants, &format.Participant{ID: who, Present: []format.Span{}})
		r.poses.meet(who, i)
	}
	return r.m.Participants[i]
}

// Leave notes that a participant is gone, with all their tracks.
func (r *Recording) Leave(who earshot.ParticipantID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i, ok := r.people[who]; ok {
		endSpan(r.m.Participants[i].Present, r.ms())
	}
	for key, t := range r.tracks {
		if key.participant == who {
			t.cut()
			t.wantKey.Store(nil)
		}
	}
}

// Track returns where the packets of a source go: a new track, or the one
// there was before its owner left. wantKey, which may be nil, is called when a
// video needs a key frame, at most once a second, from the recording's
// goroutine.
func (r *Recording) Track(who earshot.ParticipantID, source string, wantKey func()) *Track {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := trackKey{who, source}
	t := r.tracks[key]
	if t == nil {
		size := r.lib.cfg.VideoQueue
		if source == "microphone" {
			size = r.lib.cfg.AudioQueue
		}
		t = &Track{rec: r, participant: who, source: source, queue: queue{ring: make([]byte, size)}}
		r.tracks[key] = t
		r.list = append(slices.Clip(r.list), t)
		if r.hushed[key] {
			t.muted = []format.Span{{From: r.ms()}}
		}
	}
	t.cut()
	t.wantKey.Store(nil)
	if wantKey != nil {
		t.wantKey.Store(&wantKey)
	}
	return t
}

// SetMuted notes that nothing of a source may be recorded, or may again. That
// nothing comes is for the caller to see to.
func (r *Recording) SetMuted(who earshot.ParticipantID, source string, muted bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := trackKey{who, source}
	if r.hushed[key] == muted {
		return
	}
	r.hushed[key] = muted
	t := r.tracks[key]
	if t == nil {
		return
	}
	t.cut()
	if !muted {
		endSpan(t.muted, r.ms())
	} else if len(t.muted) < maxSpans {
		t.muted = append(t.muted, format.Span{From: r.ms()})
	}
}

// endSpan ends the last span, if it goes on.
func endSpan(list []format.Span, ms int64) {
	if n := len(list); n > 0 && list[n-1].To == 0 {
		list[n-1].To = max(ms, list[n-1].From+1)
	}
}

// Pose notes where a participant is, as a vr3 snapshot, if that changed. It
// copies and does not block.
func (r *Recording) Pose(who earshot.ParticipantID, snapshot []byte) {
	r.poses.moved(who, snapshot, r.since())
}

// Level notes how loud a participant's voice is, in dBov (-127 to 0), if that
// changed much. It does not block.
func (r *Recording) Level(who earshot.ParticipantID, dBov float32, talking bool) {
	r.poses.level(who, dBov, talking, r.since())
}

func (r *Recording) since() int64 { return r.lib.deps.Now().Sub(r.began).Milliseconds() }

// Stop begins to end the recording and does not wait; Done says when it has.
// The first reason counts.
func (r *Recording) Stop(reason string) {
	r.stopOnce.Do(func() {
		r.mu.Lock()
		r.reason = reason
		r.mu.Unlock()
		close(r.stop)
	})
}

// Done is closed when the recording is complete on the disk.
func (r *Recording) Done() <-chan struct{} { return r.done }

// Manifest returns the manifest as it is now.
func (r *Recording) Manifest() *format.Manifest {
	r.mu.Lock()
	b, err := r.m.Encode()
	r.mu.Unlock()
	if err != nil {
		return nil
	}
	m, err := format.ParseManifest(b)
	if err != nil {
		return nil
	}
	return m
}

// now is how long the recording has gone on.
func (r *Recording) now() time.Duration { return r.lib.deps.Now().Sub(r.began) }

func (r *Recording) ms() int64 { return r.now().Milliseconds() }

// run writes until the recording is stopped.
func (r *Recording) run() {
	defer close(r.done)
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			r.tick()
		case <-r.stop:
			r.finish()
			return
		}
	}
}

// tick empties the queues, and sees to everything that is due.
func (r *Recording) tick() {
	clock := r.lib.deps.Now()
	now := clock.Sub(r.began)
	if clock.Sub(r.looked) >= roomEvery {
		r.looked = clock
		r.look()
	}
	tracks := r.all()
	for _, t := range tracks {
		t.drain(now, false)
	}
	r.writePoses(now)
	if clock.Sub(r.flushed) >= flushLate {
		r.flushed = clock
		for _, t := range tracks {
			t.flush(now)
		}
	}
	if clock.Sub(r.written) >= manifestEvery {
		r.written = clock
		if bytes := r.publish(now); bytes >= r.lib.cfg.MaxBytes {
			r.Stop(ReasonBytes)
		}
		r.writeManifest()
	}
	if every := r.lib.cfg.Sync; every > 0 && clock.Sub(r.synced) >= every {
		r.synced = clock
		r.force(tracks)
	}
	if now >= r.lib.cfg.MaxDuration {
		r.Stop(ReasonDuration)
	}
}

func (r *Recording) all() []*Track {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.list
}

// look sees how full the disk is.
func (r *Recording) look() {
	free, err := freeBytes(r.dir)
	r.room = err != nil || free >= max(r.lib.cfg.MinFree, leastFree)
}

// finish writes the rest and closes everything.
func (r *Recording) finish() {
	now := r.now()
	for _, t := range r.all() {
		t.drain(now, true)
	}
	r.writePoses(now)
	r.syncing.Wait()
	for _, t := range r.all() {
		t.close()
	}
	r.publish(now)
	if r.log != nil {
		r.closeFile(r.log)
	}
	r.mu.Lock()
	r.m.State, r.m.Reason, r.m.Ended = format.StateComplete, r.reason, r.lib.deps.Now().UTC().Truncate(time.Millisecond)
	for _, p := range r.m.Participants {
		endSpan(p.Present, now.Milliseconds())
	}
	for _, t := range r.m.Tracks {
		endSpan(t.Muted, now.Milliseconds())
	}
	r.mu.Unlock()
	r.writeManifest()
	_ = r.removeFile(reserveName)
	r.lib.ended(r)
}

// publish brings the manifest up to date and returns how large the recording
// is.
func (r *Recording) publish(now time.Duration) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.m.DurationMS = now.Milliseconds()
	r.m.Bytes = r.closed + r.m.Poses.Bytes
	for _, t := range r.list {
		r.m.Bytes += t.publish()
	}
	return r.m.Bytes
}

// announce puts a new file into the manifest.
func (r *Recording) announce(t *Track, info *format.Track) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.m.Tracks = append(r.m.Tracks, info)
	info.Muted = append(info.Muted, t.muted...)
	r.written = time.Time{} // soon
}

// failed notes that something cannot be written, and returns its place.
func (r *Recording) failed(file string, err error, now time.Duration) int {
	r.lib.metrics.errors.WithLabelValues(what(err)).Inc()
	r.lib.deps.Log.Warn("recording: cannot write; what comes is dropped until it works again",
		"recording", r.id, "file", file, "error", err)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.m.Failures) >= maxFailures {
		return -1
	}
	r.m.Failures = append(r.m.Failures, format.Failure{
		AtMS: now.Milliseconds(), File: file, What: what(err), Message: plain(err),
	})
	return len(r.m.Failures) - 1
}

func (r *Recording) missed(failure int, lost uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if failure >= 0 {
		r.m.Failures[failure].Lost = lost
	}
}

func (r *Recording) recovered(failure int, now time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if failure >= 0 {
		r.m.Failures[failure].UntilMS = now.Milliseconds()
	}
}

// force has the system write everything to the disk itself, in a goroutine of
// its own: that may take long. One that still runs is enough.
func (r *Recording) force(tracks []*Track) {
	var dirty []*os.File
	for _, t := range tracks {
		if t.file != nil && t.file.dirty {
			dirty = append(dirty, t.file.f)
			t.file.dirty = false
		}
	}
	if len(dirty) == 0 {
		return
	}
	select {
	case r.syncActive <- struct{}{}:
	default:
		for _, t := range tracks {
			if t.file != nil {
				t.file.dirty = true
			}
		}
		return
	}
	r.syncing.Go(func() {
		for _, f := range dirty {
			_ = f.Sync() // closed meanwhile: closeFile has synced it
		}
		<-r.syncActive
	})
}

// closeFile ends a file for good.
func (r *Recording) closeFile(f *trackFile) {
	if r.lib.cfg.Sync > 0 {
		_ = f.f.Sync()
	}
	if err := f.f.Close(); err != nil {
		r.lib.deps.Log.Warn("recording: closing", "recording", r.id, "error", err)
	}
}

func (r *Recording) removeFile(name string) error { return os.Remove(filepath.Join(r.dir, name)) }
