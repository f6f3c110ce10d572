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
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"earshot"
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
				At: time.Now(), Codec: format.VP8, Seq: c.seq, Timestamp: uint32(c.n) * 3000, Marker: i == len(payloads)-1,
				Payload: payload,
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

// Two processes in one folder would take each other's recordings for left over.
func TestOneProcessAFolder(t *testing.T) {
	inLibrary(t, nil, func(l *Library) {
		start(t, l)
		if _, err := New(l.cfg, Deps{}); err == nil || !strings.Contains(err.Error(), "another process") {
			t.Errorf("a second library of the folder: %v", err)
		}
		if m := stop(t, l); m.State != format.StateComplete {
			t.Errorf("the recording is %s", m.State)
		}
	})
}

// What a server that ends was recording is complete.
func TestShutdownCompletes(t *testing.T) {
	dir := t.TempDir()
	inFolder(t, dir, nil, func(l *Library) {
		r := start(t, l)
		r.Join("pa_ada", "Ada", "person")
		(&mouth{track: r.Track("pa_ada", "microphone", nil)}).say(77)
	})
	inFolder(t, dir, nil, func(l *Library) {
		list := l.List()
		if len(list) != 1 || list[0].State != format.StateComplete || list[0].Reason != ReasonShutdown || list[0].Tracks[0].Frames != 77 {
			t.Fatalf("recordings: %+v", list)
		}
		if numbers, _ := heardIn(t, filepath.Join(dir, list[0].ID), list[0].Tracks[0]); len(numbers) != 77 {
			t.Errorf("%d packets, want 77", len(numbers))
		}
	})
}

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

// Only its owner reads what was said.
func TestFilesArePrivate(t *testing.T) {
	inLibrary(t, nil, func(l *Library) {
		r := start(t, l)
		r.Join("pa_ada", "Ada", "person")
		(&mouth{track: r.Track("pa_ada", "microphone", nil)}).say(100)
		stop(t, l)
		err := filepath.WalkDir(l.cfg.Dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || path == l.cfg.Dir {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			if perm := info.Mode().Perm(); perm != filePerm && !(d.IsDir() && perm == dirPerm) {
				t.Errorf("%s has permissions %o", path, perm)
			}
			if strings.HasPrefix(d.Name(), ".") {
				t.Errorf("%s is left over", path)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestLimitsEndARecording(t *testing.T) {
	for _, c := range []struct {
		reason string
		change func(*Config)
		within time.Duration
	}{
		{ReasonDuration, func(c *Config) { c.MaxDuration = 10 * time.Second }, 11 * time.Second},
		{ReasonBytes, func(c *Config) { c.MaxBytes = 1 << 20 }, 70 * time.Second},
	} {
		inLibrary(t, c.change, func(l *Library) {
			r := start(t, l)
			r.Join("pa_ada", "Ada", "person")
			track := r.Track("pa_ada", "camera", nil)
			camera := &cameraOf{track: track}
			for begin := time.Now(); time.Since(begin) < c.within; {
				camera.show(30, true)
			}
			select {
			case <-r.Done():
			default:
				t.Fatalf("%s: it goes on", c.reason)
			}
			m, err := l.Get(r.ID())
			if err != nil || m.Reason != c.reason || m.State != format.StateComplete || len(m.Tracks) != 1 {
				t.Errorf("%s: %v, %+v", c.reason, err, m)
			}
			if m.Bytes > 2<<20 {
				t.Errorf("%s: %d bytes", c.reason, m.Bytes)
			}
		})
	}
}

// Recordings are deleted when they are old enough, by the clock of the
// library: one that goes on is not, and the audit log says it.
func TestRetention(t *testing.T) {
	inLibrary(t, func(c *Config) { c.Keep = 2 * time.Hour }, func(l *Library) {
		first := start(t, l).ID()
		time.Sleep(time.Minute)
		stop(t, l)
		second := start(t, l).ID()
		time.Sleep(150 * time.Minute)
		if list := l.List(); len(list) != 2 || list[0].ID != second {
			t.Fatalf("%d recordings after two hours and a half, want 2", len(list))
		}
		time.Sleep(time.Hour)
		if list := l.List(); len(list) != 1 || list[0].ID != second {
			t.Fatalf("%d recordings after an hour more, want the one that goes on", len(list))
		}
		if _, err := l.Get(first); earshot.CodeOf(err) != earshot.CodeNotFound {
			t.Errorf("Get(%s) = %v", first, err)
		}
		stop(t, l)
		audit, err := os.ReadFile(filepath.Join(l.cfg.Dir, auditName))
		if err != nil || !strings.Contains(string(audit), `"by":"retention","what":"delete","recording":"`+first) {
			t.Errorf("audit log: %v\n%s", err, audit)
		}
	})
}

func TestLibraryRefuses(t *testing.T) {
	inLibrary(t, func(c *Config) { c.MaxActive = 1 }, func(l *Library) {
		r := start(t, l)
		if _, err := l.Start(Start{Instance: "in_plaza"}); earshot.CodeOf(err) != earshot.CodeAlreadyExists {
			t.Errorf("a second time: %v", err)
		}
		if _, err := l.Start(Start{Instance: "in_other"}); earshot.CodeOf(err) != earshot.CodeResourceExhausted {
			t.Errorf("one too many: %v", err)
		}
		if err := l.Delete(r.ID(), "test"); earshot.CodeOf(err) != earshot.CodeFailedPrecondition {
			t.Errorf("deleting what goes on: %v", err)
		}
		for _, name := range []string{"../audit.jsonl", auditName, "", "x.ogg", ".reserve"} {
			if f, err := l.Open(r.ID(), name, "test"); err == nil {
				f.Close()
				t.Errorf("%q was opened", name)
			}
		}
		for _, id := range []string{"", "..", "../x", "in_none"} {
			if _, err := l.Get(id); earshot.CodeOf(err) != earshot.CodeNotFound {
				t.Errorf("Get(%q) = %v", id, err)
			}
		}
		stop(t, l)
		f, err := l.Open(r.ID(), format.ManifestName, "test")
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		if err := l.Delete(r.ID(), "test"); err != nil {
			t.Error(err)
		}
		if list := l.List(); len(list) != 0 {
			t.Errorf("%d recordings after deleting, want 0", len(list))
		}
	})
}
