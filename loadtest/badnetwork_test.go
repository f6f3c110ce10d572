package loadtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"earshot/gateway/protocol"
	"earshot/loadtest/model"
	"earshot/loadtest/netsim"
	"earshot/loadtest/truth"
)

// plots returns where to write the plots of docs/, "" for nowhere:
//
//	EARSHOT_PLOTS=$PWD/docs go test -run 'TestVoiceOnBadNetwork|TestDownlinkIsCut' ./loadtest
func plots() string { return os.Getenv("EARSHOT_PLOTS") }

// opinions is what a listener makes of the voices that come.
type opinions struct {
	mu     sync.Mutex
	ledger *truth.Ledger
}

func (o *opinions) hear(slot int, at time.Time, r *Received) {
	o.mu.Lock()
	defer o.mu.Unlock()
	p := truth.Packet{Slot: slot, At: at, Seq: r.Seq, Timestamp: r.Timestamp, Voiced: r.Voiced}
	if r.Voiced {
		f := &r.Frame
		p.Talker, p.Tick, p.Sent, p.Into, p.SentAt = f.Bot, f.Tick, f.Sent, f.Into, f.At
	}
	o.ledger.Heard(&p)
}

// voiceResult is how voices were on a network.
type voiceResult struct {
	mos       float64 // mean over listeners and ten seconds
	missing   float64 // share of frames that never came
	concealed float64 // that came too late, or not at all
	bytes     uint64  // to all listeners
}

// measureVoices has three people talk to each other for a minute, all of them
// on the same kind of network, and returns how they heard each other once the
// first 20 s had passed. With repair they do what browsers do: they take redundancy, and
// send it themselves.
func measureVoices(t *testing.T, path netsim.Path, repair bool, seed uint64) (r voiceResult) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newSimulation(t, 0)
		defer s.shutdown()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		all := map[uint32]*opinions{}
		for n := uint32(1); n <= 3; n++ {
			o := &opinions{ledger: truth.NewLedger(n, 4)}
			all[n] = o
			cfg := s.config(n)
			cfg.Net = netsim.NewNet(s.attach(t, botAddress(n)), path, seed<<8|uint64(n))
			cfg.Slots, cfg.Speak, cfg.KeepMessages, cfg.Hear = 4, true, 1<<12, o.hear
			cfg.Talk = TalkConfig{Spurt: 4 * time.Second, Pause: time.Second, Level: -24}
			if cfg.Repair = repair; repair && (path.Up.Loss.Rate > 0) {
				cfg.RED = maxRED
			}
			s.bots[n] = s.join(ctx, cfg)
		}
		each := func(f func(o *opinions)) {
			synctest.Wait()
			for _, o := range all {
				o.mu.Lock()
				f(o)
				o.mu.Unlock()
			}
		}
		time.Sleep(20 * time.Second)
		each(func(o *opinions) { o.ledger.Reset() })
		for _, b := range s.bots {
			r.bytes -= b.Traffic().Down.Voice.Bytes
		}
		for range 6 {
			time.Sleep(10 * time.Second)
			each(func(o *opinions) { o.ledger.Figures() }) // forms an opinion
		}
		for _, b := range s.bots {
			r.bytes += b.Traffic().Down.Voice.Bytes
		}
		var sum truth.Figures
		each(func(o *opinions) { sum.Merge(o.ledger.Figures()) })
		r.mos = sum.MOS.Mean()
		r.missing = 1 - float64(sum.Received)/float64(max(1, sum.Expected))
		r.concealed = float64(sum.Concealed) / float64(max(1, sum.Frames))
		if sum.Received < 3000 {
			t.Errorf("only %d frames came", sum.Received)
		}
	})
	return r
}

// badPath is a network of 100 ms with 30 ms of jitter, the same both ways.
func badPath(loss, burst float64) netsim.Path {
	p := netsim.Profile{Delay: 100 * time.Millisecond, Jitter: 30 * time.Millisecond, Loss: netsim.Loss{Rate: loss, Burst: burst}}
	return netsim.Path{Up: p, Down: p}
}

