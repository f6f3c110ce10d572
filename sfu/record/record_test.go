package record

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"earshot/sfu/record/format"

	"github.com/pion/rtp/codecs"
)

// inLibrary runs f with a library that records into a new folder, on a clock
// of its own.
func inLibrary(t *testing.T, change func(*Config), f func(l *Library)) {
	t.Helper()
	inFolder(t, t.TempDir(), change, f)
}

func inFolder(t *testing.T, dir string, change func(*Config), f func(l *Library)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := openLibrary(t, dir, change)
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- l.Run(ctx) }()
		synctest.Wait()
		f(l)
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
}

func openLibrary(t *testing.T, dir string, change func(*Config)) *Library {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Dir, cfg.MinFree, cfg.Sync = dir, 0, 0
	if change != nil {
		change(&cfg)
	}
	l, err := New(cfg, Deps{Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func start(t *testing.T, l *Library) *Recording {
	t.Helper()
	r, err := l.Start(Start{Instance: "in_plaza", World: "plaza", By: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func stop(t *testing.T, l *Library) *format.Manifest {
	t.Helper()
	m, err := l.Stop(context.Background(), "in_plaza", "test")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// mouth feeds a track with voice, 20 ms a packet, each saying its number.
type mouth struct {
	track *Track
	seq   uint16
	ts    uint32
	n     int
}

func (m *mouth) say(packets int) {
	for range packets {
		m.send()
		time.Sleep(20 * time.Millisecond)
	}
}

func (m *mouth) send() {
	m.track.Put(Packet{At: time.Now(), Codec: format.Opus, Seq: m.seq, Timestamp: m.ts, Payload: spoken(m.n)})
	m.skip(1)
}

// skip counts packets that are not sent.
func (m *mouth) skip(n int) { m.seq, m.ts, m.n = m.seq+uint16(n), m.ts+uint32(n)*960, m.n+n }

func spoken(n int) []byte { return binary.BigEndian.AppendUint32([]byte{0xf8, 'v'}, uint32(n)) }

// heardIn reads a voice: which packets, and when in the recording, in ms.
func heardIn(t *testing.T, dir string, track *format.Track) (numbers []int, at []int64) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, track.File))
	if err != nil {
		t.Fatal(err)
	}
	r, err := format.NewOpusReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	for {
		packet, sample, err := r.Next()
		if errors.Is(err, io.EOF) {
			return numbers, at
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(packet) == 6 && packet[1] == 'v' {
			numbers = append(numbers, int(binary.BigEndian.Uint32(packet[2:])))
			at = append(at, track.OffsetMS+sample*1000/format.OpusRate)
		}
	}
}

func near(got, want int64) bool { return got >= want-45 && got <= want+45 }

// A person comes, talks, loses packets, is muted, leaves, comes back: one file,
// in which everything is where it was.
func TestVoiceIsWhereItWas(t *testing.T) {
	inLibrary(t, nil, func(l *Library) {
		r := start(t, l)
		dir := r.dir
		time.Sleep(2 * time.Second)
		r.Join("pa_ada", "Ada", "person")
		m := &mouth{track: r.Track("pa_ada", "microphone", nil), seq: 65530, ts: 4_294_967_000}
		m.say(100) // from 2 s to 4 s
		m.skip(5)  // lost
		time.Sleep(100 * time.Millisecond)
		m.say(45) // to 5 s
		r.SetMuted("pa_ada", "microphone", true)
		m.skip(150) // what a client may send all the same, and no tap passes on
		time.Sleep(3 * time.Second)
		r.SetMuted("pa_ada", "microphone", false)
		m.say(50) // from 8 s to 9 s
		r.Leave("pa_ada")
		time.Sleep(time.Second)
		r.Join("pa_ada", "Ada", "person")
		m = &mouth{track: r.Track("pa_ada", "microphone", nil), seq: 77, ts: 5, n: 1000}
		m.say(50) // from 10 s to 11 s
		time.Sleep(time.Second)
		man := stop(t, l)

		if len(man.Tracks) != 1 || man.State != format.StateComplete || man.Reason != ReasonStopped || !near(man.DurationMS, 12_000) {
			t.Fatalf("%d tracks, %s (%s), %d ms", len(man.Tracks), man.State, man.Reason, man.DurationMS)
		}
		track := man.Tracks[0]
		if track.Frames != 245 || track.Lost != 5 || track.Late+track.Dropped+track.Failed != 0 || !near(track.OffsetMS, 2000) || !near(track.DurationMS, 9000) {
			t.Errorf("track: %+v", track)
		}
		if g := track.Gaps; len(g) != 2 || !near(g[0].From, 5000) || !near(g[0].To, 8000) || !near(g[1].From, 9000) || !near(g[1].To, 10_000) {
			t.Errorf("gaps: %+v, want 5 to 8 s and 9 to 10 s", g)
		}
		if g := track.Muted; len(g) != 1 || !near(g[0].From, 5000) || !near(g[0].To, 8000) {
			t.Errorf("muted: %+v, want 5 to 8 s", g)
		}
		if p := man.Participants; len(p) != 1 || len(p[0].Present) != 2 || !near(p[0].Present[0].To, 9000) || !near(p[0].Present[1].To, 12_000) {
			t.Errorf("participants: %+v", p)
		}
		numbers, at := heardIn(t, dir, track)
		if len(numbers) != 245 {
			t.Fatalf("%d packets in the file, want 245", len(numbers))
		}
		for i, n := range numbers {
			want := int64(2000 + 20*n)
			if n >= 1000 {
				want = int64(10_000 + 20*(n-1000))
			}
			if !near(at[i], want) {
				t.Errorf("packet %d is at %d ms, want %d", n, at[i], want)
			}
		}
	})
}

// cameraOf feeds a track with VP8 at 30 frames a second, in packets.
type cameraOf struct {
	track   *Track
	payload codecs.VP8Payloader
	seq     uint16
	n       int
	layer   uint8
	shift   uint32 // of its times
	lose    func(frame, packet int) bool
}

func (c *cameraOf) show(frames int, key bool) {
	for i := range frames {
		c.frame(key && i == 0)
		time.Sleep(time.Second / 30)
	}
}

func (c *cameraOf) frame(key bool) {
	payloads := c.payload.Payload(300, pictureOf(c.n, key))
	for i, payload := range payloads {
		if c.lose == nil || !c.lose(c.n, i) {
			c.track.Put(Packet{
				At: time.Now(), Codec: format.VP8, Layer: c.layer, Seq: c.seq, Timestamp: uint32(c.n)*3000 + c.shift,
				Marker: i == len(payloads)-1, Payload: payload,
			})
		}
		c.seq++
	}
	c.n++
}

// pictureOf is what looks like frame n of VP8, of three packets.
func pictureOf(n int, key bool) []byte {
	b := []byte{0x11, 0, 0, byte(n >> 8), byte(n)}
	if key {
		b = []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, 64, 1, 180, 0, byte(n >> 8), byte(n)}
	}
	return append(b, bytes.Repeat([]byte{7}, 800)...)
}

func shownIn(t *testing.T, dir string, track *format.Track) (numbers []int, at []int64) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, track.File))
	if err != nil {
		t.Fatal(err)
	}
	r, err := format.NewVideoReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	for {
		frame, ms, key, err := r.Next()
		if errors.Is(err, io.EOF) {
			return numbers, at
		}
		if err != nil {
			t.Fatal(err)
		}
		id := frame[3:5]
		if key {
			id = frame[10:12]
		}
		numbers = append(numbers, int(binary.BigEndian.Uint16(id)))
		at = append(at, track.OffsetMS+ms)
	}
}

// A camera begins without a key frame, loses a packet, is repaired once in
// time: the file begins with a key frame, has nothing that cannot be decoded,
// and a key frame was asked for.
func TestVideoBeginsAgainWithAKeyFrame(t *testing.T) {
	inLibrary(t, nil, func(l *Library) {
		r := start(t, l)
		dir, asked := r.dir, 0
		r.Join("pa_ada", "Ada", "person")
		c := &cameraOf{track: r.Track("pa_ada", "camera", func() { asked++ })}
		c.show(10, false)
		c.show(30, true) // 10 to 39
		c.lose = func(frame, packet int) bool { return frame == 45 && packet == 1 }
		c.show(30, false) // 40 to 69, of which 45 and what follows is lost
		c.show(30, true)  // 70 to 99
		m := stop(t, l)
		if len(m.Tracks) != 1 || m.Tracks[0].Width != 320 || m.Tracks[0].Height != 180 || m.Tracks[0].Lost != 1 || m.Tracks[0].Frames != 65 {
			t.Fatalf("tracks: %+v", m.Tracks[0])
		}
		numbers, at := shownIn(t, dir, m.Tracks[0])
		want := append(span(10, 45), span(70, 100)...)
		if !slices.Equal(numbers, want) {
			t.Errorf("frames %v, want %v", numbers, want)
		}
		for i, n := range numbers {
			if ms := int64(n) * 1000 / 30; !near(at[i], ms) {
				t.Errorf("frame %d is at %d ms, want %d", n, at[i], ms)
			}
		}
		if asked < 2 || asked > 4 {
			t.Errorf("%d key frames were asked for, want 2 to 4", asked)
		}
	})
}

func span(from, to int) (list []int) {
	for n := from; n < to; n++ {
		list = append(list, n)
	}
	return list
}

// Padding of a video has numbers of its own and is no loss.
func TestPaddingIsNoLoss(t *testing.T) {
	inLibrary(t, nil, func(l *Library) {
		r := start(t, l)
		r.Join("pa_ada", "Ada", "person")
		c := &cameraOf{track: r.Track("pa_ada", "camera", nil)}
		for i := range 30 {
			c.frame(i == 0)
			c.track.Put(Packet{At: time.Now(), Codec: format.VP8, Seq: c.seq, Timestamp: uint32(c.n-1) * 3000})
			c.seq++
			time.Sleep(time.Second / 30)
		}
		if m := stop(t, l); m.Tracks[0].Frames != 30 || m.Tracks[0].Lost != 0 {
			t.Errorf("%d frames, %d lost, want 30 and 0", m.Tracks[0].Frames, m.Tracks[0].Lost)
		}
	})
}

// A camera in layers: the best stops, the one below goes on, with numbers and
// times of its own and another size: one file, everything on time.
func TestVideoChangesItsLayer(t *testing.T) {
	inLibrary(t, nil, func(l *Library) {
		r := start(t, l)
		dir := r.dir
		r.Join("pa_ada", "Ada", "person")
		c := &cameraOf{track: r.Track("pa_ada", "camera", nil), layer: 2}
		c.show(60, true)
		c.layer, c.seq, c.shift = 1, 40_000, 123_456_789
		c.show(60, true)
		m := stop(t, l)
		if len(m.Tracks) != 1 || m.Tracks[0].Frames != 120 || m.Tracks[0].Lost != 0 {
			t.Fatalf("tracks: %+v", m.Tracks[0])
		}
		numbers, at := shownIn(t, dir, m.Tracks[0])
		for i, n := range numbers {
			if n != i || !near(at[i], int64(i)*1000/30) {
				t.Errorf("picture %d at %d ms is number %d", i, at[i], n)
			}
		}
	})
}
