package desk

import (
	"cmp"
	"context"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"earshot"
	"earshot/sfu"
	"earshot/spatialaudio/binaural"
	"earshot/spatialaudio/crowd"
	"earshot/spatialaudio/hrtf"
	"earshot/spatialaudio/opus"
	"earshot/spatialaudio/reverb"

	"github.com/prometheus/client_golang/prometheus"
)

// beat is how often a mix has a packet.
const beat = 20 * time.Millisecond

// maxLate is how late a beat may be before those that were missed are given up.
const maxLate = 5 * beat

// Config is what an operator decides.
type Config struct {
	// Listeners is how many may get a mix at once; 0 for none. Each takes about
	// half a percent of a core.
	Listeners int `yaml:"listeners"`
	// Bitrate of a mix in bit/s, without headers, which take 20,000 more.
	Bitrate int `yaml:"bitrate"`
	// Beds is how many sounds a crowd is mixed to at most, for those around whom
	// more talk than they can hear one by one; 0 for none. Each place has so many.
	Beds int `yaml:"beds"`
	// Talkers is how many voices are decoded at once at most: those in beds first,
	// then those whom most listeners hear. A thousand take one and a half cores.
	Talkers int `yaml:"talkers"`
}

// DefaultConfig returns what suits a small machine.
func DefaultConfig() Config {
	return Config{Listeners: 100, Bitrate: 56_000, Beds: 32, Talkers: 400}
}

// Validate returns an *earshot.Error that names the first field that cannot be.
func (c *Config) Validate() error {
	switch {
	case c.Listeners < 0 || c.Listeners > 100_000:
		return earshot.Errorf(earshot.CodeInvalidArgument, "listeners: %d is outside 0 to 100000", c.Listeners)
	case c.Bitrate < 32_000 || c.Bitrate > 256_000:
		return earshot.Errorf(earshot.CodeInvalidArgument, "bitrate: %d is outside 32000 to 256000: below that Opus loses what is between the ears", c.Bitrate)
	case c.Beds < 0 || c.Beds > 4096:
		return earshot.Errorf(earshot.CodeInvalidArgument, "beds: %d is outside 0 to 4096", c.Beds)
	case c.Talkers < 1 || c.Talkers > 100_000:
		return earshot.Errorf(earshot.CodeInvalidArgument, "talkers: %d is outside 1 to 100000", c.Talkers)
	}
	return nil
}

// encoder: without SILK, which turns two ears into one at low rates, and at the
// least complexity, which costs a fifth and is not worse at this rate.
func (c *Config) encoder() opus.EncoderConfig {
	return opus.EncoderConfig{Channels: 2, Application: opus.LowDelay, Bitrate: c.Bitrate}
}

// Deps is what a Desk works with.
type Deps struct {
	Log     *slog.Logger
	Metrics prometheus.Registerer
	SFU     *sfu.SFU
	Opus    *opus.Pool
	Audit   Audit // nil: nobody asks
}

// Desk mixes for the listeners of a node.
type Desk struct {
	cfg     Config
	deps    Deps
	pool    *opus.Pool
	metrics *metrics
	filters func() (*binaural.Filters, error) // made when the first listener comes
	rooms   *reverb.Rooms

	// order is held for reading while something is mixed, and for writing by
	// whoever forbids something: with the order given, no mix goes on that does
	// not obey it. It is taken before all other locks.
	order sync.RWMutex

	mu        sync.Mutex // guards what follows
	listeners map[*Listener]struct{}
	voices    map[*sfu.Publication]*voice
	crowds    map[*Crowd]struct{} // that have beds
	wake      chan struct{}       // the first listener or bed came

	// planning is held while a crowd is planned, and taken before order.
	planning sync.Mutex
	plans    chan *Crowd // that wait for it

	beats atomic.Int64

	// Only Run's goroutine changes these, while no worker is at work.
	workers []*worker
	playing []*voice
	bedding []*bed
	mixing  []*Listener
	part    part
	items   int // of part
	beatNow int64
	due     time.Time
	next    atomic.Int64 // what nobody does yet of the part
	helping sync.WaitGroup
}

// worker is what one goroutine mixes with.
type worker struct {
	mixer  *binaural.Mixer
	heard  []binaural.Heard
	ears   binaural.Stereo
	ages   ages                    // of what is in ears
	sum    [binaural.Block]float32 // of a bed
	packet [opus.MaxPacket]byte

	left, right [binaural.Block]float32 // of a room

	help func() // does the work of the desk with this worker

	auditor *auditor // nil: nobody asks
}

func (d *Desk) newWorker(filters *binaural.Filters) *worker {
	w := &worker{mixer: binaural.NewMixer(filters), heard: make([]binaural.Heard, 0, MaxVoices+2*crowd.MaxPerListener)}
	w.help = func() { d.do(w) }
	if d.deps.Audit != nil {
		w.witness()
	}
	return w
}