// measureNetworks is measureVoices over so many networks of a kind: one alone
// may be 0.1 MOS better or worse than another of the same loss.
func measureNetworks(t *testing.T, path netsim.Path, repair bool, networks int) (r voiceResult) {
	t.Helper()
	for seed := range networks {
		one := measureVoices(t, path, repair, uint64(seed))
		r.mos += one.mos / float64(networks)
		r.missing += one.missing / float64(networks)
		r.concealed += one.concealed / float64(networks)
		r.bytes += one.bytes / uint64(networks)
	}
	return r
}

// TestVoiceOnBadNetwork: voices over two networks in a row, the talker's and the
// listener's, that each lose 2 or 5 % of all packets, on their own or two in a
// row, are at most 0.2 MOS worse than over the same without loss; 0.3 where one
// network of a kind has to do. What is measured for the plot alone is measured
// where that is wanted.
func TestVoiceOnBadNetwork(t *testing.T) {
	t.Parallel()
	losses, networks, worse := []float64{0, 0.02, 0.05}, 4, 0.2
	switch {
	case plots() != "":
		losses, networks = []float64{0, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1}, 6
	case raceEnabled:
		losses, networks, worse = []float64{0, 0.05}, 1, 0.3
	}
	chart := chart{
		title: "Voice over two lossy networks: MOS by the E-model", xUnit: "% of packets lost, each way", yUnit: "MOS",
		yLeast: 1.5, yMost: 4,
	}
	var best float64
	for _, c := range []struct {
		name   string
		burst  float64
		repair bool
	}{{"redundancy, single losses", 1, true}, {"redundancy, losses in twos", 2, true}, {"plain Opus, single losses", 1, false}} {
		line := series{name: c.name}
		for _, loss := range losses {
			if plots() == "" && (!c.repair || loss == 0 && best != 0) { // nothing is asked of it
				continue
			}
			r := measureNetworks(t, badPath(loss, c.burst), c.repair, networks)
			t.Logf("%s: %.1f %% lost each way: MOS %.2f, %.2f %% missing, %.2f %% concealed, %d kB", c.name, 100*loss, r.mos, 100*r.missing, 100*r.concealed, r.bytes/1000)
			line.points = append(line.points, point{100 * loss, r.mos})
			if loss == 0 && c.repair && best == 0 {
				best = r.mos
			}
			if c.repair && loss <= 0.05 && r.mos < best-worse {
				t.Errorf("%s: MOS %.2f at %.0f %% loss, want at least %.2f, %.1f less than without", c.name, r.mos, 100*loss, best-worse, worse)
			}
		}
		chart.lines = append(chart.lines, line)
	}
	chart.marks = []mark{{y: best - 0.2, text: "0.2 below no loss"}}
	chart.write(t, "bad-network-voice.svg")
}

// When the downlink changes: 3 Mbit/s, 500 kbit/s, 3 Mbit/s.
const (
	cutAt  = 25 * time.Second
	openAt = 45 * time.Second
	cutEnd = 65 * time.Second
)

const bestLayer = 2 // of the camera's three

// watcher is a viewer's decoder and what it shows.
type watcher struct {
	mu     sync.Mutex
	start  time.Time
	frames map[frameKey]*partial
	last   frameKey
	begun  bool
	shown  []display
}

type frameKey struct {
	layer uint8
	frame uint32
}

type partial struct {
	packets map[uint16]bool
	want    int
	key     bool
	id      frameKey
	marked  bool
	sent    time.Time
}

// display is a frame that was shown.
type display struct {
	at, sent time.Duration // since the beginning
	layer    uint8
}

