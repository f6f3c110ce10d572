package gateway

import (
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/npc/persona"
)

// standInFor is how long a stand-in keeps the place of one who does not come
// back.
const standInFor = 30 * time.Minute

// wish says what a participant allows while they are away.
type wish struct {
	allowed bool
	text    string
}

func (s *session) onStandIn(m *protocol.StandIn) error {
	if s.claims.Kind != KindPerson || s.hidden {
		return earshot.Errorf(earshot.CodePermissionDenied, "only a person can have a stand-in")
	}
	if s.in.g.deps.NPCs.Library == nil {
		return earshot.Errorf(earshot.CodeFailedPrecondition, "this server has no NPCs, and so no stand-ins")
	}
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	s.standIn = wish{m.Allowed, m.Text}
	return nil
}

// standInOf makes the character that keeps somebody's place. What they left
// word of is a variable: it is never searched for macros.
func standInOf(name, word string) (*persona.Character, error) {
	p := persona.Persona{
		Version: 1, Name: shortName(name) + " (away)",
		Description: "{{char}} is a friendly machine that keeps the place of {{var:owner}}, who lost the connection and will be back. It is not {{var:owner}} and says so when asked.",
		Reminder:    "Answer in one short sentence. Never pretend to be {{var:owner}}, promise nothing in their name, and tell only what they left word of.",
		Lines:       persona.Lines{Fallback: []string{"{{var:owner}} is away just now. I keep the place."}},
		Variables:   map[string]string{"owner": shortName(name)},
		Safety:      persona.SafetyStrict,
		Range:       4,
	}
	if word != "" {
		p.Variables["word"] = word
		p.Lines.Fallback = append(p.Lines.Fallback, "{{var:owner}} left word: {{var:word}}")
	}
	return persona.NewCharacter(p)
}

// substitute puts a stand-in where s stood, if s allowed it.
func (in *Instance) substitute(s *session, at earshot.Pose) {
	in.mu.Lock()
	wish := s.standIn
	in.mu.Unlock()
	if !wish.allowed {
		return
	}
	in.populating.Lock()
	defer in.populating.Unlock()
	if in.stopped || in.live.Load().byID[s.participant] != nil || in.standIns[s.participant] != nil {
		return
	}
	character, err := standInOf(s.called(), wish.text)
	if err != nil {
		in.g.log.Warn("no stand-in", "instance", in.id, "err", err)
		return
	}
	r := &role{
		world: in.world, id: standInID, owner: s.participant, character: character,
		place: Place{Position: [3]float32{at.Root.X, at.Root.Y, at.Root.Z}, Yaw: at.Yaw / degree},
	}
	res, err := in.install(r, at)
	if err != nil {
		in.g.log.Warn("no stand-in", "instance", in.id, "err", err)
		return
	}
	in.standIns[s.participant] = res
	time.AfterFunc(standInFor, func() { in.dismiss(s.participant, res) })
}

// standInID is the slug of all stand-ins, of whom figures and logs say no more.
const standInID = "stand-in"

// dismiss takes the stand-in of somebody out: they are back, or have been away
// for too long. which is nil for whoever it is.
func (in *Instance) dismiss(owner earshot.ParticipantID, which *resident) {
	in.populating.Lock()
	defer in.populating.Unlock()
	res := in.standIns[owner]
	if res == nil || which != nil && which != res {
		return
	}
	delete(in.standIns, owner)
	res.session.end(protocol.ReasonReplaced, nil)
}

// standInBlocks makes the stand-in of other share a block. in.policy is held.
func (in *Instance) standInBlocks(by *session, other earshot.ParticipantID, on bool) error {
	for _, s := range in.live.Load().all {
		if s.resident == nil || s.resident.role.owner != other {
			continue
		}
		if err := in.space.Block(by.participant, s.participant, on); err != nil {
			return err
		}
		in.part(by, s)
	}
	return nil
}
