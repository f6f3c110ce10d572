package moderation

import (
	"context"

	"earshot"
	"earshot/moderation/policy"
)

// Pipeline takes events to their consequences. Create it with New.
type Pipeline struct {
	cfg  Config
	deps Deps
}

var errSoon = earshot.Errorf(earshot.CodeUnimplemented, "moderation is being built")

// New returns a pipeline.
func New(cfg Config, deps Deps) (*Pipeline, error) { return &Pipeline{cfg: cfg, deps: deps}, nil }

// Run serves until ctx ends and returns after all it started has ended.
func (p *Pipeline) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// Text judges a chat line, a name or the description of an NPC.
func (p *Pipeline) Text(ctx context.Context, e Event) (Verdict, error) {
	return Verdict{Pass: true, Unverified: true}, nil
}

// Screen returns what npc.ActorDeps.Screen wants, for an NPC of a world.
func (p *Pipeline) Screen(world string) func(sentence string) (string, bool) {
	return func(s string) (string, bool) { return s, true }
}

// Hears reports whether voices are judged in a world: participants must be
// told before.
func (p *Pipeline) Hears(world string) bool { return false }

// Listen begins to judge a voice.
func (p *Pipeline) Listen(s Speaker) *Ear { return &Ear{} }

// Standing returns all that is in force for a person in a world.
func (p *Pipeline) Standing(world string, who earshot.ParticipantID) Order { return Order{} }

// Report takes what somebody says of somebody and returns its id.
func (p *Pipeline) Report(ctx context.Context, r Report) (id string, err error) { return "", errSoon }

// Appeal takes a person's objection to an incident about them.
func (p *Pipeline) Appeal(ctx context.Context, a Appeal) error { return errSoon }

// Judge carries out a moderator's decision of an incident or an appeal.
func (p *Pipeline) Judge(ctx context.Context, j Judgement) error { return errSoon }

// Undo takes back all that an incident did to a person.
func (p *Pipeline) Undo(ctx context.Context, incident, moderator, note string) error { return errSoon }

// Act is an action of a moderator. It returns the incident that records it.
func (p *Pipeline) Act(ctx context.Context, a Act) (incident string, err error) { return "", errSoon }

// SetPolicy has a world follow another policy from the next event on.
func (p *Pipeline) SetPolicy(world string, to *policy.Policy) {}

// Policy returns the policy that a world follows.
func (p *Pipeline) Policy(world string) *policy.Policy { return nil }
