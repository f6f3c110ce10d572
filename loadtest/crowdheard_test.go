package loadtest

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/loadtest/model"
	"earshot/spatialaudio/opus"
)

// The crowd that is listened to: a hundred who talk without end, a dozen metres
// from somebody who turns round once.
const (
	heardCrowd   = 100
	heardAway    = 13.0 // metres to the middle of the crowd, ahead at first
	heardRadius  = 6.0  // of the crowd
	heardTurn    = 16 * time.Second
	heardRate    = 48000
	mixedEar     = 900 // the number of the listener with a mix
	slottedEar   = 901 // and of one beside them, who is told where the beds are
	slottedSlots = 16
)

// TestCrowdIsHeardAround: a hundred bots talk all at once, too many to be heard one
// by one. Who has a binaural mix and turns round once hears them as beds ahead, at
// the left, behind and at the right. EARSHOT_SHOTS is a folder to draw it into:
//
//	EARSHOT_SHOTS=../docs go test -run CrowdIsHeardAround -v ./loadtest
func TestCrowdIsHeardAround(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := hearCrowd(t)
		for _, c := range []struct {
			what            string
			turned          float64 // degrees to the left
			least, greatest float64 // dB by which the right ear is louder
		}{
			{"ahead", 0, -2, 2}, {"at the right", 90, 3, 20}, {"behind", 180, -2, 2}, {"at the left", 270, -20, -3},
		} {
			left, right := h.levels(c.turned)
			t.Logf("the crowd %s: left ear %.1f dBFS, right ear %.1f", c.what, left, right)
			if d := right - left; d < c.least || d > c.greatest {
				t.Errorf("the crowd %s is %.1f dB louder at the right ear, want %v to %v", c.what, d, c.least, c.greatest)
			}
		}
		voices := 0
		for _, b := range h.beds {
			voices += b.Voices
		}
		t.Logf("%d beds of %d voices", len(h.beds), voices)
		if len(h.beds) < 4 || voices < 20 {
			t.Errorf("%d beds of %d voices, want 4 of 20 at least", len(h.beds), voices)
		}
		if folder := os.Getenv("EARSHOT_SHOTS"); folder != "" {
			if err := os.WriteFile(filepath.Join(folder, "crowd.svg"), []byte(h.svg()), 0o644); err != nil {
				t.Error(err)
			}
		}
	})
}

// heardAround is what the listener heard.
type heardAround struct {
	people []earshot.Vec3 // who talk; the listener is at the origin
	beds   []protocol.Bed
	ears   [2][]float64 // left and right, heardRate, of the whole turn
}

// heardPeople is how many they are: fewer under the race detector, where each costs
// ten times as much.
func heardPeople() int {
	if raceEnabled {
		return heardCrowd / 2
	}
	return heardCrowd
}

// hearCrowd has the crowd talk and the listener turn.
func hearCrowd(t *testing.T) *heardAround {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	s := newSimulation(t, 0)
	defer s.shutdown()
	h := &heardAround{}
	voices, random := model.Voices(), rand.New(rand.NewPCG(8, 26))
	for n := range uint32(heardPeople()) {
		at := earshot.Vec3{Z: -heardAway}
		r, a := heardRadius*math.Sqrt(random.Float64()), 2*math.Pi*random.Float64()
		at.X, at.Z = at.X+float32(r*math.Cos(a)), at.Z+float32(r*math.Sin(a))
		h.people = append(h.people, at)
		cfg := s.config(n)
		cfg.Token = s.token(fmt.Sprintf("bot %d", n), protocol.GrantPublishAudio, protocol.GrantPublishPose)
		cfg.Move, cfg.PoseEvery = &turner{at: at, began: s.start}, 500*time.Millisecond
		cfg.Speak, cfg.Talk, cfg.Sound = true, model.Unending(), voices[int(n)%len(voices)]
		cfg.Net, cfg.KeepMessages = s.attach(t, botAddress(n)), 1<<12
		s.bots[n] = s.join(ctx, cfg)
	}
	s.bots[slottedEar] = s.join(ctx, s.listening(slottedEar, func(cfg *Config) { cfg.Slots, cfg.Beds = slottedSlots, true }))
	track := &recorder{}
	turn := &turner{began: time.Now().Add(6 * time.Second), once: heardTurn} // time for beds and levels to settle
	s.bots[mixedEar] = s.join(ctx, s.listening(mixedEar, func(cfg *Config) {
		cfg.Slots, cfg.Mixed, cfg.Move, cfg.Sounds = 1, true, turn, track.take
	}))
	time.Sleep(time.Until(turn.began))
	track.start()
	time.Sleep(heardTurn)
	h.ears = track.decode(t)
	for _, slot := range s.bots[slottedEar].Slots().Voice {
		if slot.Bed != nil && !slot.Leaving {
			h.beds = append(h.beds, *slot.Bed)
		}
	}
	return h
}

// listening is one who stands at the origin, and says nothing.
func (s *simulation) listening(number uint32, more func(*Config)) Config {
	cfg := s.config(number)
	cfg.Move, cfg.KeepMessages = &turner{began: s.start}, 1<<12
	cfg.Net = s.attach(s.t, botAddress(number))
	more(&cfg)
	return cfg
}

// turner stands, and turns round once, to the left, from a time on.
type turner struct {
	at    earshot.Vec3
	began time.Time
	once  time.Duration // 0 does not turn
}

// Pose implements Mover.
func (m *turner) Pose(now time.Time) earshot.Pose {
	yaw := 0.0
	if m.once > 0 {
		yaw = 2 * math.Pi * min(max(now.Sub(m.began).Seconds()/m.once.Seconds(), 0), 1)
	}
	return earshot.Standing(m.at, float32(yaw))
}

// recorder keeps the packets of a mix from a time on.
type recorder struct {
	mu      sync.Mutex
	started bool
	packets [][]byte
}

func (r *recorder) start() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.started = true
}

func (r *recorder) take(_ int, _ *rtp.Header, opus []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.started {
		r.packets = append(r.packets, append([]byte(nil), opus...))
	}
}

// decode returns what was recorded, at both ears.
func (r *recorder) decode(t *testing.T) (ears [2][]float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var pool opus.Pool
	d, err := pool.Decoder(opus.DecoderConfig{Channels: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	pcm := make([]float32, d.MaxSamples())
	for _, p := range r.packets {
		n, err := d.Decode(p, pcm)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			ears[0], ears[1] = append(ears[0], float64(pcm[2*i])), append(ears[1], float64(pcm[2*i+1]))
		}
	}
	return ears
}

// levels are those at both ears while the listener has turned by about so much, in
// dBFS.
func (h *heardAround) levels(turned float64) (left, right float64) {
	const around = 20 // degrees
	var power [2]float64
	for ear, pcm := range h.ears {
		n := 0
		for i, v := range pcm {
			at := 360 * float64(i) / heardRate / heardTurn.Seconds()
			if math.Abs(math.Mod(at-turned+540, 360)-180) < around {
				power[ear] += v * v
				n++
			}
		}
		power[ear] /= float64(max(n, 1))
	}
	return decibels(power[0]), decibels(power[1])
}

// decibels are those of a power.
func decibels(power float64) float64 { return 10 * math.Log10(power+1e-12) }
