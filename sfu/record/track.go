package record

import (
	"fmt"
	"hash/fnv"
	"path/filepath"
	"sync/atomic"
	"time"

	"earshot"
	"earshot/sfu/record/format"
)

const (
	gapLeast  = 1000        // ms without anything that are written down as a gap
	maxSpans  = 5000        // gaps, and mutes, of a track
	flushLate = time.Second // how much a crash of the process may cost
	retry     = time.Second // after an error of the disk
	keyEvery  = time.Second // how often a key frame is asked for
	maxFiles  = 100         // of a track: one for each change of codec
)

// Track is one source of a participant in a recording, such as their
// microphone. It outlives the publication: who leaves and comes back goes on in
// the same file.
type Track struct {
	rec         *Recording
	participant earshot.ParticipantID
	source      string
	queue       queue
	epoch       atomic.Uint32
	wantKey     atomic.Pointer[func()]
	muted       []format.Span // the recording's mutex guards it

	// What follows is the recording's goroutine's.

	order    reorder
	line     timeline
	video    *assembler // nil for a voice
	codec    format.Codec
	layer    uint8
	current  uint32 // epoch
	file     *trackFile
	sink     sink
	info     *format.Track // in the manifest, whose mutex guards it; nil before the first file
	end      int64         // of the newest thing written, in units
	lost     bool          // since then something was
	frames   uint64
	missing  uint64
	failed   uint64
	failing  *failing // nil while all is well
	askedKey time.Duration
	files    int
}

// failing is an error of the disk that goes on.
type failing struct {
	failure int // index in the manifest
	from    time.Duration
	again   time.Duration // when to try
	lost    uint64
}

// Put takes a packet of the track. It copies, does not block and does not
// allocate; it reports false where the packet was dropped because too much
// waits for the disk, which is counted.
func (t *Track) Put(p Packet) bool {
	p.since, p.epoch = p.At.Sub(t.rec.began), t.epoch.Load()
	if t.queue.put(&p) {
		return true
	}
	t.rec.lib.metrics.dropped.Inc()
	return false
}

// cut begins a new stream: what was not sent in between is not lost.
func (t *Track) cut() { t.epoch.Add(1) }

// drain takes what is in the queue, and writes what is due. With flush nothing
// is waited for.
func (t *Track) drain(now time.Duration, flush bool) {
	for {
		p, ok := t.queue.pop()
		if !ok {
			break
		}
		if p.Codec != t.codec || p.epoch != t.current || p.Layer != t.layer {
			t.release(now, true)
			t.turn(&p)
		}
		t.order.put(p)
	}
	t.release(now, flush)
}

// turn begins another stream: of another publication, after a mute, of another
// layer, in another codec.
func (t *Track) turn(p *Packet) {
	if p.Codec != t.codec {
		t.close()
		t.codec, t.video = p.Codec, nil
		t.order.hold = holdVoice
		t.line.rate = p.Codec.Rate()
		if p.Codec != format.Opus {
			t.video, t.order.hold = newAssembler(p.Codec), holdVideo
		}
	}
	if t.video != nil {
		t.video.lose()
	}
	t.current, t.layer = p.epoch, p.Layer
	t.order.reset()
	t.line.reset()
}

func (t *Track) release(now time.Duration, flush bool) {
	for {
		p, lost, ok := t.order.pop(now, flush)
		if !ok {
			return
		}
		if lost > 0 {
			t.missing += uint64(lost)
			t.lost = true
			t.rec.lib.metrics.lost.Add(float64(lost))
		}
		if t.video == nil {
			if format.OpusSamples(p.Payload) > 0 {
				t.store(t.line.place(p.Timestamp, p.since), false, p.Payload, now)
			}
			continue
		}
		if lost > 0 {
			t.video.lose()
		}
		if picture, ok := t.video.push(&p); ok {
			t.store(t.line.place(picture.timestamp, picture.since), picture.key, picture.data, now)
		}
		t.askKey(now)
	}
}

// askKey asks for a key frame where nothing can be written without.
func (t *Track) askKey(now time.Duration) {
	want := t.wantKey.Load()
	if want == nil || !t.video.waits || t.askedKey > 0 && now-t.askedKey < keyEvery {
		return
	}
	t.askedKey = now
	(*want)()
}

// store writes a packet of voice or a picture that begins at pos.
func (t *Track) store(pos int64, key bool, data []byte, now time.Duration) {
	if f := t.failing; f != nil && now < f.again {
		t.miss(f)
		return
	}
	if t.sink == nil {
		if err := t.open(pos, data); err != nil {
			t.fail(err, now)
			t.miss(t.failing)
			return
		}
	}
	t.noteGap(pos)
	if t.video != nil && key {
		t.resize(data)
	}
	end, err := t.sink.write(pos, key, data)
	if err != nil {
		t.fail(err, now)
		t.miss(t.failing)
		return
	}
	t.recover(now)
	t.frames++
	t.end, t.lost = end, false
	t.rec.lib.metrics.written.Inc()
}

