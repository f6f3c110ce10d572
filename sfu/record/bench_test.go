package record

import (
	"testing"
	"time"

	"earshot/sfu/record/format"
)

// A track costs the media path little, and the disk what was sent.
func BenchmarkPut(b *testing.B) {
	m, err := newMetrics(nil)
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	track := &Track{rec: &Recording{lib: &Library{metrics: m}, began: began}, queue: queue{ring: make([]byte, 64<<10)}}
	p := Packet{At: began, Codec: format.Opus, Payload: make([]byte, 80)}
	b.ReportAllocs()
	for b.Loop() {
		if !track.Put(p) {
			track.queue.at, track.queue.used = 0, 0
		}
	}
}

// BenchmarkVoice is a second of one voice, from the queue to the page cache.
func BenchmarkVoice(b *testing.B) {
	cfg := DefaultConfig()
	cfg.Dir, cfg.MinFree, cfg.Sync = b.TempDir(), 0, 0
	l, err := New(cfg, Deps{})
	if err != nil {
		b.Fatal(err)
	}
	defer l.close()
	r, err := l.begin(Start{Instance: "in_plaza", World: "plaza"})
	if err != nil {
		b.Fatal(err)
	}
	m := &mouth{track: r.Track("pa_ada", "microphone", nil)}
	now := time.Duration(0)
	for b.Loop() {
		for range 10 {
			for range 5 {
				m.track.Put(Packet{At: r.began.Add(now), Codec: format.Opus, Seq: m.seq, Timestamp: m.ts, Payload: make([]byte, 80)})
				m.skip(1)
				now += 20 * time.Millisecond
			}
			m.track.drain(now, false)
		}
		m.track.flush(now)
	}
}
