package directory

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valkey-io/valkey-go"

	"earshot"
	"earshot/presence/cluster"
	"earshot/presence/store"
	"earshot/presence/store/servertest"
)

// BenchmarkPlazas is the presence of 100,000 people in 1000 instances of ten
// nodes against a real server, in real time: an iteration is a second. People
// stand, walk and talk as in the plaza; Pace says what is written; each instance
// is flushed every 250 ms and its lease renewed each second, whereabouts every 10
// s, and each node surveys the lists twice a second. One instance is followed,
// to see how late its deltas are.
//
//	go test ./presence/directory -run '^$' -bench Plazas -benchtime 20x
//
// EARSHOT_BENCH_PEOPLE changes how many there are; EARSHOT_BENCH_CPU=1 keeps the
// server on that core, and taskset -c 0 before the command leaves that to it.
// Reported are the writes of members for each participant, the server's CPU as a
// share of one core, and the latencies of Put and of deltas.
func BenchmarkPlazas(b *testing.B) {
	const each, nodes = 100, 10
	people := 100_000
	if text := os.Getenv("EARSHOT_BENCH_PEOPLE"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			b.Fatal(err)
		}
		people = n
	}
	var pinned []string
	if core := os.Getenv("EARSHOT_BENCH_CPU"); core != "" {
		pinned = []string{"--server_cpulist", core}
	}
	server := servertest.Start(b, pinned...)
	cfg := store.DefaultConfig()
	cfg.Addresses, cfg.Patience = []string{server.Address}, 20*time.Second
	s, err := store.Open(b.Context(), cfg)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	plazas := make([]*plaza, people/each)
	for i := range plazas {
		plazas[i] = newPlaza(b, s, i, nodes, each)
	}
	late := follow(b, s, plazas[0])
	meter, end := cpuMeter(b, server.Address)
	defer end()
	var puts, asks latencies
	work := make(chan func(), 1<<16)
	ctx, cancel := context.WithCancel(b.Context())
	var all sync.WaitGroup
	for range 256 {
		all.Go(func() {
			for job := range work {
				job()
			}
		})
	}
	var failed atomic.Int64
	ask := func(into *latencies, op cluster.Op) func() {
		asked := time.Now()
		return func() {
			r, err := s.Do(ctx, op)
			if err != nil || r.Status != cluster.OK {
				failed.Add(1)
			}
			into.add(time.Since(asked))
		}
	}
	written := 0
	b.ResetTimer()
	before, began := meter(), time.Now()
	const parts = 50 // of a second: work is spread evenly
	for second := range b.N {
		for part := range parts {
			now := time.Now()
			for i, p := range plazas {
				if (i+part)%12 == 0 { // four times a second
					if put := p.flush(now); put != nil {
						written += len(put.Set)
						work <- ask(&puts, *put)
					}
				}
				if i%parts == part {
					work <- ask(&asks, cluster.Renew{Instance: p.record.Instance, Node: p.record.Owner, Epoch: p.record.Epoch, TTL: 3 * time.Second})
					for j := second % 10; j < each; j += 10 {
						work <- ask(&asks, cluster.Touch{At: p.whereabouts(j), TTL: 30 * time.Second})
					}
				}
			}
			if part%2 == 0 { // ten nodes, twice a second each
				work <- ask(&asks, cluster.Survey{})
			}
			ahead := began.Add(time.Duration(second)*time.Second + time.Duration(part+1)*time.Second/parts)
			<-time.After(time.Until(ahead))
		}
	}
	close(work)
	all.Wait()
	took := time.Since(began).Seconds()
	b.StopTimer()
	used := meter() - before
	cancel()
	n := float64(len(plazas) * each)
	b.ReportMetric(float64(written)/n/took, "writes/person/s")
	b.ReportMetric(float64(puts.count()+asks.count())/took, "ops/s")
	b.ReportMetric(100*used/took, "server-CPU-%")
	b.ReportMetric(puts.quantile(0.5), "put-p50-ms")
	b.ReportMetric(puts.quantile(0.99), "put-p99-ms")
	b.ReportMetric(late.quantile(0.5), "delta-p50-ms")
	b.ReportMetric(late.quantile(0.99), "delta-p99-ms")
	b.ReportMetric(took/float64(b.N), "s/second")
	b.ReportMetric(float64(failed.Load()), "failed")
	b.ReportMetric(0, "ns/op")
}

// plaza is an instance of the benchmark with its people.
type plaza struct {
	record cluster.InstanceRecord
	people []walker
	seq    uint64
	random *rand.Rand
	sent   atomic.Pointer[sending] // the last Put
}

type sending struct {
	seq uint64
	at  time.Time
}

// walker stands, walks to somewhere, and talks now and then.
type walker struct {
	id     earshot.ParticipantID
	at, to earshot.Vec3
	flags  uint8
	pace   Pace
}