// see takes a packet. Frames are told by their time stamps until the mark in
// their last packet comes.
func (w *watcher) see(stamps map[uint32]*partial, at time.Time, p *VideoPacket) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := stamps[p.Timestamp]
	if f == nil {
		f = &partial{packets: map[uint16]bool{}}
		stamps[p.Timestamp] = f
	}
	f.packets[p.Seq] = true
	f.key = f.key || p.First && p.Key
	if p.Marked {
		f.marked, f.want, f.sent = true, int(p.Mark.Packets), p.Mark.At
		f.id = frameKey{p.Mark.Layer, p.Mark.Frame}
	}
	if !f.marked || len(f.packets) < f.want {
		return
	}
	if w.frames[f.id] == nil {
		w.frames[f.id] = f
		w.show(f, at)
	}
}

// show shows a whole frame, if it can be decoded, and those after it that were
// waiting for it.
func (w *watcher) show(f *partial, at time.Time) {
	follows := w.begun && f.id.layer == w.last.layer && f.id.frame == w.last.frame+1
	newer := !w.begun || int32(f.id.frame-w.last.frame) >= 0 // two layers may show one moment
	if !follows && !(f.key && newer) {
		return
	}
	for f != nil {
		w.begun, w.last = true, f.id
		w.shown = append(w.shown, display{at.Sub(w.start), f.sent.Sub(w.start), f.id.layer})
		f = w.frames[frameKey{f.id.layer, f.id.frame + 1}]
	}
}

// cutResult is what a viewer had of a cut.
type cutResult struct {
	settled, back         time.Duration // after the cut, and after the downlink was open again
	freeze, freezeAfter   time.Duration // longest between two frames, from the cut on for 5 s, and after that
	late                  time.Duration // of a frame from 3 s after the cut on, at 500 kbit/s
	voiceLost, voiceTotal int64
	shown                 []display
	voice                 []display // each frame of voice
	rate                  []point   // kbit/s of all that came
}

// cut is a downlink that is cut. How long the picture stands depends on what is
// under way just then, and so on when it comes between two frames, two feedbacks
// and two ticks.
type cut struct {
	delay, queue time.Duration
	shift        time.Duration // so much after cutAt
	key          time.Duration // so long after the cut a key frame of the best layer
}

// operator asks a camera for a key frame of its best layer once, so that those
// which come by themselves, a few seconds apart, come at known times.
type operator struct {
	VideoSource
	at atomic.Int64 // Unix time in ns; 0 is never
}

func (o *operator) Next(layer int, want bool) (frame []byte, key bool) {
	if at := o.at.Load(); layer == bestLayer && at != 0 && time.Now().UnixNano() >= at {
		o.at.Store(0)
		want = true
	}
	return o.VideoSource.Next(layer, want)
}

