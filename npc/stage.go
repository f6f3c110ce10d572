package npc

import (
	"context"
	"hash/fnv"
	"sync"
	"time"

	"earshot"
	"earshot/npc/director"
	"earshot/npc/persona"
)

// How often an actor's goroutine looks at the clock.
const (
	moveEvery  = time.Second / 30
	busyEvery  = 50 * time.Millisecond
	idleEvery  = 2 * time.Second // also for what it would speak with
	memoryTime = 150 * time.Millisecond
	maxPosted  = 64 // reports of workers not looked at yet; they wait for room
)

// stage is an actor while it runs: all its state, owned by the goroutine of
// run. Workers get copies and report by posting functions to results.
type stage struct {
	*Actor
	d         *director.Director
	character *persona.Character
	results   chan func(*stage)
	work      sync.WaitGroup

	seen      []Person
	thought   *thought
	clips     map[earshot.ParticipantID]hearing
	mouth     mouth
	play      performance
	dialogues *dialogues
	keeper    *keeper

	shown   ActorState
	checked time.Time // when speaks was last found out
	moved   time.Time
	counted director.Counts

	rehearsed  time.Time // when a backend last read the character
	rehearsing bool
}

// hearing is a transcription under way.
type hearing struct {
	clip   director.ClipID
	cancel context.CancelFunc
}

func newStage(a *Actor) (*stage, error) {
	h := fnv.New64a()
	h.Write([]byte(a.cfg.World + "/" + a.cfg.ID))
	d, err := director.New(director.Config{
		Character: a.cfg.Character, World: a.cfg.World, Place: a.cfg.Place, Timing: a.cfg.Timing,
		Hears: a.deps.hears(a.cfg.Labels), Seed: h.Sum64(),
	})
	if err != nil {
		return nil, err
	}
	return &stage{
		Actor: a, d: d, character: a.cfg.Character, results: make(chan func(*stage), maxPosted),
		clips: map[earshot.ParticipantID]hearing{}, dialogues: newDialogues(), keeper: newKeeper(a),
	}, nil
}

func (s *stage) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	s.work.Go(func() { s.keeper.run(ctx) })
	defer s.work.Wait()
	defer cancel()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case f := <-s.results:
			f(s)
		case <-s.kick:
			for _, f := range s.inbox.take() {
				f(s)
			}
			s.look()
		case <-timer.C:
			s.d.Tick(time.Now())
		}
		s.obey(ctx)
		now := time.Now()
		s.speak(ctx, now)
		s.obey(ctx) // what the end of a sentence led to
		s.move(now)
		s.tell(now)
		s.rehearse(ctx, now)
		timer.Reset(s.next(now))
	}
}

// next is how long nothing needs to be done, unless something happens.
func (s *stage) next(now time.Time) time.Duration {
	due := idleEvery
	if s.d.Busy() {
		due = busyEvery
	}
	if s.d.Restless() {
		due = min(due, moveEvery-now.Sub(s.moved))
	}
	if at, ok := s.mouth.next(); ok {
		due = min(due, at.Sub(now))
	}
	return max(due, time.Millisecond)
}

// report has a worker tell the stage something. It is dropped once the worker
// is not wanted any more.
func (s *stage) report(ctx context.Context, f func(*stage)) {
	select {
	case s.results <- f:
	case <-ctx.Done():
	}
}

func (s *stage) look() {
	at, around, ok := s.sight.take(s.seen)
	if s.seen = around; ok {
		s.d.See(at, around)
	}
}

func (s *stage) hear(now time.Time, from earshot.ParticipantID, name, text string) {
	s.look() // who says it, if they came a moment ago
	s.d.Said(now, from, name, text)
}

func (s *stage) lose(id earshot.ParticipantID) {
	if h, ok := s.clips[id]; ok {
		h.cancel()
		delete(s.clips, id)
	}
	if s.play.to == id {
		s.play.forgotten = true // what was under way is not remembered either
	}
	s.keeper.forget(id)
	s.dialogues.forget(id)
	s.d.Lose(time.Now(), id)
}

func (s *stage) event(name string, variables map[string]string) {
	s.d.Happened(time.Now(), name, variables)
}

func (s *stage) recast(c *persona.Character) {
	s.character = c
	s.d.Recast(c)
	s.checked, s.rehearsed = time.Time{}, time.Time{}
}

// obey carries out what the director decided.
func (s *stage) obey(ctx context.Context) {
	for {
		c, ok := s.d.Next()
		if !ok {
			return
		}
		switch c.Do {
		case director.DoTranscribe:
			s.transcribe(ctx, c)
		case director.DoThink:
			s.think(ctx, c)
		case director.DoCancel:
			s.cancelThought(c.Turn)
		case director.DoSay:
			s.say(ctx, c)
		case director.DoStop:
			s.stop()
		case director.DoFinish:
			s.finish(c)
		case director.DoGesture:
			s.play.of(c).acted = true
			s.deps.Body.Perform(Deed{Name: c.Text, Kind: "emote", To: c.To})
		case director.DoAct:
			s.act(c)
		}
	}
}

