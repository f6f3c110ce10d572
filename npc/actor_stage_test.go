package npc

import (
	"context"
	"errors"
	"io"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"earshot"
	"earshot/npc/director"
	"earshot/npc/persona"
)

// theatre is an actor with everything around it made for tests.
type theatre struct {
	t       testing.TB
	actor   *Actor
	body    *recorder
	model   *scriptedModel
	speaker *scriptedSpeaker
	hearing *scriptedHearing
	memory  *scriptedMemory
	people  map[earshot.ParticipantID]*Person
	seq     uint16
	stop    func()
}

// enter builds the theatre; change may take parts of it away. It is for a
// synctest bubble: no sockets.
func enter(t testing.TB, change func(*ActorConfig, *ActorDeps, *theatre)) *theatre {
	t.Helper()
	th := &theatre{
		t: t, body: &recorder{}, model: &scriptedModel{answers: []string{"I have four. Two of them are dry."}, between: 50 * time.Millisecond},
		speaker: &scriptedSpeaker{frames: 50}, hearing: &scriptedHearing{}, memory: &scriptedMemory{},
		people: map[earshot.ParticipantID]*Person{},
	}
	in := inBubble(t, th.model)
	cfg := ActorConfig{ID: "mara", World: "plaza", Region: "north", Character: actorCharacter(t, nil)}
	deps := ActorDeps{Inference: in, Speaker: th.speaker, Hearing: th.hearing, Memory: th.memory, Body: th.body}
	if change != nil {
		change(&cfg, &deps, th)
	}
	actor, err := NewActor(cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	th.actor = actor
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	go func() { ended <- actor.Run(ctx) }()
	go func() { ended <- in.Run(ctx) }()
	th.stop = func() {
		cancel()
		for range 2 {
			if err := <-ended; err != nil {
				t.Errorf("Run() = %v", err)
			}
		}
		if n := th.model.openNow(); n != 0 {
			t.Errorf("%d answers of the model are still open", n)
		}
	}
	return th
}

// inBubble is an Inference whose one backend is m.
func inBubble(t testing.TB, m *scriptedModel) *Inference {
	cfg := DefaultConfig()
	cfg.Backends = []BackendConfig{{ID: "a", API: "ollama", URL: "http://127.0.0.1:1", Region: "north", Slots: 4, Price: 2, Models: []ModelConfig{{Name: "m", Context: 8192}}}}
	cfg.Router.Explore, cfg.Discover = 0, ""
	in, err := New(cfg, Deps{})
	if err != nil {
		t.Fatal(err)
	}
	in.entries["a"].server = m
	return in
}

func actorCharacter(t testing.TB, change func(*persona.Persona)) *persona.Character {
	t.Helper()
	p := persona.Persona{
		Version: 1, Name: "Mara", Description: "Keeps the inn.", Range: 8,
		Lines: persona.Lines{Fallback: []string{"Let me think."}, Refused: []string{"Not in my house."}},
		Goals: []persona.Goal{{ID: "sell-room", Activation: persona.Activation{On: persona.TriggerSays, Phrases: []string{"room"}}, Instruction: "Offer a room."}},
		Actions: []persona.Action{{Name: "give_item", Description: "Hand something over.", Parameters: []persona.Parameter{
			{Name: "item", Type: "string", Enum: []string{"room key"}, Required: true},
		}}},
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

// put places somebody who looks at the actor.
func (th *theatre) put(id string, x, z float64) {
	p := Person{ID: earshot.ParticipantID(id), Name: strings.ToUpper(id[:1]) + id[1:], Kind: director.KindPerson, Heard: -127, Distance: math.Hypot(x, z)}
	p.Head.Position = earshot.Vec3{X: float32(x), Y: earshot.EyeHeight, Z: float32(z)}
	p.Head.Rotation = earshot.YawQuat(float32(math.Atan2(x, z)))
	th.people[p.ID] = &p
}

// pass lets time pass: people are seen 20 times a second, and who talks sends
// 50 packets.
func (th *theatre) pass(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		for i := range 3 { // 3 * 16.67 ms
			for _, p := range th.people {
				if p.Talking {
					th.seq++
					th.actor.Listen(p.ID, th.seq, uint32(th.seq)*960, []byte{1, 2, 3, byte(th.seq)})
				}
			}
			if i == 0 {
				th.see()
			}
			time.Sleep(50 * time.Millisecond / 3)
		}
	}
	synctest.Wait()
}

func (th *theatre) see() {
	var around []Person
	for _, p := range th.people {
		around = append(around, *p)
	}
	th.actor.See(time.Now(), around)
}

func (th *theatre) talk(id string, on bool) {
	p := th.people[earshot.ParticipantID(id)]
	if p.Talking, p.Heard = on, -127; on {
		p.Heard = -25
	}
}

func (th *theatre) write(id, text string) {
	th.see()
	th.actor.Hear(time.Now(), earshot.ParticipantID(id), th.people[earshot.ParticipantID(id)].Name, text)
}

// recorder is a Body that writes everything down.
type recorder struct {
	mu       sync.Mutex
	captions []Caption
	capAt    []time.Time
	voice    []time.Time
	states   []ActorState
	poses    []earshot.Pose
	deeds    []Deed
}

func (r *recorder) Move(p earshot.Pose) { r.with(func() { r.poses = append(r.poses, p) }) }
func (r *recorder) Caption(c Caption) {
	r.with(func() { r.captions, r.capAt = append(r.captions, c), append(r.capAt, time.Now()) })
}
func (r *recorder) Voice([]byte, int8) { r.with(func() { r.voice = append(r.voice, time.Now()) }) }
func (r *recorder) State(s ActorState) { r.with(func() { r.states = append(r.states, s) }) }
func (r *recorder) Perform(d Deed)     { r.with(func() { r.deeds = append(r.deeds, d) }) }

func (r *recorder) with(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

// finals are the captions that are complete.
func (r *recorder) finals() (all []Caption) {
	r.with(func() {
		for _, c := range r.captions {
			if c.Final {
				all = append(all, c)
			}
		}
	})
	return all
}

func (r *recorder) last() (c Caption) {
	r.with(func() {
		if n := len(r.captions); n > 0 {
			c = r.captions[n-1]
		}
	})
	return c
}

func (r *recorder) voices() (at []time.Time) {
	r.with(func() { at = append(at, r.voice...) })
	return at
}

func (r *recorder) state() (s ActorState) {
	r.with(func() {
		if n := len(r.states); n > 0 {
			s = r.states[n-1]
		}
	})
	return s
}

// scriptedModel is a backend without a socket: it says one answer after the
// other, a word at a time.
type scriptedModel struct {
	mu         sync.Mutex
	answers    []string
	first      time.Duration // until the first word
	between    time.Duration // words
	asked      []ChatRequest
	rehearsals []ChatRequest
	open       int
	closed     []time.Time // before their end
	words      []time.Time
}

func (m *scriptedModel) set(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
}

func (m *scriptedModel) openNow() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.open
}

func (m *scriptedModel) prompts() (all []ChatRequest) {
	m.set(func() { all = append(all, m.asked...) })
	return all
}

func (m *scriptedModel) Inventory(context.Context) (Inventory, error) {
	return Inventory{Models: []string{"m"}, Loaded: []string{"m"}, RTT: time.Millisecond}, nil
}

func (m *scriptedModel) Prewarm(context.Context, string) error { return nil }

func (m *scriptedModel) Chat(ctx context.Context, req ChatRequest) (answer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if req.MaxTokens == 1 {
		m.rehearsals = append(m.rehearsals, req)
		m.open++
		return &scriptedAnswer{m: m, ctx: ctx, words: []string{"Hm"}, wait: m.first}, nil
	}
	text := m.answers[min(len(m.asked), len(m.answers)-1)]
	m.asked = append(m.asked, req)
	m.open++
	return &scriptedAnswer{m: m, ctx: ctx, words: strings.SplitAfter(text, " "), wait: m.first, n: len(m.asked)}, nil
}

type scriptedAnswer struct {
	m     *scriptedModel
	ctx   context.Context
	words []string
	said  int
	wait  time.Duration
	once  sync.Once
	n     int
}

func (a *scriptedAnswer) Next() (string, error) {
	if a.said == len(a.words) {
		a.end(false)
		return "", io.EOF
	}
	select {
	case <-time.After(a.wait):
	case <-a.ctx.Done():
		a.end(true)
		return "", &Failure{Kind: FailedCanceled, Backend: "a"}
	}
	a.wait = a.m.between
	a.said++
	a.m.set(func() { a.m.words = append(a.m.words, time.Now()) })
	return a.words[a.said-1], nil
}

func (a *scriptedAnswer) Usage() Usage { return Usage{PromptTokens: 100, OutputTokens: a.said} }
func (a *scriptedAnswer) Close()       { a.end(true) }

func (a *scriptedAnswer) end(early bool) {
	a.once.Do(func() {
		a.m.set(func() {
			a.m.open--
			if early {
				a.m.closed = append(a.m.closed, time.Now())
			}
		})
	})
}

// scriptedSpeaker makes some frames of every sentence.
type scriptedSpeaker struct {
	mu     sync.Mutex
	frames int
	first  time.Duration // until the first frame
	fail   bool
	hang   bool
	said   []string
	began  []time.Time
	open   int
}

func (s *scriptedSpeaker) Speak(ctx context.Context, _ Where, _ persona.Voice, text string) (Utterance, error) {
	s.mu.Lock()
	s.said, s.began = append(s.said, text), append(s.began, time.Now())
	s.open++
	s.mu.Unlock()
	if s.fail {
		s.close()
		return nil, errors.New("no voice today")
	}
	return &scriptedUtterance{s: s, ctx: ctx, left: s.frames, wait: s.first}, nil
}

func (s *scriptedSpeaker) Able([]string) bool { return true }

func (s *scriptedSpeaker) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
}

type scriptedUtterance struct {
	s    *scriptedSpeaker
	ctx  context.Context
	left int
	wait time.Duration
}

func (u *scriptedUtterance) Next() (VoiceFrame, error) {
	if u.s.hang {
		<-u.ctx.Done()
		return VoiceFrame{}, u.ctx.Err()
	}
	select {
	case <-time.After(u.wait):
	case <-u.ctx.Done():
		return VoiceFrame{}, u.ctx.Err()
	}
	if u.wait = 0; u.left == 0 {
		return VoiceFrame{}, io.EOF
	}
	u.left--
	return VoiceFrame{Opus: []byte{0xfc}, Level: -30}, nil
}

func (u *scriptedUtterance) Close() { u.s.close() }

// scriptedHearing understands what a test says it does.
type scriptedHearing struct {
	mu    sync.Mutex
	texts []string // the last is repeated
	takes time.Duration
	err   error
	clips [][]Packet
}

func (h *scriptedHearing) Transcribe(ctx context.Context, _ Where, _ string, clip []Packet) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	select {
	case <-time.After(h.takes):
	case <-ctx.Done():
		return "", ctx.Err()
	}
	h.clips = append(h.clips, clip)
	if h.err != nil || len(h.texts) == 0 {
		return "", h.err
	}
	return h.texts[min(len(h.clips), len(h.texts))-1], nil
}

func (h *scriptedHearing) Able([]string) bool { return true }

// scriptedMemory has some notes and keeps what it is told.
type scriptedMemory struct {
	mu     sync.Mutex
	notes  []string
	turns  []persona.Turn
	met    map[string]bool
	hang   bool
	kept   []Experience
	recall int
}

func (m *scriptedMemory) Recall(ctx context.Context, _ string, _ earshot.ParticipantID, _ string, _ time.Time) (Recollection, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.recall++
	if m.hang {
		<-ctx.Done()
		return Recollection{}, ctx.Err()
	}
	return Recollection{Notes: m.notes, Turns: m.turns, Goals: m.met}, nil
}

func (m *scriptedMemory) Remember(ctx context.Context, _ string, _ earshot.ParticipantID, _ time.Time, e Experience) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.hang {
		<-ctx.Done()
		return ctx.Err()
	}
	m.kept = append(m.kept, e)
	return nil
}

func (m *scriptedMemory) Forget(context.Context, earshot.ParticipantID) error { return nil }