// measureCut has a viewer watch a camera of three layers and hear two people
// over a downlink that is cut.
func measureCut(t *testing.T, c cut) (r cutResult) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newSimulation(t, 0)
		defer s.shutdown()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		film, err := model.NewFilm(codecVP8, []model.FilmLayer{
			{Width: 320, FPS: 30, Kbps: 150}, {Width: 640, FPS: 30, Kbps: 500}, {Width: 1280, FPS: 30, Kbps: 1700},
		}, 1)
		if err != nil {
			t.Fatal(err)
		}
		camera := &operator{VideoSource: film}
		for n := uint32(1); n <= 2; n++ {
			cfg := s.config(n)
			cfg.Net = s.attach(t, botAddress(n))
			cfg.Speak, cfg.KeepMessages, cfg.Talk = true, 1<<12, TalkConfig{Spurt: time.Hour, Level: -24}
			if n == 1 {
				cfg.Token = s.token("bot 1", protocol.GrantPublishVideo, protocol.GrantPublishAudio, protocol.GrantPublishPose)
				cfg.Repair = true
				cfg.Video = &VideoConfig{Codec: codecVP8, Simulcast: true, Source: camera, Layers: []Layer{
					{RID: "l", FPS: 30}, {RID: "m", FPS: 30}, {RID: "h", FPS: 30},
				}}
			}
			s.bots[n] = s.join(ctx, cfg)
		}
		start := time.Now()
		camera.at.Store(start.Add(cutAt + c.shift + c.key).UnixNano())
		path := netsim.Path{
			Up: netsim.Profile{Delay: c.delay},
			Down: netsim.Profile{Delay: c.delay, Rate: 3_000_000, Queue: c.queue, Steps: []netsim.Step{
				{At: cutAt + c.shift, Rate: 500_000}, {At: openAt, Rate: 3_000_000},
			}},
		}
		w := &watcher{start: start, frames: map[frameKey]*partial{}}
		stamps := map[uint32]*partial{}
		ear := &opinions{ledger: truth.NewLedger(3, 4)}
		var spoken []display
		cfg := s.config(3)
		cfg.Net = netsim.NewNet(s.attach(t, botAddress(3)), path, 5)
		cfg.Slots, cfg.VideoSlots, cfg.KeepMessages, cfg.Repair = 4, 1, 1<<12, true
		cfg.See = func(_ int, at time.Time, p *VideoPacket) { w.see(stamps, at, p) }
		cfg.Hear = func(slot int, at time.Time, f *Received) {
			ear.hear(slot, at, f)
			if f.Voiced {
				ear.mu.Lock()
				spoken = append(spoken, display{at.Sub(start), f.Frame.At.Sub(start), 0})
				ear.mu.Unlock()
			}
		}
		s.bots[3] = s.join(ctx, cfg)
		account := func() (received, expected int64) {
			synctest.Wait()
			ear.mu.Lock()
			defer ear.mu.Unlock()
			f := ear.ledger.Figures()
			return f.Received, f.Expected
		}
		var received, expected int64
		was := s.bots[3].Traffic().Down
		for at := time.Duration(0); at < cutEnd; at += 250 * time.Millisecond {
			time.Sleep(time.Until(start.Add(at)))
			if at == cutAt {
				received, expected = account()
			}
			is := s.bots[3].Traffic().Down
			r.rate = append(r.rate, point{at.Seconds(), float64(is.Voice.Bytes+is.Video.Bytes-was.Voice.Bytes-was.Video.Bytes) * 8 / 250})
			was = is
		}
		gotNow, dueNow := account()
		r.voiceTotal = dueNow - expected
		r.voiceLost = r.voiceTotal - (gotNow - received)
		w.mu.Lock()
		r.shown = w.shown
		w.mu.Unlock()
		r.voice = spoken
		r.judge(c)
	})
	return r
}

// judge works out the figures.
func (r *cutResult) judge(c cut) {
	const fits = 0 // 500 kbit/s carry the lowest layer beside two voices
	cutAt := cutAt + c.shift
	var last time.Duration
	for _, d := range r.shown {
		gap := d.at - last
		switch {
		case d.at < cutAt || last == 0:
		case d.at < cutAt+5*time.Second:
			r.freeze = max(r.freeze, gap)
		default:
			r.freezeAfter = max(r.freezeAfter, gap)
		}
		last = d.at
		late := d.at - d.sent - c.delay
		if d.at >= cutAt && d.at < openAt && (d.layer > fits || late > 250*time.Millisecond) && d.at < cutAt+10*time.Second {
			r.settled = d.at - cutAt
		}
		if d.at >= cutAt+3*time.Second && d.at < openAt {
			r.late = max(r.late, late)
		}
		if d.at >= openAt && d.layer == bestLayer && r.back == 0 {
			r.back = d.at - openAt
		}
	}
}

// cutPaths are the ways over which TestDownlinkIsCut's viewer watches.
var cutPaths = []struct {
	name         string
	delay, queue time.Duration
}{
	{"near", 20 * time.Millisecond, 400 * time.Millisecond},
	{"far", 50 * time.Millisecond, 600 * time.Millisecond},
}