// noteGap writes down that there was nothing for a while.
func (t *Track) noteGap(pos int64) {
	from, to := t.ms(t.end), t.ms(pos)
	if t.frames == 0 || to-from < gapLeast {
		return
	}
	why := format.GapPause
	switch {
	case t.failing != nil:
		why = format.GapFailed
	case t.lost && t.video != nil:
		why = format.GapLost
	}
	t.rec.mu.Lock()
	defer t.rec.mu.Unlock()
	if len(t.info.Gaps) >= maxSpans {
		t.info.LeftOut++
		return
	}
	t.info.Gaps = append(t.info.Gaps, format.Span{From: from, To: to, Why: why})
}

func (t *Track) ms(units int64) int64 { return units * 1000 / t.codec.Rate() }

// open begins a file with what is to be written first.
func (t *Track) open(pos int64, data []byte) error {
	if t.files >= maxFiles {
		return fmt.Errorf("the codec of %s changed %d times", t.source, maxFiles)
	}
	info := &format.Track{
		ID: fmt.Sprintf("%s-%s", t.participant, t.source), Participant: t.participant, Source: t.source,
		Codec: t.codec.String(), OffsetMS: t.ms(pos), Gaps: []format.Span{}, Muted: []format.Span{},
	}
	if t.files > 0 {
		info.ID += fmt.Sprintf("-%d", t.files+1)
	}
	info.File = info.ID + t.codec.Extension()
	f, err := createFile(filepath.Join(t.rec.dir, info.File), func() bool { return t.rec.room })
	if err != nil {
		return err
	}
	s, err := t.newSink(f, pos, data, info)
	if err != nil {
		_ = f.f.Close()
		_ = t.rec.removeFile(info.File)
		return err
	}
	t.files++
	t.file, t.sink, t.info, t.frames, t.end = f, s, info, 0, pos
	t.rec.announce(t, info)
	return nil
}

func (t *Track) newSink(f *trackFile, pos int64, data []byte, info *format.Track) (sink, error) {
	if t.video == nil {
		serial := fnv.New32a()
		_, _ = serial.Write([]byte(info.ID))
		return newVoiceSink(f, pos, data, serial.Sum32(), []string{"TITLE=" + info.ID, "DATE=" + t.rec.began.Format(time.RFC3339)})
	}
	p, ok := format.PictureOf(t.codec, data)
	if !ok {
		return nil, fmt.Errorf("the first picture of %s is no key frame", info.ID)
	}
	info.Width, info.Height = p.Width, p.Height
	began := t.rec.began.Add(time.Duration(info.OffsetMS) * time.Millisecond)
	return newVideoSink(f, pos, p, info.ID, began)
}

// resize notes the size of a key frame where it is the largest: of a camera in
// layers the best comes a moment after a recording asks for it.
func (t *Track) resize(frame []byte) {
	p, ok := format.PictureOf(t.codec, frame)
	if !ok || p.Width*p.Height <= t.info.Width*t.info.Height {
		return
	}
	if v, ok := t.sink.(*videoSink); ok {
		v.v.Resize(p.Width, p.Height)
	}
	t.rec.mu.Lock()
	defer t.rec.mu.Unlock()
	t.info.Width, t.info.Height = p.Width, p.Height
}

// fail notes that the disk takes nothing.
func (t *Track) fail(err error, now time.Duration) {
	f := t.failing
	if f == nil {
		f = &failing{from: now}
		t.failing = f
		name := t.source
		if t.info != nil {
			name = t.info.File
		}
		f.failure = t.rec.failed(name, err, now)
	}
	f.again = now + retry
}

// miss counts what could not be written.
func (t *Track) miss(f *failing) {
	f.lost++
	t.failed++
	t.rec.lib.metrics.failed.Inc()
	t.rec.missed(f.failure, f.lost)
	if t.video != nil {
		t.video.lose()
	}
}

// recover notes that the disk takes something again.
func (t *Track) recover(now time.Duration) {
	if t.failing != nil {
		t.rec.recovered(t.failing.failure, now)
		t.failing = nil
	}
}

// flush writes what waits for a page or cluster to be full.
func (t *Track) flush(now time.Duration) {
	if t.sink == nil || t.failing != nil && now < t.failing.again {
		return
	}
	if err := t.sink.flush(); err != nil {
		t.fail(err, now)
		return
	}
	t.recover(now)
}

// publish puts figures into the manifest.
func (t *Track) publish() (bytes int64) {
	if t.info == nil {
		return 0
	}
	_, dropped := t.queue.counts()
	i := t.info
	i.Muted = append(i.Muted[:0], t.muted...)
	i.Frames, i.Lost, i.Late, i.Dropped, i.Failed = t.frames, t.missing, t.order.late, dropped, t.failed
	i.Bytes, i.DurationMS = t.file.size, t.sink.length()
	return i.Bytes
}

// close finishes the file, if there is one.
func (t *Track) close() {
	if t.sink == nil {
		return
	}
	now := t.rec.now()
	if err := t.sink.finish(); err != nil {
		t.fail(err, now)
	}
	t.rec.mu.Lock()
	t.rec.closed += t.publish()
	t.rec.mu.Unlock()
	t.rec.closeFile(t.file)
	t.file, t.sink, t.info = nil, nil, nil
	t.frames, t.missing, t.failed, t.order.late = 0, 0, 0, 0
}