// New returns a Desk. Errors are *earshot.Error.
func New(cfg Config, deps Deps) (*Desk, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Desk{
		cfg: cfg, deps: deps, pool: deps.Opus, metrics: newMetrics(deps.Metrics), rooms: reverb.NewRooms(),
		filters: sync.OnceValues(func() (*binaural.Filters, error) {
			table, err := hrtf.KEMAR()
			if err != nil {
				return nil, err
			}
			return binaural.NewFilters(table)
		}),
		listeners: make(map[*Listener]struct{}),
		voices:    make(map[*sfu.Publication]*voice),
		crowds:    make(map[*Crowd]struct{}),
		plans:     make(chan *Crowd, maxPlans),
		wake:      make(chan struct{}, 1),
	}, nil
}

// Listen begins a mix, silent until Set. The first call takes some tenths of a
// second. Errors are *earshot.Error: resource_exhausted where no more can be
// mixed for.
func (d *Desk) Listen() (*Listener, error) {
	if _, err := d.filters(); err != nil {
		return nil, err
	}
	l := &Listener{desk: d, denied: make(map[earshot.ParticipantID]struct{}), head: earshot.Transform{Rotation: earshot.Identity}}
	if err := l.equip(); err != nil {
		return nil, err
	}
	l.source = d.deps.SFU.NewMix()
	l.publication = l.source.Publication()
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.listeners) >= d.cfg.Listeners {
		l.encoder.Close()
		l.source.Close()
		return nil, earshot.Errorf(earshot.CodeResourceExhausted, "the server mixes for %d listeners already, which is all it may: stay with voice slots", len(d.listeners))
	}
	d.listeners[l] = struct{}{}
	d.metrics.listeners.Set(float64(len(d.listeners)))
	d.rouse()
	return l, nil
}

// rouse begins the beat, if it rests.
func (d *Desk) rouse() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// forget ends what belongs to a listener.
func (d *Desk) forget(l *Listener) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.listeners, l)
	d.metrics.listeners.Set(float64(len(d.listeners)))
}

// Silence forgets all that a publication has said and that nobody has heard yet:
// it was muted, or its owner must leave. When Silence returns, nothing of that
// is in any later packet. What it says afterwards is heard again.
func (d *Desk) Silence(p *sfu.Publication) {
	d.mu.Lock()
	t := d.voices[p]
	d.mu.Unlock()
	if t == nil {
		return
	}
	spare := d.spare(d.listening(p) + d.hearingInBeds(t))
	beds := d.silence(t, &spare)
	spare.close()
	for _, b := range beds { // what was written and has not left yet
		b.source.Interrupt()
	}
}

// silence takes a voice out of all that is mixed, and returns the beds that it
// was in.
func (d *Desk) silence(t *voice, spare *spares) (beds []*bed) {
	d.order.Lock()
	defer d.order.Unlock()
	t.flush()
	d.mu.Lock()
	defer d.mu.Unlock()
	for c := range d.crowds {
		beds = c.silence(t, beds, spare)
	}
	for l := range d.listeners {
		if l.state.Drop(&t.source) {
			l.renew(spare)
		}
	}
	return beds
}

// hears reports whether p is in the listener's list. mu is held.
func (l *Listener) hears(p *sfu.Publication) bool {
	for i := range l.voices {
		if l.voices[i].Publication == p {
			return true
		}
	}
	return false
}

// voice returns that of a publication, a new one where nobody heard it.
func (d *Desk) voice(p *sfu.Publication) *voice {
	d.mu.Lock()
	t := d.voices[p]
	d.mu.Unlock()
	if t != nil {
		t.heard.Store(d.beats.Load())
		return t
	}
	fresh := d.newVoice(p) // calls the SFU: without a lock
	fresh.heard.Store(d.beats.Load())
	d.mu.Lock()
	t = d.voices[p]
	if t == nil {
		d.voices[p] = fresh
	}
	d.mu.Unlock()
	if t != nil {
		fresh.close()
		return t
	}
	return fresh
}

// of returns the voices of a participant.
func (d *Desk) of(id earshot.ParticipantID) (list []*voice) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for p, t := range d.voices {
		if p.Participant() == id {
			list = append(list, t)
		}
	}
	return list
}

// Run mixes and plans until ctx ends.
func (d *Desk) Run(ctx context.Context) error {
	var planning sync.WaitGroup
	planning.Go(func() { d.planAll(ctx) })
	defer planning.Wait()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.wake:
		}
		if err := d.work(ctx); err != nil {
			return err
		}
	}
}

