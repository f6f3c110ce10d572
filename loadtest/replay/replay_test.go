package replay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/loadtest"
	"earshot/loadtest/model"
	"earshot/presence/pose"
	"earshot/sfu/record/format"
)

// heard is a packet of a voice, or a picture, and when it is in the recording.
type heard struct {
	data []byte
	ms   int64
}

// voiceOf reads what was really sent of a voice.
func voiceOf(t *testing.T, dir string, m *format.Manifest, name string) (list []heard) {
	t.Helper()
	for _, track := range tracksOf(m, name, "microphone") {
		b, err := os.ReadFile(filepath.Join(dir, m.ID, track.File))
		check(t, err)
		r, err := format.NewOpusReader(bytes.NewReader(b))
		check(t, err)
		for {
			packet, sample, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			check(t, err)
			if !format.IsFiller(packet) && sample >= 0 {
				list = append(list, heard{bytes.Clone(packet), track.OffsetMS + sample*1000/format.OpusRate})
			}
		}
	}
	return list
}

func filmOf(t *testing.T, dir string, m *format.Manifest, name string) (list []heard) {
	t.Helper()
	for _, track := range tracksOf(m, name, "camera") {
		b, err := os.ReadFile(filepath.Join(dir, m.ID, track.File))
		check(t, err)
		r, err := format.NewVideoReader(bytes.NewReader(b))
		check(t, err)
		for {
			frame, ms, _, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			check(t, err)
			list = append(list, heard{bytes.Clone(frame), track.OffsetMS + ms})
		}
	}
	return list
}

func tracksOf(m *format.Manifest, name, source string) (list []*format.Track) {
	for _, track := range m.Tracks {
		for _, p := range m.Participants {
			if p.ID == track.Participant && p.Name == name && track.Source == source {
				list = append(list, track)
			}
		}
	}
	return list
}

// wayOf reads where somebody was.
func wayOf(t testing.TB, dir string, m *format.Manifest, name string) (times []int64, poses []earshot.Pose) {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, m.ID, m.Poses.File))
	check(t, err)
	defer f.Close()
	r, err := format.NewPoseReader(f)
	check(t, err)
	var e format.PoseEntry
	for r.Next(&e) == nil {
		if e.Kind == format.PoseMoved && m.Participants[e.Who].Name == name {
			at, err := pose.DecodeSnapshot(e.Snapshot)
			check(t, err)
			times, poses = append(times, e.MS), append(poses, at)
		}
	}
	return times, poses
}

// Two people walk and talk, one shows a camera. They are recorded, the
// recording is played into another world and recorded there: the voices are
// the same packets at the same times, the pictures the same, and everybody
// walked the same way. A busy machine, on which bots and times are late, gets three
// tries.
func TestRecordReplayCompare(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 15 s of real time")
	}
	const tries = 3
	for try := 1; ; try++ {
		j := &judge{TB: t}
		recordReplayCompare(t, j)
		if len(j.faults) == 0 {
			return
		}
		if try == tries {
			t.Fatal(strings.Join(j.faults, "\n"))
		}
		t.Logf("%s\ntrying again", strings.Join(j.faults, "\n"))
	}
}

// judge is a test whose errors are counted, and do not fail it.
type judge struct {
	testing.TB
	faults []string
}

func (j *judge) Errorf(format string, args ...any) {
	j.faults = append(j.faults, fmt.Sprintf(format, args...))
}

