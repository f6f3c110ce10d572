package record

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"earshot/sfu/record/format"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
)

// encoded returns two seconds of a test picture of 320 x 180, 30 frames a
// second, as real encoders make it, a key frame each second.
func encoded(t *testing.T, encoder string, args ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("=== NOT TESTED: real codecs. Install ffmpeg (apt-get install ffmpeg) ===")
	}
	container := "ivf"
	if encoder == "libx264" {
		container = "h264"
	}
	all := append([]string{"-v", "error", "-f", "lavfi", "-i", "testsrc=size=320x180:rate=30:duration=2", "-pix_fmt", "yuv420p", "-c:v", encoder, "-g", "30"}, args...)
	out, err := exec.Command("ffmpeg", append(all, "-f", container, "-")...).Output()
	if err != nil || len(out) < 1000 {
		t.Skipf("=== NOT TESTED: %s; this ffmpeg does not encode it (%v) ===", encoder, err)
	}
	return out
}

// ivf takes an IVF file apart.
func ivf(b []byte) (frames [][]byte) {
	for b = b[32:]; len(b) > 12; {
		n := binary.LittleEndian.Uint32(b)
		frames = append(frames, b[12:12+n])
		b = b[12+n:]
	}
	return frames
}

// annexB takes a stream of H.264 apart into access units, which begin with a
// delimiter.
func annexB(b []byte) (units [][]byte) {
	delimiter := []byte{0, 0, 0, 1, 9}
	for _, part := range bytes.Split(b, delimiter)[1:] {
		units = append(units, part[1:])
	}
	return units
}

// Real frames of every codec through RTP and back: ffmpeg finds each of them,
// the size, the length, and decodes without a complaint.
func TestRealCodecs(t *testing.T) {
	for _, c := range []struct {
		codec   format.Codec
		encoder string
		args    []string
		payload rtp.Payloader
		split   func([]byte) [][]byte
	}{
		{format.VP8, "libvpx", []string{"-deadline", "realtime", "-auto-alt-ref", "0"}, &codecs.VP8Payloader{EnablePictureID: true}, ivf},
		{format.VP9, "libvpx-vp9", []string{"-deadline", "realtime", "-auto-alt-ref", "0", "-lag-in-frames", "0"}, &codecs.VP9Payloader{}, ivf},
		{format.AV1, "libaom-av1", []string{"-usage", "realtime", "-cpu-used", "8", "-lag-in-frames", "0"}, &codecs.AV1Payloader{}, ivf},
		{format.H264, "libx264", []string{"-profile:v", "baseline", "-tune", "zerolatency", "-x264-params", "aud=1:slices=1:repeat-headers=1"}, &codecs.H264Payloader{}, annexB},
	} {
		t.Run(c.codec.String(), func(t *testing.T) {
			frames := c.split(encoded(t, c.encoder, c.args...))
			if len(frames) != 60 {
				t.Fatalf("%d frames, want 60", len(frames))
			}
			inLibrary(t, nil, func(l *Library) {
				r := start(t, l)
				r.Join("pa_ada", "Ada", "person")
				track := r.Track("pa_ada", "camera", nil)
				seq := uint16(65500)
				for n, frame := range frames {
					payloads := c.payload.Payload(1000, frame)
					for i, payload := range payloads {
						track.Put(Packet{
							At: time.Now(), Codec: c.codec, Seq: seq, Timestamp: uint32(n) * 3000, Marker: i == len(payloads)-1, Payload: payload,
						})
						seq++
					}
					time.Sleep(time.Second / 30)
				}
				unfinished := leftByCrash(t, r)
				m := stop(t, l)
				if len(m.Tracks) != 1 || m.Tracks[0].Frames != 60 || m.Tracks[0].Width != 320 || m.Tracks[0].Height != 180 {
					t.Fatalf("tracks: %+v", m.Tracks)
				}
				ffmpegReads(t, filepath.Join(r.dir, m.Tracks[0].File), c.codec.String(), 60)
				ffmpegReads(t, unfinished, c.codec.String(), 60)
			})
		})
	}
}

// leftByCrash returns a copy of the only file of a recording as a crash would
// leave it, brought to its end as the next start does.
func leftByCrash(t *testing.T, r *Recording) string {
	t.Helper()
	time.Sleep(2 * time.Second) // pages and clusters are written every second
	track := r.Manifest().Tracks[0]
	b, err := os.ReadFile(filepath.Join(r.dir, track.File))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), track.File)
	if err := os.WriteFile(path, append(b, "half a cluster"...), filePerm); err != nil {
		t.Fatal(err)
	}
	if ms, err := finishFile(path, format.CodecOf(track.Codec)); err != nil || ms != 59*1000/30 {
		t.Errorf("finishFile = %d, %v, want %d ms", ms, err, 59*1000/30)
	}
	return path
}

func ffmpegReads(t *testing.T, path, codec string, frames int) {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "error", "-count_frames", "-select_streams", "v:0", "-of", "csv=p=0",
		"-show_entries", "stream=codec_name,width,height,nb_read_frames:format=duration", path).CombinedOutput()
	fields := strings.FieldsFunc(string(out), func(r rune) bool { return r == ',' || r == '\n' })
	if want := fmt.Sprintf("%s 320 180 %d", codec, frames); err != nil || len(fields) != 5 || strings.Join(fields[:4], " ") != want ||
		!strings.HasPrefix(fields[4], "1.9") && !strings.HasPrefix(fields[4], "2.0") {
		t.Errorf("ffprobe %s: %v %s, want %s, about 2 s", path, err, out, want)
	}
	out, err = exec.Command("ffmpeg", "-v", "error", "-xerror", "-i", path, "-f", "null", "-").CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("ffmpeg %s: %v\n%s", path, err, out)
	}
	// From the middle: there is an index.
	out, err = exec.Command("ffmpeg", "-v", "error", "-xerror", "-ss", "1.2", "-i", path, "-frames:v", "1", "-f", "null", "-").CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("ffmpeg -ss %s: %v\n%s", path, err, out)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}
