package format

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"
)

// memory is a file in memory.
type memory struct {
	b    []byte
	at   int64
	fail int // writes to fail
}

func (m *memory) Write(b []byte) (int, error) {
	if m.fail > 0 {
		m.fail--
		return 0, errFull
	}
	if need := int(m.at) + len(b); need > len(m.b) {
		m.b = append(m.b, make([]byte, need-len(m.b))...)
	}
	copy(m.b[m.at:], b)
	m.at += int64(len(b))
	return len(b), nil
}

func (m *memory) Seek(to int64, whence int) (int64, error) {
	if whence != io.SeekStart {
		return 0, errors.New("only from the start")
	}
	m.at = to
	return to, nil
}

// vp8Frame is the head of a VP8 frame (320 x 180 where it is a key frame).
func vp8Frame(n int, key bool) []byte {
	b := []byte{0x11, 0, 0, byte(n >> 8), byte(n)}
	if key {
		b = []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, 64, 1, 180, 0, byte(n >> 8), byte(n)}
	}
	return append(b, bytes.Repeat([]byte{byte(n)}, n%700)...)
}

type seen struct {
	frame []byte
	ms    int64
	key   bool
}

func readVideo(t testing.TB, file []byte) (all []seen, r *VideoReader) {
	t.Helper()
	r, err := NewVideoReader(bytes.NewReader(file))
	if err != nil {
		t.Fatalf("NewVideoReader: %v", err)
	}
	for {
		frame, ms, key, err := r.Next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				t.Fatalf("Next: %v", err)
			}
			return all, r
		}
		all = append(all, seen{bytes.Clone(frame), ms, key})
	}
}

// filmTo writes n frames, 30 a second, a key frame each second and a pause of
// an hour in the middle, and returns when they are shown.
func filmTo(t testing.TB, v *VideoWriter, n int) (times []int64) {
	for i := range n {
		ms := int64(i) * 1000 / 30
		if i > n/2 {
			ms += 3_600_000
		}
		times = append(times, ms)
		if err := v.Write(ms, i%30 == 0, vp8Frame(i, i%30 == 0)); err != nil {
			t.Fatal(err)
		}
	}
	return times
}

func TestVideoRoundTrip(t *testing.T) {
	file := &memory{}
	p, ok := PictureOf(VP8, vp8Frame(0, true))
	if !ok || p.Width != 320 || p.Height != 180 {
		t.Fatalf("PictureOf = %+v, %v", p, ok)
	}
	v, err := NewVideoWriter(file, p, "test", time.Unix(1_700_000_000, 0))
	if err != nil {
		t.Fatal(err)
	}
	times := filmTo(t, v, 300)
	unfinished := bytes.Clone(file.b)
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	got, r := readVideo(t, file.b)
	if q := r.Picture(); q.Codec != VP8 || q.Width != 320 || q.Height != 180 || r.Length() != times[299] {
		t.Errorf("the file says %+v, %d ms; want %+v, %d ms", q, r.Length(), p, times[299])
	}
	check := func(got []seen) {
		t.Helper()
		for i, s := range got {
			key := i%30 == 0
			if s.ms != times[i] || s.key != key || !bytes.Equal(s.frame, vp8Frame(i, key)) {
				t.Fatalf("frame %d: %d bytes at %d ms, key %v; want them at %d, %v", i, len(s.frame), s.ms, s.key, times[i], key)
			}
		}
	}
	if check(got); len(got) != 300 {
		t.Errorf("%d frames read, want 300", len(got))
	}
	got, r = readVideo(t, unfinished)
	if check(got); len(got) < 270 || r.Length() != 0 {
		t.Errorf("%d frames of 300 after a crash, length %d", len(got), r.Length())
	}
	if err := v.Write(0, true, vp8Frame(0, true)); !errors.Is(err, errFrameTime) {
		t.Errorf("a frame of the past: %v", err)
	}
	for n := len(unfinished); n > 400; n -= 997 {
		got, _ := readVideo(t, unfinished[:n])
		check(got)
	}
}

// Players scale all of a file to what its headers say: that is the largest size
// that came, also where it came late.
func TestHeadersHaveTheLargestSize(t *testing.T) {
	for name, sizes := range map[string][][2]int{
		"grows": {{1280, 720}}, "grows and shrinks": {{640, 360}, {1280, 720}, {320, 180}}, "shrinks": {{160, 90}}, "stays": nil,
	} {
		file := &memory{}
		p, _ := PictureOf(VP8, vp8Frame(0, true))
		v, err := NewVideoWriter(file, p, "test", time.Unix(1_700_000_000, 0))
		if err != nil {
			t.Fatal(err)
		}
		filmTo(t, v, 60)
		for _, size := range sizes {
			v.Resize(size[0], size[1])
		}
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
		want := [2]int{320, 180}
		if name[0] == 'g' {
			want = [2]int{1280, 720}
		}
		got, r := readVideo(t, file.b)
		if q := r.Picture(); len(got) != 60 || [2]int{q.Width, q.Height} != want {
			t.Errorf("%s: %d frames of %dx%d, want 60 of %v", name, len(got), q.Width, q.Height, want)
		}
	}
}

func (m *memory) Read(b []byte) (int, error) {
	if m.at >= int64(len(m.b)) {
		return 0, io.EOF
	}
	n := copy(b, m.b[m.at:])
	m.at += int64(n)
	return n, nil
}

func (m *memory) Truncate(size int64) error {
	m.b = m.b[:size]
	return nil
}