func newPlaza(b *testing.B, s store.Store, i, nodes, each int) *plaza {
	node := earshot.NodeID(fmt.Sprint("nd_", i%nodes))
	p := &plaza{random: rand.New(rand.NewPCG(uint64(i), 9)), people: make([]walker, each)}
	p.record = cluster.InstanceRecord{Instance: earshot.InstanceID(fmt.Sprintf("in_plaza_%04d", i)), World: "plaza", Owner: node, State: cluster.Open, Soft: each, Hard: each}
	r, err := s.Do(b.Context(), cluster.Claim{Instance: p.record.Instance, Node: node, Nonce: 1, Seed: 1, TTL: time.Minute, Record: p.record})
	if err != nil || r.Status != cluster.OK {
		b.Fatal(r.Status, err)
	}
	p.record = r.Record
	for j := range p.people {
		at := p.somewhere()
		p.people[j] = walker{id: earshot.ParticipantID(fmt.Sprintf("pa_%04d_%011d", i, j)), at: at, to: at}
	}
	return p
}

func (p *plaza) somewhere() earshot.Vec3 {
	return earshot.Vec3{X: float32(p.random.Float64()*100 - 50), Z: float32(p.random.Float64()*100 - 50)}
}

func (p *plaza) whereabouts(j int) cluster.Whereabouts {
	return cluster.Whereabouts{Participant: p.people[j].id, Instance: p.record.Instance, Node: p.record.Owner, Epoch: 1,
		Key: cluster.Key{Participant: p.people[j].id, HLC: 1, Node: p.record.Owner}}
}

// flush lets 250 ms go by and returns what is to be written.
func (p *plaza) flush(now time.Time) *cluster.Put {
	p.seq++
	put := &cluster.Put{Instance: p.record.Instance, Node: p.record.Owner, Epoch: p.record.Epoch, Seq: p.seq, Full: p.seq == 1}
	for j := range p.people {
		w := &p.people[j]
		w.step(p)
		if w.pace.Due(w.at, w.flags, now) {
			put.Set = append(put.Set, cluster.Presence{Participant: w.id, Epoch: 1, HLC: cluster.At(now), Node: p.record.Owner,
				Cell: CellOf(w.at), Position: w.at, Flags: w.flags})
		}
	}
	if len(put.Set) == 0 && p.seq%8 != 0 { // a heartbeat every 2 s
		p.seq--
		return nil
	}
	p.sent.Store(&sending{p.seq, now})
	return put
}

// step is 250 ms of a life: 1.4 m/s towards a goal, then about 10 s of standing;
// talking for 3 s in every 20.
func (w *walker) step(p *plaza) {
	way := w.to.Sub(w.at)
	if d := way.Len(); d > 0.35 {
		w.at = w.at.Add(way.Scale(0.35 / d))
	} else if p.random.IntN(40) == 0 {
		w.to = p.somewhere()
	}
	if talking := w.flags&1 == 1; talking && p.random.IntN(12) == 0 || !talking && p.random.IntN(68) == 0 {
		w.flags ^= 1
	}
}

// follow notes how late an instance's deltas are.
func follow(b *testing.B, s store.Store, p *plaza) *latencies {
	var late latencies
	ctx, cancel := context.WithCancel(context.Background())
	done, began := make(chan struct{}), make(chan struct{}, 10)
	go func() {
		defer close(done)
		s.Follow(ctx, p.record.Instance, func() { began <- struct{}{} }, func(d cluster.Delta) {
			if sent := p.sent.Load(); sent != nil && sent.seq == d.Seq {
				late.add(time.Since(sent.at))
			}
		})
	}()
	<-began
	b.Cleanup(func() { cancel(); <-done })
	return &late
}

// cpuMeter returns what reads the server's CPU seconds.
func cpuMeter(b *testing.B, address string) (meter func() float64, end func()) {
	client, err := valkey.NewClient(valkey.ClientOption{InitAddress: []string{address}, ForceSingleClient: true, DisableCache: true})
	if err != nil {
		b.Fatal(err)
	}
	return func() (sum float64) {
		info, err := client.Do(context.Background(), client.B().Info().Section("cpu").Build()).ToString()
		if err != nil {
			b.Fatal(err)
		}
		for _, line := range strings.Split(info, "\r\n") {
			if name, value, ok := strings.Cut(line, ":"); ok && (name == "used_cpu_sys" || name == "used_cpu_user") {
				n, err := strconv.ParseFloat(value, 64)
				if err != nil {
					b.Fatal(err)
				}
				sum += n
			}
		}
		return sum
	}, client.Close
}

// latencies gathers durations.
type latencies struct {
	mu  sync.Mutex
	all []time.Duration
}

func (l *latencies) add(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, d)
}

func (l *latencies) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.all)
}

// quantile is in milliseconds.
func (l *latencies) quantile(q float64) float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.all) == 0 {
		return math.NaN()
	}
	slices.Sort(l.all)
	return float64(l.all[int(q*float64(len(l.all)-1))].Microseconds()) / 1000
}
