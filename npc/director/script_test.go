package director

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"earshot"
	"earshot/npc/persona"

	"github.com/cockroachdb/datadriven"
)

var epoch = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// mara is a character that stands at the origin and looks along -z.
func mara(t testing.TB, change func(*persona.Persona)) *persona.Character {
	t.Helper()
	p := persona.Persona{
		Version: 1, Name: "Mara Holt", Nickname: "Mara", Greeting: "Evening, {{user}}.", Range: 8,
		Lines: persona.Lines{
			Fallback: []string{"Let me think."}, Busy: []string{"One at a time."}, Refused: []string{"Not in my house."}, Farewell: []string{"Mind the step."},
		},
		Goals: []persona.Goal{
			{ID: "sell-room", Activation: persona.Activation{On: persona.TriggerSays, Phrases: []string{"room"}}, Instruction: "Offer a room."},
			{ID: "lost-key", Activation: persona.Activation{On: persona.TriggerEvent, Event: "cellar_opened"}, Instruction: "Ask about the key."},
		},
	}
	if change != nil {
		change(&p)
	}
	c, err := persona.NewCharacter(p)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// stage is a director, the people before it, and what they do.
type stage struct {
	d      *Director
	now    time.Time
	people map[earshot.ParticipantID]*Person
	order  []earshot.ParticipantID
	clip   ClipID
	turn   TurnID
	said   []int // parts given and not spoken yet
	out    strings.Builder
}

func newStage(t testing.TB, hears bool, change func(*persona.Persona)) *stage {
	d, err := New(Config{Character: mara(t, change), World: "plaza", Hears: hears})
	if err != nil {
		t.Fatal(err)
	}
	return &stage{d: d, now: epoch, people: map[earshot.ParticipantID]*Person{}}
}

// put places somebody: x to the right, z ahead is negative; look is an id, "npc"
// or "away".
func (s *stage) put(id string, x, z float64, look string) *Person {
	p := s.people[earshot.ParticipantID(id)]
	if p == nil {
		p = &Person{ID: earshot.ParticipantID(id), Name: strings.ToUpper(id[:1]) + id[1:], Kind: KindPerson, Heard: -127}
		if strings.HasPrefix(id, "npc") {
			p.Kind = "npc"
		}
		s.people[p.ID] = p
		s.order = append(s.order, p.ID)
	}
	p.Head.Position = earshot.Vec3{X: float32(x), Y: earshot.EyeHeight, Z: float32(z)}
	p.Distance = math.Hypot(x, z)
	target := earshot.Vec3{}
	if o := s.people[earshot.ParticipantID(look)]; o != nil {
		target = o.Head.Position
	}
	to := target.Sub(p.Head.Position)
	yaw := math.Atan2(float64(-to.X), float64(-to.Z))
	if look == "away" {
		yaw += math.Pi
	}
	p.Head.Rotation = earshot.YawQuat(float32(yaw))
	return p
}

func (s *stage) around() (all []Person) {
	for _, id := range s.order {
		if p := s.people[id]; p != nil {
			all = append(all, *p)
		}
	}
	return all
}

// pass lets time pass, with a sample of everybody every 50 ms.
func (s *stage) pass(d time.Duration) {
	for end := s.now.Add(d); s.now.Before(end); {
		s.now = s.now.Add(50 * time.Millisecond)
		s.d.See(s.now, s.around())
		s.drain()
	}
}

// drain writes down the commands.
func (s *stage) drain() {
	for {
		c, ok := s.d.Next()
		if !ok {
			return
		}
		fmt.Fprintf(&s.out, "%.2fs ", s.now.Sub(epoch).Seconds())
		switch c.Do {
		case DoTranscribe:
			s.clip = c.Clip
			fmt.Fprintf(&s.out, "transcribe %.2fs of %s\n", c.Until.Sub(c.From).Seconds(), c.To)
		case DoThink:
			s.turn = c.Turn
			fmt.Fprintf(&s.out, "think %d for %s: %q%s\n", c.Turn, c.To, c.Text, suffix(" goals ", strings.Join(c.Goals, ",")))
		case DoCancel:
			fmt.Fprintf(&s.out, "cancel %d\n", c.Turn)
		case DoSay:
			s.turn = c.Turn
			s.said = append(s.said, c.Part)
			fmt.Fprintf(&s.out, "say %d.%d to %s: %q%s\n", c.Turn, c.Part, c.To, c.Text, suffix(" because ", c.Reason))
		case DoStop:
			s.said = nil
			fmt.Fprintf(&s.out, "stop %d\n", c.Turn)
		case DoFinish:
			s.said = nil
			fmt.Fprintf(&s.out, "finish %d%s\n", c.Turn, map[bool]string{true: " cut"}[c.Cut])
		case DoGesture:
			fmt.Fprintf(&s.out, "gesture %s to %s\n", c.Text, c.To)
		case DoAct:
			fmt.Fprintf(&s.out, "act %s for %s\n", c.Text, c.To)
		}
	}
}

func suffix(mark, text string) string {
	if text == "" {
		return ""
	}
	return mark + text
}

func (s *stage) talk(id string, on bool) {
	p := s.people[earshot.ParticipantID(id)]
	p.Talking, p.Heard = on, -127
	if on {
		p.Heard = -30
	}
}

func (s *stage) spoken() {
	if len(s.said) == 0 {
		return
	}
	part := s.said[0]
	s.said = s.said[1:]
	s.d.Begun(s.now, s.turn, part)
	s.d.Spoken(s.now, s.turn, part)
}

func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata/scripts", func(t *testing.T, path string) {
		var s *stage
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			arg := func(i int) string { return d.CmdArgs[i].Key }
			text := strings.TrimSpace(d.Input)
			if d.Cmd == "npc" {
				s = newStage(t, !d.HasArg("deaf"), func(p *persona.Persona) {
					if d.HasArg("shy") {
						p.Greeting = ""
					}
					if d.HasArg("speechless") {
						p.Lines = persona.Lines{}
					}
				})
				if d.HasArg("patient") {
					s.d.timing.Grace = 20 * time.Second
				}
				return ""
			}
			s.out.Reset()
			switch d.Cmd {
			case "put": // id x z look
				var x, z float64
				fmt.Sscan(arg(1), &x)
				fmt.Sscan(arg(2), &z)
				s.put(arg(0), x, z, arg(3))
			case "gone":
				delete(s.people, earshot.ParticipantID(arg(0)))
			case "talk", "hush":
				s.talk(arg(0), d.Cmd == "talk")
			case "wait":
				for_, err := time.ParseDuration(arg(0))
				if err != nil {
					d.Fatalf(t, "%v", err)
				}
				s.pass(for_)
			case "write":
				s.d.Said(s.now, earshot.ParticipantID(arg(0)), s.people[earshot.ParticipantID(arg(0))].Name, text)
			case "words":
				s.d.Transcribed(s.now, s.clip, text)
			case "deaf":
				s.d.Deaf(s.now, s.clip)
			case "sentence":
				s.d.Sentence(s.now, s.turn, text)
			case "late": // a sentence of the turn before
				s.d.Sentence(s.now, s.turn-1, text)
			case "propose":
				s.d.Act(s.now, s.turn, text)
			case "thought":
				s.d.Thought(s.now, s.turn)
			case "failed":
				s.d.Failed(s.now, s.turn, text)
			case "withheld":
				s.d.Withheld(s.now, s.turn)
			case "begun":
				s.d.Begun(s.now, s.turn, s.said[0])
			case "spoken":
				s.spoken()
			case "lose":
				delete(s.people, earshot.ParticipantID(arg(0)))
				s.d.Lose(s.now, earshot.ParticipantID(arg(0)))
			case "event":
				s.d.Happened(s.now, arg(0), nil)
			default:
				d.Fatalf(t, "unknown command %q", d.Cmd)
			}
			s.drain()
			state, to := s.d.State()
			return s.out.String() + strings.TrimSpace(state.String()+" "+string(to)) + "\n"
		})
	})
}
