package replay

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"earshot/sfu/record/format"
)

// probe has ffprobe and ffmpeg, which nobody here wrote, read every file of a
// recording: they find the length that the manifest says, and decode it
// without a complaint.
func probe(t *testing.T, dir string, m *format.Manifest) {
	t.Helper()
	for _, tool := range []string{"ffprobe", "ffmpeg"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Logf("=== NOT TESTED: %s reads recordings. Install ffmpeg (apt-get install ffmpeg) ===", tool)
			return
		}
	}
	for _, track := range m.Tracks {
		path := filepath.Join(dir, m.ID, track.File)
		var stderr bytes.Buffer
		ask := exec.Command("ffprobe", "-v", "error", "-of", "json", "-show_format", "-show_streams", path)
		ask.Stderr = &stderr
		out, err := ask.Output()
		var said struct {
			Format  struct{ Duration string }
			Streams []struct {
				CodecName string `json:"codec_name"`
				Width     int
				Height    int
			}
		}
		if err == nil {
			err = json.Unmarshal(out, &said)
		}
		if err != nil || len(said.Streams) != 1 || said.Streams[0].CodecName != track.Codec ||
			said.Streams[0].Width != track.Width || said.Streams[0].Height != track.Height {
			t.Errorf("ffprobe %s: %v %s%s", track.File, err, out, &stderr)
			continue
		}
		seconds, err := strconv.ParseFloat(said.Format.Duration, 64)
		if track.Codec == "opus" {
			seconds -= 0.08 // of silence before the file's time 0, which ffprobe counts and players leave out
		}
		if ms := int64(seconds * 1000); err != nil || ms < track.DurationMS-40 || ms > track.DurationMS+40 {
			t.Errorf("ffprobe %s: %s s, the manifest says %d ms", track.File, said.Format.Duration, track.DurationMS)
		}
		decode := exec.Command("ffmpeg", "-v", "error", "-xerror", "-i", path, "-f", "null", "-")
		if track.Codec == "opus" {
			decode = exec.Command("ffmpeg", "-v", "error", "-xerror", "-i", path, "-f", "s16le", "-ac", "1", "-ar", "48000", "-")
		}
		stderr.Reset()
		decode.Stderr = &stderr
		out, err = decode.Output()
		if err != nil || stderr.Len() > 0 {
			t.Errorf("ffmpeg %s: %v\n%s", track.File, err, &stderr)
		}
		if ms := int64(len(out)) / 96; track.Codec == "opus" && ms != track.DurationMS {
			t.Errorf("ffmpeg decodes %d ms of %s, the manifest says %d ms", ms, track.File, track.DurationMS)
		}
	}
}

// probeUnfinished has ffmpeg decode what is in the files of a recording that
// goes on, which is what a crash would leave.
func probeUnfinished(t *testing.T, dir string) {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Log("=== NOT TESTED: ffmpeg reads what a crash leaves. Install ffmpeg (apt-get install ffmpeg) ===")
		return
	}
	files, err := filepath.Glob(filepath.Join(dir, "in_*", "pa_*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		check(t, err)
		left := filepath.Join(t.TempDir(), filepath.Base(file))
		check(t, os.WriteFile(left, b, 0o600))
		if out, err := exec.Command("ffmpeg", "-v", "error", "-i", left, "-f", "null", "-").CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("ffmpeg on %s, unfinished: %v\n%s", filepath.Base(file), err, out)
		}
	}
}