// TestDownlinkIsCut cuts a viewer's downlink from 3 Mbit/s to 500 kbit/s and
// opens it again after 20 s: within 3 s what is sent fits, no picture stands for
// more than half a second, no voice is lost, and the best layer is back within
// 10 s, whenever between two pictures, feedbacks and ticks it is cut.
func TestDownlinkIsCut(t *testing.T) {
	t.Parallel()
	const quiet = -1500 * time.Millisecond // no key frame comes by itself within as much of the cut
	step := 25 * time.Millisecond
	if raceEnabled {
		step = 100 * time.Millisecond
	}
	for _, path := range cutPaths {
		for shift := time.Duration(0); shift < 200*time.Millisecond; shift += step {
			r := measureCut(t, cut{path.delay, path.queue, shift, quiet})
			r.check(t, fmt.Sprintf("%s, %v later", path.name, shift), 500*time.Millisecond)
			if shift == 0 {
				r.plot(t, "bad-network-cut-"+path.name+".svg")
			}
		}
	}
}

// TestDownlinkIsCutAtAKeyFrame: where a key frame of the best layer is the first
// that the cut downlink gets, it fills the whole queue before anybody can know of
// the cut. All of that has to leave before another picture can come, so that this
// one stands for as long as the queue is and what it takes to notice and to begin
// again, at most half a second.
func TestDownlinkIsCutAtAKeyFrame(t *testing.T) {
	t.Parallel()
	keys := []time.Duration{10, 40, 70}
	if raceEnabled {
		keys = keys[:1]
	}
	for _, path := range cutPaths {
		for _, key := range keys {
			r := measureCut(t, cut{path.delay, path.queue, 0, key * time.Millisecond})
			r.check(t, fmt.Sprintf("%s, key frame %d ms later", path.name, key), path.queue+500*time.Millisecond)
		}
	}
}

// check holds what is asked of every cut, and how long a picture may stand.
func (r *cutResult) check(t *testing.T, name string, freeze time.Duration) {
	t.Helper()
	t.Logf("%s: settled after %v, longest freeze %v, later %v, latest frame %v, %d of %d frames of voice lost, best layer back after %v",
		name, r.settled, r.freeze, r.freezeAfter, r.late, r.voiceLost, r.voiceTotal, r.back)
	switch {
	case len(r.shown) < 1200:
		t.Errorf("%s: only %d frames were shown", name, len(r.shown))
	case r.settled > 3*time.Second || r.freeze > freeze || r.freezeAfter > 500*time.Millisecond:
		t.Errorf("%s: settled after %v, froze for %v and later %v, want 3s, %v, 500ms", name, r.settled, r.freeze, r.freezeAfter, freeze)
	case r.voiceLost > 0:
		t.Errorf("%s: %d frames of voice were lost", name, r.voiceLost)
	case r.back == 0 || r.back > 10*time.Second:
		t.Errorf("%s: the best layer came back after %v, want 10s", name, r.back)
	}
}

func (r *cutResult) plot(t *testing.T, name string) {
	layers := series{name: "rate of the layer shown, kbit/s", steps: true}
	rates := [...]float64{150, 500, 1700}
	for i, d := range r.shown {
		if i == 0 || d.layer != r.shown[i-1].layer || i == len(r.shown)-1 {
			layers.points = append(layers.points, point{d.at.Seconds(), rates[d.layer]})
		}
	}
	capacity := series{name: "what the downlink carries, kbit/s", steps: true, points: []point{
		{0, 3000}, {cutAt.Seconds(), 500}, {openAt.Seconds(), 3000}, {cutEnd.Seconds(), 3000},
	}}
	late := series{name: "delay of voices, ms"}
	for _, v := range r.voice {
		late.points = append(late.points, point{v.at.Seconds(), float64(v.at-v.sent) / float64(time.Millisecond)})
	}
	chart := chart{
		title: "A downlink cut from 3 Mbit/s to 500 kbit/s and opened again", xUnit: "seconds", yUnit: "kbit/s, ms", yMost: 3000,
		lines: []series{capacity, {name: "received, kbit/s", points: r.rate}, layers, late},
	}
	chart.write(t, name)
}

func (c *chart) write(t *testing.T, name string) {
	if dir := plots(); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(c.svg()), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Log(fmt.Sprintf("wrote %s", name))
	}
}
