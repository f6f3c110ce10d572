package peer

import (
	"testing"
	"time"

	"earshot/loadtest"
)

func voiceAt(at time.Time) []byte {
	return loadtest.AppendFrame(nil, loadtest.Frame{Bot: 1, At: at}, loadtest.DefaultFrameBytes)
}

// A minute of somebody listening, in which everything happens that can: early,
// late, twice, never, out of order, over the end of the sequence numbers.
func TestEarCounts(t *testing.T) {
	begin := time.Unix(1000, 0)
	ms := func(n int) time.Time { return begin.Add(time.Duration(n) * time.Millisecond) }
	ear := NewEar(Audio)
	s := &stream{media: Audio}
	ear.streams = append(ear.streams, s)
	s.take(ms(-50), 65530, voiceAt(ms(-60)), 100) // nothing is measured yet
	if n := ear.Streams(); n != 1 {
		t.Errorf("%d streams, want 1", n)
	}
	ear.Measure(Window{begin, ms(100)})
	s.take(ms(5), 65533, voiceAt(ms(-5)), 100)  // sent before, arrived within
	s.take(ms(30), 65534, voiceAt(ms(20)), 100) // both
	s.take(ms(55), 0, voiceAt(ms(40)), 100)     // 65535 is missing so far
	s.take(ms(56), 65535, voiceAt(ms(36)), 100) // and comes
	s.take(ms(90), 4, voiceAt(ms(80)), 100)     // 1 to 3 never do
	s.take(ms(91), 5, nil, 40)                  // padding
	s.take(ms(130), 6, voiceAt(ms(99)), 100)    // sent within, arrived after
	c := ear.Counts()
	if c.Arrived != 5 || c.Delivered != 5 || c.Bytes != 500 || c.Expected != 9 || c.Lost != 3 || c.Streams != 1 {
		t.Errorf("counts %+v", c)
	}
	if c.Latency.Count() != 5 || c.Latency.Max() != 31 || c.Latency.Min() != 10 {
		t.Errorf("latency of %d from %v to %v ms, want 5 from 10 to 31", c.Latency.Count(), c.Latency.Min(), c.Latency.Max())
	}
	ear.Measure(Window{ms(200), ms(300)})
	if c := ear.Counts(); c.Arrived != 0 || c.Expected != 0 || c.Latency.Count() != 0 {
		t.Errorf("a new window begins with %+v", c)
	}
}

func TestEarOfVideoAndMix(t *testing.T) {
	at := time.Unix(1000, 0)
	window := Window{at, at.Add(time.Second)}
	video := &stream{media: Video, window: window}
	for n := range uint16(3) {
		came := at.Add(time.Duration(n+5) * time.Millisecond)
		video.take(came, n, appendVideo(nil, mark{Packet: n, Last: n == 2, At: at}, true, 200), 212)
	}
	if c := video.counts; c.Delivered != 3 || c.Latency.Count() != 1 || c.Latency.Max() != 7 {
		t.Errorf("3 packets of a frame: %d delivered, %d latencies, the longest %v ms; want 3, and 1 of 7 ms",
			c.Delivered, c.Latency.Count(), c.Latency.Max())
	}
	mixed := &stream{media: Mixed, window: window}
	mixed.take(at, 1, []byte("whatever a mixer makes"), 40)
	mixed.take(at, 2, nil, 12)
	if c := mixed.counts; c.Arrived != 1 || c.Latency.Count() != 0 {
		t.Errorf("a mix: %d arrived with %d latencies; want 1 and none", c.Arrived, c.Latency.Count())
	}
}

func TestPieces(t *testing.T) {
	for bytes := minVideoPayload; bytes < 20000; bytes++ {
		for rest := bytes; rest > 0; {
			n := piece(rest)
			if n < minVideoPayload || n > maxVideoPayload {
				t.Fatalf("%d of %d bytes in a packet, want %d to %d", n, bytes, minVideoPayload, maxVideoPayload)
			}
			rest -= n
		}
	}
}

func BenchmarkEar(b *testing.B) {
	at := time.Unix(1000, 0)
	s := &stream{media: Audio, window: Window{at, at.Add(time.Hour)}}
	payload := voiceAt(at)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		s.take(at.Add(time.Duration(n)), uint16(n), payload, 100)
	}
}
