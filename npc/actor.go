package npc

import (
	"context"
	"log/slog"
	"regexp"
	"sync/atomic"
	"time"

	"earshot"
	"earshot/npc/director"
	"earshot/npc/persona"
)

// ActorConfig is who an actor is and where it lives.
type ActorConfig struct {
	ID     string // slug, unique in its world: a-z, 0-9 and -, at most 32
	World  string
	Region string   // where answers are wanted
	Labels []string // what the world's data policy demands of backends
	// Models are acceptable models, best first. Empty: the persona's, else
	// every chat model the catalogue knows, larger ones first.
	Models []string
	// SpeechModel is asked to speak where the persona's voice names no model;
	// "" leaves it to the Speaker.
	SpeechModel string
	Character   *persona.Character
	Place       director.Place
	// NoRehearsal spares the tokens of having a backend read the character
	// before somebody speaks. The first answer then takes longer.
	NoRehearsal bool
	// Timing is when it takes and leaves its turn; zero fields mean
	// director.DefaultTiming.
	Timing director.Timing
}

// ActorDeps are what an actor needs besides its config. Body is required;
// without another one it does less, as said there.
type ActorDeps struct {
	Inference *Inference  // nil: scripted lines only
	Memory    Memory      // nil: forgets
	Speaker   Speaker     // nil: captions only
	Hearing   Hearing     // nil: hears text only
	World     ActionWorld // nil: no actions
	Body      Body
	// Screen looks at each sentence before anybody hears it, and returns what
	// may be said instead, or false if nothing of it. It may take its time: no
	// goroutine that must not wait calls it. nil: all pass.
	Screen  func(sentence string) (string, bool)
	Log     *slog.Logger
	Metrics *ActorMetrics // nil: counted by Figures only
}

// Person is somebody near an actor.
type Person = director.Person

// Actor runs one character. Create it with NewActor; between NewActor and the
// end of Run the perception methods may be called from any goroutine. None of
// them blocks: what the actor has no room for is dropped and counted.
type Actor struct {
	cfg  ActorConfig
	deps ActorDeps
	log  *slog.Logger

	inbox   inbox
	kick    chan struct{} // inbox or sight has something new
	sight   sight
	ears    *ears
	figures *tally
	speaks  atomic.Pointer[Speaks]
	dropped atomic.Uint64
}

var actorID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

// NewActor returns an actor that stands at home. Errors are *earshot.Error
// that name the field.
func NewActor(cfg ActorConfig, deps ActorDeps) (*Actor, error) {
	switch {
	case !actorID.MatchString(cfg.ID):
		return nil, invalid("npc id %q: want 1 to 32 of a-z, 0-9 and -", cfg.ID)
	case cfg.Character == nil:
		return nil, invalid("npc %s: has no character", cfg.ID)
	case deps.Body == nil:
		return nil, invalid("npc %s: has no body", cfg.ID)
	}
	if err := cfg.Place.Validate(); err != nil {
		return nil, err
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	if deps.Metrics == nil {
		deps.Metrics = newActorMetrics()
	}
	a := &Actor{
		cfg: cfg, deps: deps, log: deps.Log.With("npc", cfg.ID, "world", cfg.World),
		kick: make(chan struct{}, 1),
		ears: newEars(deps.hears(cfg.Labels)), figures: newTally(),
	}
	if err := cfg.Timing.Validate(); err != nil {
		return nil, err
	}
	a.speaks.Store(a.now(cfg.Character))
	return a, nil
}

// Run lives the character until ctx ends. It returns after everything it
// started has ended.
func (a *Actor) Run(ctx context.Context) error {
	s, err := newStage(a)
	if err != nil {
		return err
	}
	return s.run(ctx)
}

// See says who is near the actor now, also those who are silent: 10 to 20
// times a second. The slice is copied. Only the newest is kept.
func (a *Actor) See(now time.Time, around []Person) {
	a.sight.put(now, around)
	a.wake()
}

// Hear says that a text reached the actor.
func (a *Actor) Hear(now time.Time, from earshot.ParticipantID, name, text string) {
	a.post(false, func(s *stage) { s.hear(now, from, name, text) })
}

// Listen hands over one Opus packet of an audible talker. The slice is copied.
func (a *Actor) Listen(from earshot.ParticipantID, seq uint16, ts uint32, opus []byte) {
	a.ears.put(time.Now(), from, seq, ts, opus)
}

// Lose says that somebody left or may no longer be heard: they are forgotten
// at once, and not spoken to any more.
func (a *Actor) Lose(id earshot.ParticipantID) {
	a.ears.lose(id)
	a.sight.lose(id)
	a.post(true, func(s *stage) { s.lose(id) })
}

// Event says what the game reports: it may activate goals, and the variables
// go over the persona's from now on. The map is copied.
func (a *Actor) Event(name string, variables map[string]string) {
	live := make(map[string]string, len(variables))
	for k, v := range variables {
		live[k] = v
	}
	a.post(false, func(s *stage) { s.event(name, live) })
}

// Recast gives the actor a new version of its character, from the next answer
// on. The conversation goes on.
func (a *Actor) Recast(c *persona.Character) {
	a.post(true, func(s *stage) { s.recast(c) })
}

// Settle gives the actor another place to live. It walks there.
func (a *Actor) Settle(p director.Place) error {
	if err := p.Validate(); err != nil {
		return err
	}
	a.post(true, func(s *stage) { s.d.Place(p) })
	return nil
}

// Figures says how the actor has done since it began.
func (a *Actor) Figures() Figures { return a.figures.report(a.dropped.Load() + a.ears.dropped()) }

// Speaks says what the actor would answer with now.
func (a *Actor) Speaks() Speaks { return *a.speaks.Load() }
