package replay

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"sync"
	"sync/atomic"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/loadtest"
	"earshot/sfu/record/format"
)

// Config says what to play, and where.
type Config struct {
	URL   string // of the server
	Files fs.FS  // the folder of the recording
	// Token gives each participant one, with publish.audio, publish.video,
	// publish.pose and subscribe.
	Token func(ctx context.Context, p *format.Participant) (string, error)
	// Begin is where in the recording to begin, End where to end; 0 is its end.
	Begin, End time.Duration
	// NoVideo leaves cameras and screens out.
	NoVideo bool
	// Progress is called now and then, from one goroutine; nil: never.
	Progress func(Progress)
	// Host is what the bots share; nil makes one.
	Host *loadtest.Host
}

// Progress is how far a replay is.
type Progress struct {
	At, Of  time.Duration // of the recording
	Present int           // bots in the world
	Voice   uint64        // packets sent
	Frames  uint64        // of video
}

// Result is what a replay did.
type Result struct {
	Participants int
	Failed       []error // participants who could not come, and why
	Voice        uint64
	Frames       uint64
	LeftOut      []string // tracks that a bot cannot send
}

// errNothing is a recording with nobody in it.
var errNothing = earshot.Errorf(earshot.CodeFailedPrecondition, "nobody is in this part of the recording: nothing to replay")

// lead is how long before the first packet of a participant their bot joins.
const lead = time.Second

const progressEvery = 250 * time.Millisecond

// Open reads the manifest of a recording. The *earshot.Error says what is
// wrong with one that cannot be played.
func Open(files fs.FS) (*format.Manifest, error) {
	b, err := fs.ReadFile(files, format.ManifestName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "this folder has no %s: give the folder of one recording", format.ManifestName)
	}
	if err != nil {
		return nil, err
	}
	return format.ParseManifest(b)
}

// player is one replay.
type player struct {
	cfg      Config
	manifest *format.Manifest
	zero     time.Time // when the recording's time is 0
	end      time.Duration
	people   []*person // as in the manifest

	present       atomic.Int64
	voice, frames atomic.Uint64
}

// Run plays a recording until it ends or ctx does. One who cannot join is
// missing in the world and in Result.Failed; nobody joining is an error.
func Run(ctx context.Context, cfg Config) (Result, error) {
	m, err := Open(cfg.Files)
	if err != nil {
		return Result{}, err
	}
	p := &player{cfg: cfg, manifest: m, end: time.Duration(m.DurationMS) * time.Millisecond}
	if cfg.End > 0 {
		p.end = min(p.end, cfg.End)
	}
	if p.cfg.Host == nil {
		if p.cfg.Host, err = loadtest.NewHost(1); err != nil {
			return Result{}, err
		}
		defer p.cfg.Host.Close()
	}
	leftOut := p.cast()
	coming := 0
	for _, one := range p.people {
		if len(one.visits) > 0 {
			coming++
		}
	}
	if coming == 0 {
		return Result{}, errNothing
	}
	p.zero = time.Now().Add(lead - cfg.Begin)
	failed := p.play(ctx)
	res := Result{
		Participants: coming - len(failed), Failed: failed,
		Voice: p.voice.Load(), Frames: p.frames.Load(), LeftOut: leftOut,
	}
	if res.Participants == 0 {
		return res, failed[0]
	}
	return res, nil
}

// cast makes the participants, and returns the tracks that none can send.
func (p *player) cast() (leftOut []string) {
	index := map[earshot.ParticipantID]*person{}
	for i, of := range p.manifest.Participants {
		one := &person{p: p, of: of, number: uint32(i) + 1}
		one.plan()
		p.people = append(p.people, one)
		index[of.ID] = one
	}
	for _, t := range p.manifest.Tracks {
		one, codec := index[t.Participant], format.CodecOf(t.Codec)
		switch {
		case one == nil:
			leftOut = append(leftOut, t.File)
		case codec == format.Opus:
			one.voices = append(one.voices, t)
		case p.cfg.NoVideo:
		case t.Source == string(protocol.SourceCamera) && (codec == format.VP8 || codec == format.H264):
			one.films = append(one.films, t)
		default: // bots have one camera, of these codecs
			leftOut = append(leftOut, t.File)
		}
	}
	return leftOut
}

// play lets everybody come and go.
func (p *player) play(ctx context.Context) (failed []error) {
	ctx, cancel := context.WithCancel(ctx)
	var work, crowd sync.WaitGroup
	work.Go(func() { p.readPoses(ctx) })
	work.Go(func() { p.report(ctx) })
	var mu sync.Mutex
	for _, one := range p.people {
		if len(one.visits) == 0 {
			continue
		}
		crowd.Go(func() {
			if err := one.live(ctx); err != nil && ctx.Err() == nil {
				mu.Lock()
				failed = append(failed, err)
				mu.Unlock()
			}
		})
	}
	crowd.Wait()
	cancel()
	work.Wait()
	return failed
}

// report calls Progress until ctx ends.
func (p *player) report(ctx context.Context) {
	if p.cfg.Progress == nil {
		return
	}
	ticker := time.NewTicker(progressEvery)
	defer ticker.Stop()
	for {
		p.cfg.Progress(Progress{
			At: max(0, min(p.end, p.now())), Of: p.end, Present: int(p.present.Load()), Voice: p.voice.Load(), Frames: p.frames.Load(),
		})
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// now is where in the recording we are.
func (p *player) now() time.Duration { return time.Since(p.zero) }

// readPoses reads the pose log as time goes on.
func (p *player) readPoses(ctx context.Context) {
	name := p.manifest.Poses.File
	if name == "" || p.manifest.Poses.Format != format.PosesFormat {
		return
	}
	f, err := p.cfg.Files.Open(path.Clean(name))
	if err != nil {
		return
	}
	defer f.Close()
	log, err := format.NewPoseReader(f)
	if err != nil {
		return
	}
	var e format.PoseEntry
	for log.Next(&e) == nil {
		if !await(ctx, p.zero.Add(time.Duration(e.MS)*time.Millisecond)) {
			return
		}
		if e.Who < len(p.people) {
			p.people[e.Who].take(&e)
		}
	}
}

// await returns false where ctx ended before t.
func await(ctx context.Context, t time.Time) bool {
	wait := time.Until(t)
	if wait <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
