package record

import (
	"testing"
	"time"

	"earshot/sfu/record/format"
)

func TestQueueKeepsOrderAndCountsDrops(t *testing.T) {
	q := queue{ring: make([]byte, 1000)}
	put, got := 0, 0
	for round := range 300 {
		for i := 0; i < round%17; i++ {
			p := Packet{since: time.Duration(put), Codec: format.Opus, Seq: uint16(put), Timestamp: uint32(put) * 960, Marker: put%2 == 0, Payload: make([]byte, put%90), epoch: 3}
			for j := range p.Payload {
				p.Payload[j] = byte(put + j)
			}
			if q.put(&p) {
				put++
			}
		}
		for i := 0; i < round%11; i++ {
			p, ok := q.pop()
			if !ok {
				break
			}
			if p.Seq != uint16(got) || p.since != time.Duration(got) || p.Timestamp != uint32(got)*960 || p.Marker != (got%2 == 0) ||
				p.epoch != 3 || p.Codec != format.Opus || len(p.Payload) != got%90 {
				t.Fatalf("packet %d came out as %+v", got, p)
			}
			for j, b := range p.Payload {
				if b != byte(got+j) {
					t.Fatalf("packet %d: byte %d is %d", got, j, b)
				}
			}
			got++
		}
	}
	taken, dropped := q.counts()
	if int(taken) != put || dropped == 0 || got < 500 {
		t.Errorf("%d put, %d taken, %d dropped, %d popped", put, taken, dropped, got)
	}
}

// A packet costs the media path a copy: no memory, also when the disk stands
// still and everything is dropped.
func TestPutDoesNotAllocate(t *testing.T) {
	m, err := newMetrics(nil)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	track := &Track{rec: &Recording{lib: &Library{metrics: m}, began: began}, queue: queue{ring: make([]byte, 64<<10)}}
	p := Packet{At: began.Add(time.Second), Codec: format.VP8, Payload: make([]byte, 1100)}
	kept := 0
	if n := testing.AllocsPerRun(500, func() {
		p.Seq++
		if track.Put(p) {
			kept++
		}
	}); n != 0 {
		t.Errorf("%v allocations a packet, want 0", n)
	}
	if _, dropped := track.queue.counts(); kept != 58 || dropped != 501-58 {
		t.Errorf("%d kept, %d dropped, want 58 and the others", kept, dropped)
	}
}

func TestReorder(t *testing.T) {
	ms := time.Millisecond
	type step struct {
		at   time.Duration
		seq  uint16 // put, unless the step only waits
		wait bool
		want []uint16
		lost int64
	}
	for name, steps := range map[string][]step{
		"in order, over the turn": {{0, 65534, false, []uint16{65534}, 0}, {1, 65535, false, []uint16{65535}, 0}, {2, 0, false, []uint16{0}, 0}},
		"swapped":                 {{0, 1, false, []uint16{1}, 0}, {1, 3, false, nil, 0}, {2, 2, false, []uint16{2, 3}, 0}},
		"lost":                    {{0, 1, false, []uint16{1}, 0}, {1, 4, false, nil, 0}, {300 * ms, 0, true, []uint16{4}, 2}},
		"twice and late":          {{0, 5, false, []uint16{5}, 0}, {1, 5, false, nil, 0}, {2, 4, false, nil, 0}, {3, 6, false, []uint16{6}, 0}},
		"another stream":          {{0, 5, false, []uint16{5}, 0}, {1, 20000, false, []uint16{20000}, 0}, {2, 20001, false, []uint16{20001}, 0}},
	} {
		r := reorder{hold: holdVoice}
		for i, s := range steps {
			if !s.wait {
				r.put(Packet{Seq: s.seq, since: s.at})
			}
			var got []uint16
			lost := int64(0)
			for {
				p, n, ok := r.pop(s.at, false)
				if !ok {
					break
				}
				got = append(got, p.Seq)
				lost += n
			}
			if len(got) != len(s.want) || lost != s.lost {
				t.Errorf("%s, step %d: %v and %d lost, want %v and %d", name, i, got, lost, s.want, s.lost)
				continue
			}
			for j := range got {
				if got[j] != s.want[j] {
					t.Errorf("%s, step %d: %v, want %v", name, i, got, s.want)
				}
			}
		}
	}
}

// A clock that runs 100 ppm fast, jitter of 30 ms, pauses: what is written is
// smooth within a talkspurt, and never far from when it came.
func TestTimelineIsSmoothAndTrue(t *testing.T) {
	line := timeline{rate: 48_000}
	ts, sent := uint32(4_294_900_000), time.Duration(0)
	last := int64(-1)
	for i := range 500_000 { // about three hours
		pause := i%500 == 499
		at := sent + time.Duration(i*7919%30)*time.Millisecond
		pos := line.place(ts, at)
		if off := time.Duration(pos)*time.Second/48_000 - at; off > 100*time.Millisecond || off < -100*time.Millisecond {
			t.Fatalf("packet %d is %v off", i, off)
		}
		if step := pos - last; last >= 0 && i%500 != 0 && step != 960 {
			t.Fatalf("packet %d is %d samples after the one before", i, step)
		}
		last = pos
		frames := 1
		if pause {
			frames = 50
		}
		ts += uint32(960 * frames)
		sent += time.Duration(float64(20*time.Millisecond*time.Duration(frames)) * 0.9999)
	}
	before := line.pos
	if pos := line.place(ts+1<<30, sent); pos < before || time.Duration(pos-before)*time.Second/48_000 > 2*time.Second {
		t.Errorf("a clock that jumps puts a packet %d samples on", pos-before)
	}
}
