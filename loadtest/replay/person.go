package replay

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/loadtest"
	"earshot/presence/pose"
	"earshot/sfu/record/format"
)

const (
	joinWithin  = 15 * time.Second
	leaveWithin = 5 * time.Second
	maxJoins    = 3 // of one visit, where a server is busy
	poseEvery   = 100 * time.Millisecond
)

// person is a participant of the recording and their bot.
type person struct {
	p      *player
	of     *format.Participant
	number uint32
	visits []visit
	voices []*format.Track
	films  []*format.Track

	// mu guards what the pose log said last.
	mu      sync.Mutex
	pose    earshot.Pose
	placed  bool
	level   uint8
	talking bool
}

// visit is a time that they are there, since the recording began.
type visit struct{ from, to time.Duration }

var (
	_ loadtest.Mover  = (*person)(nil)
	_ loadtest.Player = (*voice)(nil)
	_ loadtest.Reel   = (*film)(nil)
)

// plan makes visits of the spans, within what is played. Ones that follow at
// once are one.
func (o *person) plan() {
	begin, end := o.p.cfg.Begin, o.p.end
	for _, span := range o.of.Present {
		v := visit{time.Duration(span.From) * time.Millisecond, time.Duration(span.To) * time.Millisecond}
		if span.To == 0 {
			v.to = end
		}
		v.from, v.to = max(v.from, begin), min(v.to, end)
		if n := len(o.visits); n > 0 && v.from-o.visits[n-1].to < 2*lead {
			o.visits[n-1].to = max(o.visits[n-1].to, v.to)
		} else if v.to > v.from {
			o.visits = append(o.visits, v)
		}
	}
}

// live comes and goes as in the recording.
func (o *person) live(ctx context.Context) error {
	for _, v := range o.visits {
		if !await(ctx, o.p.zero.Add(v.from-lead)) {
			return nil
		}
		bot, err := o.join(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", o.of.Name, err)
		}
		o.p.present.Add(1)
		o.act(ctx, bot, v)
		o.p.present.Add(-1)
		leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveWithin)
		_ = bot.Leave(leaving) // the server may be gone first
		cancel()
	}
	return nil
}

func (o *person) join(ctx context.Context) (bot *loadtest.Bot, err error) {
	for range maxJoins {
		joining, cancel := context.WithTimeout(ctx, joinWithin)
		bot, err = o.tryJoin(joining)
		cancel()
		if err == nil || ctx.Err() != nil || earshot.CodeOf(err) == earshot.CodePermissionDenied || earshot.CodeOf(err) == earshot.CodeUnauthenticated {
			break
		}
	}
	return bot, err
}

func (o *person) tryJoin(ctx context.Context) (*loadtest.Bot, error) {
	token, err := o.p.cfg.Token(ctx, o.of)
	if err != nil {
		return nil, err
	}
	cfg := loadtest.Config{
		URL: o.p.cfg.URL, Token: token, Number: o.number, Seed: uint64(o.number), Host: o.p.cfg.Host,
		Move: o, PoseEvery: poseEvery,
	}
	if len(o.voices) > 0 {
		cfg.Speak, cfg.Player = true, newVoice(o)
	}
	if len(o.films) > 0 {
		cfg.Video = &loadtest.VideoConfig{Codec: o.films[0].Codec, Reel: newFilm(o)}
	}
	return loadtest.Join(ctx, cfg)
}

// act mutes and unmutes as it was done, until the visit ends.
func (o *person) act(ctx context.Context, bot *loadtest.Bot, v visit) {
	type event struct {
		at    time.Duration
		muted bool
	}
	var events []event
	for _, t := range o.voices {
		for _, span := range t.Muted {
			events = append(events, event{time.Duration(span.From) * time.Millisecond, true})
			if span.To > 0 {
				events = append(events, event{time.Duration(span.To) * time.Millisecond, false})
			}
		}
	}
	slices.SortFunc(events, func(a, b event) int { return int(a.at - b.at) })
	for _, e := range events {
		if e.at >= v.to || e.at < v.from && !e.muted {
			continue
		}
		if !await(ctx, o.p.zero.Add(e.at)) {
			return
		}
		_ = bot.Send(&protocol.Mute{Muted: e.muted}) // a bot that was thrown out is as silent
	}
	await(ctx, o.p.zero.Add(v.to))
}

// take learns from the pose log.
func (o *person) take(e *format.PoseEntry) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if e.Kind == format.PoseLevel {
		o.level, o.talking = e.Level, e.Talking
		return
	}
	if at, err := pose.DecodeSnapshot(e.Snapshot); err == nil {
		o.pose, o.placed = at, true
	}
}

// Pose implements loadtest.Mover: where the log has them now.
func (o *person) Pose(time.Time) earshot.Pose {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.placed {
		return earshot.Standing(earshot.Vec3{}, 0)
	}
	return o.pose
}

// loud is how loud they are now.
func (o *person) loud() (level uint8, talking bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.level, o.talking
}