func recordReplayCompare(t *testing.T, j *judge) {
	n := startNode(t, "plaza", "stage")
	talk := loadtest.TalkConfig{Spurt: time.Second, Pause: 500 * time.Millisecond, Level: -23, DTX: true}
	voices := model.Voices()
	film, err := model.NewFilm(model.VP8, []model.FilmLayer{{Width: 320, FPS: 30, Kbps: 300}}, 1)
	check(t, err)
	ada := n.join("plaza", 1, func(c *loadtest.Config) {
		c.Speak, c.Talk, c.Sound = true, talk, voices[0]
		c.Move = loadtest.NewWalker(loadtest.WalkConfig{Radius: 3, Speed: 1.4}, 1, time.Now())
	})
	n.join("plaza", 2, func(c *loadtest.Config) {
		c.Speak, c.Talk, c.Sound = true, talk, voices[1]
		c.Move = still(earshot.Standing(earshot.Vec3{X: 2, Z: 5}, 1))
		c.Video = &loadtest.VideoConfig{Layers: []loadtest.Layer{{Width: 320, Height: 180, FPS: 30, Kbps: 300}}, Source: film}
	})
	n.record("plaza")
	<-time.After(2 * time.Second)
	check(t, ada.Send(&protocol.Mute{Muted: true}))
	<-time.After(time.Second)
	check(t, ada.Send(&protocol.Mute{Muted: false}))
	<-time.After(3 * time.Second)
	probeUnfinished(t, n.dir)
	first := n.stop("plaza")
	if len(first.Participants) != 2 || len(first.Tracks) != 3 || len(first.Failures) != 0 {
		t.Fatalf("the first recording: %+v", first)
	}
	probe(t, n.dir, first)

	n.join("stage", 3, nil) // so that there is an instance
	n.record("stage")
	var last Progress
	res, err := Run(t.Context(), Config{
		URL: n.url, Files: os.DirFS(filepath.Join(n.dir, first.ID)),
		Token:    func(_ context.Context, p *format.Participant) (string, error) { return n.token(p.Name, "stage"), nil },
		Progress: func(p Progress) { last = p },
	})
	check(t, err)
	second := n.stop("stage")
	if res.Participants != 2 || len(res.Failed) != 0 || len(res.LeftOut) != 0 || last.Voice == 0 || last.Present != 2 {
		j.Errorf("Run = %+v, last progress %+v", res, last)
	}
	for _, name := range []string{"bot 1", "bot 2"} {
		compare(j, name, voiceOf(t, n.dir, first, name), voiceOf(t, n.dir, second, name), 100)
	}
	compare(j, "camera", filmOf(t, n.dir, first, "bot 2"), filmOf(t, n.dir, second, "bot 2"), 90)
	compareWays(j, n, first, second, "bot 1")
	for _, m := range []*format.Manifest{first, second} {
		if muted := tracksOf(m, "bot 1", "microphone")[0].Muted; len(muted) != 1 || muted[0].To-muted[0].From < 850 || muted[0].To-muted[0].From > 1300 {
			j.Errorf("%s: muted %+v, want a second", m.World, muted)
		}
	}
	levels(j, n, second)
}

// compare finds the first list in the second: the same things in the same
// order, shifted by one time, but for a few at the edges.
func compare(t testing.TB, what string, first, second []heard, least int) {
	t.Helper()
	if len(first) < least {
		t.Errorf("%s: %d were recorded at first, want at least %d", what, len(first), least)
		return
	}
	places := map[string]int{}
	for i, h := range second {
		places[string(h.data)] = i
	}
	found, last, lows, highs := 0, -1, int64(math.MaxInt64), int64(math.MinInt64)
	for _, h := range first {
		i, ok := places[string(h.data)]
		if !ok || i < last {
			continue
		}
		found, last = found+1, i
		shift := second[i].ms - h.ms
		lows, highs = min(lows, shift), max(highs, shift)
	}
	if found < len(first)*95/100 {
		t.Errorf("%s: %d of %d came again, of %d that came", what, found, len(first), len(second))
	}
	if highs-lows > 150 {
		t.Errorf("%s: shifted by %d to %d ms", what, lows, highs)
	}
	t.Logf("%s: %d of %d came again, shifted by %d to %d ms", what, found, len(first), lows, highs)
}

