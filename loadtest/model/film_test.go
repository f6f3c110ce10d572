package model

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"
)

// ladder are the layers of a camera with three.
func ladder() []FilmLayer {
	return []FilmLayer{{320, 15, 150}, {640, 30, 500}, {1280, 30, 1500}}
}

func mustFilm(t testing.TB, codec string, layers []FilmLayer, seed uint64) *Film {
	t.Helper()
	f, err := NewFilm(codec, layers, seed)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFilmHasTheRateAskedFor(t *testing.T) {
	layers := append(ladder(), FilmLayer{640, 20, 400}, FilmLayer{320, 30, 1000})
	for _, codec := range []string{VP8, H264} {
		f := mustFilm(t, codec, layers, 3)
		for i, l := range layers {
			sum, least, most := 0, math.MaxInt, 0
			n := 60 * l.FPS
			for range n {
				frame, key := f.Next(i, false)
				sum += len(frame)
				if !key {
					least, most = min(least, len(frame)), max(most, len(frame))
				}
			}
			if kbps := float64(sum) * 8 / 60 / 1000; math.Abs(kbps/float64(l.Kbps)-1) > 0.05 {
				t.Errorf("%s, %+v: %.0f kbit/s over a minute", codec, l, kbps)
			}
			if mean := sum / n; least > mean*8/10 || most < mean*13/10 {
				t.Errorf("%s, %+v: frames of %d to %d bytes, those of cameras vary more", codec, l, least, most)
			}
		}
	}
}

func TestFilmFramesAreWhatTheySay(t *testing.T) {
	for _, codec := range []string{VP8, H264} {
		f := mustFilm(t, codec, ladder(), 1)
		for layer, l := range ladder() {
			keys := 0
			for i := range 300 {
				want := i == 10
				frame, key := f.Next(layer, want)
				if (i == 0 || want) && !key {
					t.Fatalf("%s, layer %d: frame %d is no key frame", codec, layer, i)
				}
				if key {
					keys++
				}
				if codec == VP8 {
					checkVP8(t, frame, key, l.Width)
				} else {
					checkH264(t, frame, key)
				}
			}
			if keys != 4 {
				t.Errorf("%s, layer %d: %d key frames in 300, want 4", codec, layer, keys)
			}
		}
	}
}

// checkVP8 reads the header of RFC 6386, section 9.1.
func checkVP8(t *testing.T, frame []byte, key bool, width int) {
	t.Helper()
	if isKey := frame[0]&1 == 0; isKey != key || frame[0]&0x10 == 0 {
		t.Fatalf("key %v, shown %v, want key %v and shown", isKey, frame[0]&0x10 != 0, key)
	}
	if first := int(frame[0])>>5 | int(frame[1])<<3 | int(frame[2])<<11; first >= len(frame) {
		t.Fatalf("first partition of %d bytes in a frame of %d", first, len(frame))
	}
	if key {
		w, h := int(binary.LittleEndian.Uint16(frame[6:]))&0x3fff, int(binary.LittleEndian.Uint16(frame[8:]))&0x3fff
		if !bytes.Equal(frame[3:6], []byte{0x9d, 0x01, 0x2a}) || w != width || h != width*9/16 {
			t.Fatalf("key frame begins % x: %d by %d", frame[:10], w, h)
		}
	}
}

// checkH264 reads the types of NAL units: parameter sets before a key frame, a
// message perhaps, one slice.
func checkH264(t *testing.T, frame []byte, key bool) {
	t.Helper()
	var types []string
	for _, nal := range bytes.Split(frame, []byte{0, 0, 0, 1})[1:] {
		types = append(types, fmt.Sprint(nal[0]&0x1f))
		if bytes.Contains(nal, []byte{0, 0, 1}) {
			t.Fatal("a start code of three bytes")
		}
	}
	got := strings.Join(types, " ")
	want := []string{"1", "6 1"}
	if key {
		want = []string{"7 8 5", "7 8 6 5"}
	}
	if got != want[0] && got != want[1] {
		t.Fatalf("NAL units %s, want %s", got, want[1])
	}
}

func TestSEIHasTheSizeAskedFor(t *testing.T) {
	for size := seiLeast; size < 2000; size++ {
		sei := appendSEI(nil, size)
		if len(sei) > size || len(sei) < size-1 {
			t.Fatalf("a message of %d bytes, want %d", len(sei), size)
		}
		said, at := 0, 6
		for ; sei[at] == 255; at++ {
			said += 255
		}
		said += int(sei[at])
		if rest := len(sei) - at - 2; said != rest || said < 16 || sei[len(sei)-1] != 0x80 {
			t.Fatalf("size %d: says %d bytes and has %d", size, said, rest)
		}
	}
}

func TestFilmIsSeeded(t *testing.T) {
	a, b := mustFilm(t, VP8, ladder(), 5), mustFilm(t, VP8, ladder(), 5)
	for range 200 {
		x, _ := a.Next(1, false)
		y, _ := b.Next(1, false)
		if !bytes.Equal(x, y) {
			t.Fatal("the same seed gave another film")
		}
	}
}

func TestNewFilmRefuses(t *testing.T) {
	for _, tc := range []struct {
		codec string
		layer FilmLayer
		want  string
	}{
		{"av1", FilmLayer{320, 30, 100}, "vp8 or h264"},
		{VP8, FilmLayer{800, 30, 100}, "320, 640 or 1280"},
		{H264, FilmLayer{320, 0, 100}, "1 to 60"},
		{H264, FilmLayer{320, 30, 0}, "1 to 100000"},
	} {
		if _, err := NewFilm(tc.codec, []FilmLayer{tc.layer}, 1); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("NewFilm(%s, %+v) = %v, want an error with %q", tc.codec, tc.layer, err, tc.want)
		}
	}
}

