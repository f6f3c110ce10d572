package scenario

import (
	"math"
	"time"

	"earshot"
	"earshot/loadtest/model"
)

// Purposes of seeds.
const (
	seedMember = iota + 1 // one participant
	seedWalk              // those who walk together
	seedTalk              // those who talk together
)

// SeedOf returns the seed of what member number i, from 0, of a group does for
// itself.
func (s *Scenario) SeedOf(group, i int) uint64 { return s.seed(seedMember, group, i) }

// seed spreads the scenario's seed with splitmix64 (Steele, Lea and Flood
// 2014), so that neighbours have nothing in common.
func (s *Scenario) seed(purpose, group, i int) uint64 {
	z := s.Seed
	for _, part := range []int{purpose, group, i} {
		z += 0x9e3779b97f4a7c15 * (uint64(part) + 1)
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		z ^= z >> 31
	}
	return z
}

// Mover returns how member number i of a group moves from start on, which must
// be the same for all of a scenario, whenever they join: those who walk
// together agree on it.
func (s *Scenario) Mover(group, i int, start time.Time) model.Mover {
	m := &s.Groups[group].Move
	own := s.SeedOf(group, i)
	var mover model.Mover
	switch m.Kind {
	case "wander":
		mover = model.NewWalker(m.walk(), own, start)
	case "group":
		size := min(m.Size, s.Groups[group].Count-i/m.Size*m.Size)
		cfg := model.GroupConfig{Walk: m.walk(), Spread: m.Spread, Size: size}
		mover = model.NewFollower(cfg, s.seed(seedWalk, group, i/m.Size), i%m.Size, start)
	case "flow":
		mover = model.NewFlow(model.FlowConfig{
			Centre: place(m.Centre), Radius: m.Radius, Stage: place(m.Stage), Yaw: radians(m.Yaw),
			Near: m.Near, Far: m.Far, Speed: m.Speed, Over: m.Over,
		}, own, start)
	case "teleport":
		mover = model.NewTeleporter(model.TeleportConfig{Centre: place(m.Centre), Radius: m.Radius, Every: m.Every}, own, start)
	default: // stand and spot
		mover = model.NewStander(model.SpotConfig{Centre: place(m.Centre), Radius: m.Radius, Sway: m.Sway, Yaw: radians(m.Yaw)}, own, start)
	}
	if m.Clip {
		return model.NewWearer(mover, own, start)
	}
	return mover
}

func (m *Move) walk() model.WalkConfig {
	return model.WalkConfig{Centre: place(m.Centre), Radius: m.Radius, Speed: m.Speed, Stay: m.Stay, Yaw: radians(m.Yaw)}
}

// Talking returns how member number i of a group talks, or nil of the silent,
// who need no microphone. It begins with the scenario's first frame; who joins
// later must let model.Skip pass what it missed, so that people who talk with
// one another agree on whose turn it is.
func (s *Scenario) Talking(group, i int) model.Talking {
	g := &s.Groups[group]
	own := s.SeedOf(group, i)
	cfg := model.DefaultTalk()
	switch t := &g.Talk; t.Kind {
	case "silent":
		return nil
	case "stage":
		return model.NewPerformer(t.Level, own)
	case "conversation":
		round := i / t.Members
		members := min(t.Members, g.Count-round*t.Members)
		return model.NewConversation(model.ConversationConfig{Members: members, Level: t.Level, DTX: t.DTX},
			s.seed(seedTalk, group, round), i%t.Members)
	case "monologue":
		cfg = model.Monologue()
	case "everyone":
		cfg = model.Unending()
	}
	cfg.Level, cfg.DTX = g.Talk.Level, g.Talk.DTX
	return model.NewTalker(cfg, own)
}

// usualRate is how many join a second where a group does not say.
const usualRate = 10

// JoinAfter returns how long after the scenario's start member number i of a
// group sets out to join.
func (s *Scenario) JoinAfter(group, i int) time.Duration {
	g := &s.Groups[group]
	switch j := g.Join; {
	case j.Storm:
		return 0
	case j.Over > 0:
		return time.Duration(float64(j.Over) * float64(i) / float64(max(1, g.Count)))
	case j.Rate > 0:
		return time.Duration(float64(i) / j.Rate * float64(time.Second))
	}
	return time.Duration(i) * time.Second / usualRate
}

// JoinedAfter returns how long after the start the last sets out to join.
func (s *Scenario) JoinedAfter() (last time.Duration) {
	for g := range s.Groups {
		last = max(last, s.JoinAfter(g, s.Groups[g].Count-1))
	}
	return last
}

func place(p [3]float64) earshot.Vec3 {
	return earshot.Vec3{X: float32(p[0]), Y: float32(p[1]), Z: float32(p[2])}
}

func radians(degrees float64) float32 { return float32(degrees * math.Pi / 180) }