// work keeps the beat until nobody listens any more.
func (d *Desk) work(ctx context.Context) error {
	filters, err := d.filters()
	if err != nil {
		return err
	}
	for len(d.workers) < runtime.GOMAXPROCS(0) {
		d.workers = append(d.workers, d.newWorker(filters))
	}
	defer d.clear()
	// A timer and not a ticker: one beat that was late would leave the ticks of all
	// later ones just before they are due, so that each waits for the next.
	due := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
			now := time.Now()
			if now.Sub(due) > maxLate {
				d.metrics.missed.Add(float64(now.Sub(due) / beat))
				due = now
			}
			for ; !due.After(now); due = due.Add(beat) {
				if !d.beat(due) {
					return nil
				}
			}
			timer.Reset(time.Until(due))
		}
	}
}

// beat makes all packets of 20 ms, and reports whether anybody listens.
func (d *Desk) beat(due time.Time) bool {
	began := time.Now()
	n := d.beats.Add(1)
	if !d.gather(n) {
		return false
	}
	d.share(playing, len(d.playing), n, due)
	d.share(bedding, len(d.bedding), n, due)
	d.share(mixing, len(d.mixing), n, due)
	d.metrics.timed(began, due, time.Now())
	return true
}

// gather lists who is to be decoded and mixed for, and lets go of those whom
// nobody has heard for long.
func (d *Desk) gather(n int64) bool {
	var gone []*voice
	d.order.RLock()
	d.mu.Lock()
	d.playing, d.bedding, d.mixing = d.playing[:0], d.bedding[:0], d.mixing[:0]
	for _, t := range d.voices {
		t.wanted, t.inBeds = 0, false
	}
	for l := range d.listeners {
		d.mixing = append(d.mixing, l)
		l.mu.Lock()
		for i := range l.voices {
			l.voices[i].voice.list(n)
			if m := l.voices[i].room; m != nil {
				m.wanted = n
			}
		}
		l.mu.Unlock()
	}
	for c := range d.crowds {
		for _, b := range c.byPlan {
			d.bedding = append(d.bedding, b)
			for i := range b.mixed {
				b.mixed[i].voice.inBeds = true
				b.mixed[i].voice.heard.Store(n)
			}
		}
	}
	for p, t := range d.voices {
		if n-t.heard.Load() > keepTap {
			delete(d.voices, p)
			t.frame = nil
			gone = append(gone, t)
			continue
		}
		d.playing = append(d.playing, t)
	}
	crowds := len(d.crowds)
	d.mu.Unlock()
	d.order.RUnlock()
	for _, t := range gone {
		t.close()
	}
	d.ration()
	d.metrics.talkers.Set(float64(len(d.playing)))
	d.metrics.beds.Set(float64(len(d.bedding)))
	return len(d.mixing)+crowds > 0
}

// ration has those talkers do without a decoder for whom there is none, by
// Config.Talkers: those in beds come first, those who have one, and those whom
// most listeners hear.
func (d *Desk) ration() {
	talk := 0
	for _, t := range d.playing {
		if t.surplus = false; t.talks {
			talk++
		}
	}
	if talk <= d.cfg.Talkers {
		return
	}
	slices.SortFunc(d.playing, func(a, b *voice) int { return cmp.Compare(b.claim(), a.claim()) })
	for _, t := range d.playing[d.cfg.Talkers:] {
		t.surplus = true
	}
}

// share has the workers do a part of the beat for all it is about.
func (d *Desk) share(part part, items int, n int64, due time.Time) {
	if items == 0 {
		return
	}
	d.part, d.items, d.beatNow, d.due = part, items, n, due
	d.next.Store(0)
	helpers := min(len(d.workers), (items+sharePart-1)/sharePart)
	for i := 1; i < helpers; i++ {
		d.helping.Go(d.workers[i].help)
	}
	d.do(d.workers[0])
	d.helping.Wait()
}

// part is what is done in a beat, one after the other.
type part uint8

const (
	playing part = iota
	bedding
	mixing
)

// do does what is left of the present part. The order lock is held for each
// voice and each listener alone, so whoever forbids something does not wait for
// all of them.
func (d *Desk) do(w *worker) {
	for {
		i := int(d.next.Add(1)) - 1
		if i >= d.items {
			return
		}
		d.order.RLock()
		switch d.part {
		case playing:
			d.playing[i].play(d, w, d.beatNow, d.due)
		case bedding:
			d.bedding[i].mix(d, w, d.due)
		case mixing:
			d.mixing[i].mix(d, w, d.due)
		}
		d.order.RUnlock()
	}
}

// sharePart is the least work that is worth a goroutine.
const sharePart = 8

// clear closes all voices: nobody listens.
func (d *Desk) clear() {
	d.order.RLock() // who silences a voice that is let go holds it for writing
	d.mu.Lock()
	var gone []*voice
	if len(d.listeners)+len(d.crowds) == 0 {
		for _, t := range d.voices {
			t.frame = nil
			gone = append(gone, t)
		}
		clear(d.voices)
	}
	d.mu.Unlock()
	d.order.RUnlock()
	for _, t := range gone {
		t.close()
	}
}