// transcribe finds out what was said in a clip.
func (s *stage) transcribe(ctx context.Context, c director.Command) {
	if old, ok := s.clips[c.To]; ok {
		old.cancel()
	}
	limit := s.cfg.Timing.WithDefaults()
	ctx, cancel := context.WithTimeout(ctx, limit.MinEndpoint+limit.Deadline)
	s.clips[c.To] = hearing{c.Clip, cancel}
	clip := s.ears.clip(c.To, c.From, c.Until)
	language := ""
	if known := s.character.Persona().Languages; len(known) == 1 {
		language = known[0]
	}
	where := s.where()
	s.work.Go(func() {
		text, err := "", error(earshot.Errorf(earshot.CodeFailedPrecondition, "no packet of the voice came: tap it for the actor"))
		if len(clip) > 0 {
			text, err = s.deps.Hearing.Transcribe(ctx, where, language, clip)
		}
		s.report(ctx, func(s *stage) { s.transcribed(c, text, err) })
	})
}

func (s *stage) transcribed(c director.Command, text string, err error) {
	if h, ok := s.clips[c.To]; ok && h.clip == c.Clip {
		h.cancel()
		delete(s.clips, c.To)
	}
	now := time.Now()
	if err != nil {
		s.trouble(now, "hearing", err, func(f *Figures) { f.Deaf++ })
		s.d.Deaf(now, c.Clip)
		return
	}
	s.d.Transcribed(now, c.Clip, text)
}

// act decides about an action that the model proposed. The words of the
// proposal are not logged: they may quote a player.
func (s *stage) act(c director.Command) {
	s.play.of(c).acted = true
	deed, err := s.permit(c)
	if err != nil {
		s.figures.add(func(f *Figures) { f.NotAllowed++ })
		s.deps.Metrics.actions.WithLabelValues("refused").Inc()
		s.log.Debug("a proposed action is not allowed", "code", earshot.CodeOf(err))
		return
	}
	if deed.To == "" {
		deed.To = c.To
	}
	s.figures.add(func(f *Figures) { f.Acted++ })
	s.deps.Metrics.actions.WithLabelValues("allowed").Inc()
	s.deps.Body.Perform(deed)
}

func (s *stage) permit(c director.Command) (Deed, error) {
	_, name, arguments := persona.FindProposal(c.Text)
	if name == "" || s.deps.World == nil {
		return Deed{}, earshot.Errorf(earshot.CodePermissionDenied, "nothing may be done here")
	}
	args, err := s.character.Persona().CheckAction(name, arguments)
	if err != nil {
		return Deed{}, err
	}
	return s.deps.World.Permit(s.cfg.ID, c.To, name, args, time.Now())
}

func (s *stage) where() Where { return Where{Region: s.cfg.Region, Labels: s.cfg.Labels} }

// move walks and looks.
func (s *stage) move(now time.Time) {
	if now.Sub(s.moved) < moveEvery || !s.d.Restless() && !s.moved.IsZero() {
		return
	}
	s.moved = now
	if pose, changed := s.d.Step(now); changed {
		s.deps.Body.Move(pose)
	}
}

// tell says how the actor is, if that changed.
func (s *stage) tell(now time.Time) {
	if now.Sub(s.checked) >= idleEvery {
		s.checked = now
		s.speaks.Store(s.now(s.character))
		hears := s.deps.hears(s.cfg.Labels)
		s.ears.deaf.Store(!hears)
		s.d.SetHears(hears)
	}
	state, to := s.d.State()
	if is := (ActorState{State: state.String(), To: to, Speaks: *s.speaks.Load()}); is != s.shown {
		s.shown = is
		s.deps.Body.State(is)
	}
	s.count()
}

// count takes over what the director counted.
func (s *stage) count() {
	c, was := s.d.Counts(), s.counted
	if c == was {
		return
	}
	s.counted = c
	s.figures.add(func(f *Figures) {
		f.Greeted, f.Interrupted, f.Resumed, f.Busy, f.Unheard = c.Greeted, c.Interrupted, c.Resumed, c.Busy, c.Unheard
	})
	m := s.deps.Metrics
	m.greeted.Add(float64(c.Greeted - was.Greeted))
	m.interrupt.WithLabelValues("real").Add(float64(c.Interrupted - was.Interrupted))
	m.interrupt.WithLabelValues("false").Add(float64(c.Resumed - was.Resumed))
	m.troubles.WithLabelValues("busy").Add(float64(c.Busy - was.Busy))
}

// trouble counts what the actor has to do without.
func (s *stage) trouble(now time.Time, what string, err error, change func(*Figures)) {
	s.figures.add(change)
	s.figures.failed(now, what+": "+err.Error())
	s.deps.Metrics.troubles.WithLabelValues(what).Inc()
	s.log.Debug("an NPC goes on without", "what", what, "err", err)
}
