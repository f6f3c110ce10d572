package loadtest

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"earshot/gateway/protocol"
	"earshot/loadtest/model"
)

// TestPathsHearTheSame has two bots stand on one spot, one on each path, and a
// third talk to both over a network that loses nothing: both get the same
// frames, in the same order, at about the same time.
func TestPathsHearTheSame(t *testing.T) {
	node := startLoopback(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	hears := map[string]*hearsay{PathLean: {}, PathPion: {}}
	for i, path := range []string{PathLean, PathPion} {
		cfg := node.config(uint32(10 + i))
		cfg.Slots, cfg.Path, cfg.Hear = 2, path, hears[path].hear
		bot, err := Join(ctx, cfg)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		defer bot.Close()
	}
	cfg := node.config(1)
	cfg.Speak, cfg.Talk = true, TalkConfig{Spurt: time.Second, Pause: 300 * time.Millisecond, Level: -20, DTX: true}
	talker, err := Join(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer talker.Close()
	const want = 100
	lean, pion := hears[PathLean], hears[PathPion]
	from := func() uint32 { return max(lean.first(), pion.first()) } // both are told of the talker, one after the other
	until(t, ctx, "voice on both paths", func() bool { return len(lean.since(from())) > want && len(pion.since(from())) > want })
	a, b := lean.voiced(from(), want), pion.voiced(from(), want)
	if !slices.Equal(a, b) {
		t.Errorf("lean heard  %v\npion heard %v", a, b)
	}
}

// hearsay is what came of a slot.
type hearsay struct {
	mu  sync.Mutex
	all []Received
}

func (h *hearsay) hear(_ int, _ time.Time, r *Received) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, *r)
}

// first is the tick of the first frame.
func (h *hearsay) first() uint32 {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.all) == 0 {
		return 0
	}
	return h.all[0].Frame.Tick
}

// since is what came from the first frame of a tick, or after it, on.
func (h *hearsay) since(tick uint32) []Received {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range h.all {
		if h.all[i].Frame.Tick >= tick {
			return slices.Clone(h.all[i:])
		}
	}
	return nil
}

// voiced is what does not depend on the listener: n frames from a tick on, and how
// sequence numbers and time stamps go on from the first.
func (h *hearsay) voiced(tick uint32, n int) (frames [][5]uint32) {
	all := h.since(tick)
	first := all[0]
	for _, r := range all[:n] {
		frames = append(frames, [5]uint32{
			r.Frame.Bot, r.Frame.Tick, uint32(r.Frame.Into), uint32(r.Seq - first.Seq), r.Timestamp - first.Timestamp,
		})
	}
	return frames
}

// TestPathsShow has a camera of each codec on each path watched on both, over
// a network that loses 2 % of all datagrams: frames arrive whole.
func TestPathsShow(t *testing.T) {
	t.Parallel()
	for _, codec := range []string{codecVP8, codecH264} {
		for _, path := range []string{PathLean, PathPion} {
			t.Run(codec+" "+path, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { pathShows(t, codec, path) }) })
		}
	}
}

func pathShows(t *testing.T, codec, path string) {
	s := newSimulation(t, 0.02)
	defer s.shutdown()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	see := map[string]*sight{PathLean: {}, PathPion: {}}
	for i, p := range []string{PathLean, PathPion} {
		cfg := s.config(uint32(2 + i))
		cfg.Net = s.attach(t, botAddress(cfg.Number))
		cfg.VideoSlots, cfg.Path, cfg.See, cfg.KeepMessages = 1, p, see[p].see, 64
		s.bots[cfg.Number] = s.join(ctx, cfg)
	}
	film, err := model.NewFilm(codec, []model.FilmLayer{{Width: 320, FPS: 15, Kbps: 300}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	cfg := s.config(1)
	cfg.Token = s.token("bot 1", protocol.GrantPublishVideo, protocol.GrantPublishPose)
	cfg.Net = s.attach(t, botAddress(1))
	cfg.Path, cfg.KeepMessages = path, 64
	cfg.Video = &VideoConfig{Codec: codec, Layers: []Layer{{Width: 320, FPS: 15, Kbps: 300}}, Source: film}
	s.bots[1] = s.join(ctx, cfg)
	time.Sleep(10 * time.Second)
	synctest.Wait()
	for p, v := range see {
		v.mu.Lock()
		v.count()
		t.Logf("%s to %s: %d frames ended, %d whole, %d key frames, worst latency %v, %d kB", path, p, v.ended, v.whole, v.keys, v.worst, v.bytes/1000)
		if v.ended < 120 || v.keys == 0 || v.whole < v.ended*97/100 || v.bytes < 200_000 {
			t.Errorf("%s to %s: %d frames ended, %d of them whole, %d key frames, %d bytes", path, p, v.ended, v.whole, v.keys, v.bytes)
		}
		v.mu.Unlock()
	}
}

// shown is one frame.
type shown struct {
	packets map[uint16]bool
	want    int // 0 while the mark has not come
}

// sight is what came of a video slot.
type sight struct {
	mu                 sync.Mutex
	ended, whole, keys int
	bytes              int
	worst              time.Duration
	frames             map[uint32]*shown // by time stamp
}

func (s *sight) see(_ int, at time.Time, p *VideoPacket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.frames == nil {
		s.frames = map[uint32]*shown{}
	}
	f := s.frames[p.Timestamp]
	if f == nil {
		f = &shown{packets: map[uint16]bool{}}
		s.frames[p.Timestamp] = f
	}
	s.bytes += p.Bytes
	f.packets[p.Seq] = true
	if p.First && p.Key {
		s.keys++
	}
	if p.Marked {
		s.worst = max(s.worst, at.Sub(p.Mark.At))
		f.want = int(p.Mark.Packets)
	}
}

// count counts frames, those repaired included.
func (s *sight) count() {
	for _, f := range s.frames {
		if f.want > 0 {
			s.ended++
		}
		if f.want == len(f.packets) {
			s.whole++
		}
	}
}