// Wherever a file breaks off, finishing it makes the same of it as Close would
// have made of what is whole.
func TestFinishVideo(t *testing.T) {
	file := &memory{}
	p, _ := PictureOf(VP8, vp8Frame(0, true))
	v, err := NewVideoWriter(file, p, "test", time.Unix(1_700_000_000, 0))
	if err != nil {
		t.Fatal(err)
	}
	headers := len(file.b)
	times := filmTo(t, v, 300)
	if err := v.Flush(); err != nil {
		t.Fatal(err)
	}
	unfinished := bytes.Clone(file.b)
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	whole := &memory{b: bytes.Clone(unfinished)}
	if ms, err := FinishVideo(whole); err != nil || ms != times[299] || !bytes.Equal(whole.b, file.b) {
		t.Fatalf("FinishVideo = %d, %v; %d bytes, want %d as of Close", ms, err, len(whole.b), len(file.b))
	}
	again := bytes.Clone(whole.b)
	if ms, err := FinishVideo(whole); err != nil || ms != times[299] || !bytes.Equal(whole.b, again) {
		t.Errorf("a finished file: %d, %v; it was changed: %v", ms, err, !bytes.Equal(whole.b, again))
	}
	for n := headers; n < len(unfinished); n += 501 {
		cut := &memory{b: bytes.Clone(unfinished[:n])}
		want, _ := readVideo2(unfinished[:n])
		ms, err := FinishVideo(cut)
		if err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
		got, r := readVideo2(cut.b)
		if len(got) > len(want) || len(want)-len(got) > 40 || len(got) > 0 && (ms != got[len(got)-1].ms || r.Length() != ms) {
			t.Fatalf("%d bytes: %d frames of %d, %d ms", n, len(got), len(want), ms)
		}
	}
}

// readVideo2 reads what there is, nothing of a file without a cluster.
func readVideo2(file []byte) (all []seen, r *VideoReader) {
	r, err := NewVideoReader(bytes.NewReader(file))
	for err == nil {
		var s seen
		if s.frame, s.ms, s.key, err = r.Next(); err == nil {
			all = append(all, s)
		}
	}
	return all, r
}

// Nothing that is no file of ours is changed but cut, nor makes it panic.
func FuzzFinishVideo(f *testing.F) {
	file := &memory{}
	v, err := NewVideoWriter(file, Picture{Codec: VP8, Width: 320, Height: 180}, "x", time.Unix(0, 0))
	if err != nil {
		f.Fatal(err)
	}
	filmTo(f, v, 3)
	f.Add(bytes.Clone(file.b))
	if err := v.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(file.b)
	f.Fuzz(func(t *testing.T, b []byte) {
		m := &memory{b: bytes.Clone(b)}
		if ms, err := FinishVideo(m); err == nil && ms < 0 {
			t.Fatalf("%d ms", ms)
		}
	})
}

func TestVideoWriterGoesOnAfterErrors(t *testing.T) {
	file := &memory{}
	v, err := NewVideoWriter(file, Picture{Codec: VP8, Width: 320, Height: 180}, "", time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	written := 0
	for i := range 600 {
		if i == 200 {
			file.fail = 50
		}
		if v.Write(int64(i)*33, i%30 == 0, vp8Frame(i, i%30 == 0)) == nil {
			written++
		}
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	got, _ := readVideo(t, file.b)
	if len(got) != written || written < 540 || written == 600 {
		t.Errorf("%d frames read, %d written, of 600", len(got), written)
	}
}

func FuzzVideoReader(f *testing.F) {
	file := &memory{}
	v, err := NewVideoWriter(file, Picture{Codec: VP8, Width: 320, Height: 180, Private: []byte{1}}, "x", time.Unix(0, 0))
	if err != nil {
		f.Fatal(err)
	}
	filmTo(f, v, 3)
	if err := v.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(file.b)
	f.Add(file.b[:200])
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := NewVideoReader(bytes.NewReader(b))
		for n := 0; err == nil; n++ {
			var frame []byte
			if frame, _, _, err = r.Next(); err == nil && len(frame) > len(b) {
				t.Fatal("a frame larger than the file")
			}
			if n > len(b) {
				t.Fatal("more frames than bytes")
			}
		}
	})
}

// No bytes make the readers of codecs read beyond them, or turn in circles.
func FuzzPictureOf(f *testing.F) {
	f.Add(uint8(VP8), vp8Frame(0, true))
	f.Add(uint8(VP9), []byte{0x82, 0x49, 0x83, 0x42, 0x00, 0x13, 0xf0, 0x0b, 0x30})
	f.Add(uint8(H264), []byte{0, 0, 0, 5, 0x67, 0x42, 0xe0, 0x1f, 1, 0, 0, 0, 1, 0x68, 0, 0, 0, 1, 0x65})
	f.Add(uint8(AV1), []byte{0x0a, 0x0b, 0, 0, 0, 0x24, 0xc4, 0xff, 0xdf, 0x3c, 0xfe, 0xca, 0x80})
	f.Fuzz(func(t *testing.T, codec uint8, frame []byte) {
		p, ok := PictureOf(Codec(codec), frame)
		if ok && (p.Width < 1 || p.Height < 1 || p.Width > 1<<17 || p.Height > 1<<17) {
			t.Fatalf("a picture of %d x %d", p.Width, p.Height)
		}
		AnnexB(nil, frame)
		HasIDR(frame)
		HasSequence(frame)
	})
}