func TestNextDoesNotAllocate(t *testing.T) {
	f := mustFilm(t, H264, ladder(), 1)
	for range 300 {
		f.Next(2, false)
	}
	if n := testing.AllocsPerRun(500, func() { f.Next(2, false) }); n > 0 {
		t.Errorf("a frame allocates %v times", n)
	}
}

// What is filled up shows the same pictures as what was recorded, to somebody
// else's decoder.
func TestFilledFramesDecodeTheSame(t *testing.T) {
	if testing.Short() {
		t.Skip("decodes video")
	}
	for _, codec := range []string{VP8, H264} {
		for _, width := range []int{320, 640} {
			f := mustFilm(t, codec, []FilmLayer{{width, 30, 300}}, 1)
			var filled, plain [][]byte
			for i := range 60 {
				frame, _ := f.Next(0, false)
				filled = append(filled, bytes.Clone(frame))
				plain = append(plain, []byte(f.layers[0].frames[i]))
			}
			pictures, want := decoded(t, codec, width, filled), decoded(t, codec, width, plain)
			if pictures != want || strings.Count(want, "\n0,") != 60 {
				t.Errorf("%s %d: other pictures when filled up:\n%s\nwant\n%s", codec, width, pictures, want)
			}
		}
	}
}

// decoded returns a checksum of every picture.
func decoded(t *testing.T, codec string, width int, frames [][]byte) string {
	t.Helper()
	if codec == H264 {
		return string(ffmpeg(t, bytes.Join(frames, nil), "-f h264 -i - -pix_fmt yuv420p -f framemd5 -"))
	}
	ivf := []byte("DKIF\x00\x00\x20\x00VP80")
	ivf = binary.LittleEndian.AppendUint16(ivf, uint16(width))
	ivf = binary.LittleEndian.AppendUint16(ivf, uint16(width*9/16))
	for _, v := range []uint32{30, 1, uint32(len(frames)), 0} {
		ivf = binary.LittleEndian.AppendUint32(ivf, v)
	}
	for i, frame := range frames {
		ivf = binary.LittleEndian.AppendUint32(ivf, uint32(len(frame)))
		ivf = binary.LittleEndian.AppendUint64(ivf, uint64(i))
		ivf = append(ivf, frame...)
	}
	return string(ffmpeg(t, ivf, "-f ivf -i - -pix_fmt yuv420p -f framemd5 -"))
}

func BenchmarkFilm(b *testing.B) {
	f := mustFilm(b, VP8, ladder(), 1)
	b.ReportAllocs()
	for b.Loop() {
		f.Next(2, false)
	}
}