func compareWays(t testing.TB, n *node, first, second *format.Manifest, name string) {
	t.Helper()
	times, way := wayOf(t, n.dir, first, name)
	againTimes, again := wayOf(t, n.dir, second, name)
	if len(way) < 30 || len(again) < 30 {
		t.Errorf("%d poses, and %d of the replay; want 5 s of 10 a second", len(way), len(again))
		return
	}
	// The way is the same where the times are, shifted by when the replay began.
	best := math.Inf(1)
	for shift := int64(0); shift < againTimes[len(againTimes)-1]; shift += 50 {
		sum, count := 0.0, 0
		for i, ms := range times {
			j, ok := slices.BinarySearch(againTimes, ms+shift)
			if !ok && j == len(again) {
				continue
			}
			sum += float64(way[i].Root.Distance(again[j].Root))
			count++
		}
		if count > len(times)*8/10 {
			best = min(best, sum/float64(count))
		}
	}
	if best > 0.4 { // metres: 1.4 m/s, 10 poses a second twice
		t.Errorf("the replay walks another way: %.2f m off on average", best)
	}
}

// levels checks that the replayed voices were loud for the server.
func levels(t testing.TB, n *node, m *format.Manifest) {
	t.Helper()
	f, err := os.Open(filepath.Join(n.dir, m.ID, m.Poses.File))
	check(t, err)
	defer f.Close()
	r, err := format.NewPoseReader(f)
	check(t, err)
	loud := map[string]bool{}
	var e format.PoseEntry
	for r.Next(&e) == nil {
		if e.Kind == format.PoseLevel && e.Talking && e.Level < 40 {
			loud[m.Participants[e.Who].Name] = true
		}
	}
	if !loud["bot 1"] || !loud["bot 2"] {
		t.Errorf("talked in the replay: %v, want both", loud)
	}
}

func TestReplayRefuses(t *testing.T) {
	dir := t.TempDir()
	if _, err := Run(t.Context(), Config{Files: os.DirFS(dir)}); earshot.CodeOf(err) != earshot.CodeInvalidArgument {
		t.Errorf("an empty folder: %v", err)
	}
	m := format.Manifest{Version: format.Version, DurationMS: 1000}
	b, err := m.Encode()
	check(t, err)
	check(t, os.WriteFile(filepath.Join(dir, format.ManifestName), b, 0o600))
	if _, err := Run(t.Context(), Config{Files: os.DirFS(dir)}); earshot.CodeOf(err) != earshot.CodeFailedPrecondition {
		t.Errorf("a recording of nobody: %v", err)
	}
}

// What the operator gets from the admin listener is what is on the disk.
func TestDownload(t *testing.T) {
	n := startNode(t, "plaza")
	talker := n.join("plaza", 1, func(c *loadtest.Config) { c.Speak, c.Talk = true, model.Unending() })
	n.record("plaza")
	said := talker.Spoken()
	until(t, "something is said", func() bool { return talker.Spoken() > said+50 })
	<-time.After(500 * time.Millisecond) // it arrives
	m := n.stop("plaza")
	at := n.admin + "/v1/recordings/" + m.ID
	var again format.Manifest
	n.ask(http.MethodGet, at, "", "", http.StatusOK, &again)
	if len(again.Tracks) != 1 || again.Tracks[0].File != m.Tracks[0].File {
		t.Fatalf("manifest: %+v", again)
	}
	res, err := http.Get(at + "/" + m.Tracks[0].File)
	check(t, err)
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	check(t, err)
	want, err := os.ReadFile(filepath.Join(n.dir, m.ID, m.Tracks[0].File))
	check(t, err)
	if !bytes.Equal(got, want) || res.Header.Get("Content-Type") != "audio/ogg" || res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d bytes of %s, want %d", len(got), res.Header.Get("Content-Type"), len(want))
	}
	n.ask(http.MethodGet, at+"/..%2f..%2faudit.jsonl", "", "", http.StatusNotFound, nil)
	n.ask(http.MethodGet, at+"/.reserve", "", "", http.StatusNotFound, nil)
	n.ask(http.MethodDelete, at, "", "", http.StatusNoContent, nil)
	n.ask(http.MethodGet, at, "", "", http.StatusNotFound, nil)
	audit, err := os.ReadFile(filepath.Join(n.dir, "audit.jsonl"))
	check(t, err)
	for _, what := range []string{"start", "stop", "read", "delete"} {
		if !bytes.Contains(audit, fmt.Appendf(nil, `"what":"%s","recording":"%s"`, what, m.ID)) {
			t.Errorf("the audit log has no %s:\n%s", what, audit)
		}
	}
}
