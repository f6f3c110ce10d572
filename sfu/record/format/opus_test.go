package format

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
)

func TestOpusSamples(t *testing.T) {
	for _, c := range []struct {
		packet []byte
		want   int
	}{
		{nil, 0},
		{[]byte{0xf8}, 960},                // CELT, 20 ms
		{[]byte{0xe0}, 120},                // CELT, 2.5 ms
		{[]byte{0x18}, 2880},               // SILK, 60 ms
		{[]byte{0x60}, 480},                // hybrid, 10 ms
		{[]byte{0xf9, 1, 2}, 1920},         // two of one length
		{[]byte{0xf9, 1}, 0},               // which cannot be
		{[]byte{0xfa, 1, 9}, 1920},         // two of two lengths
		{[]byte{0xfb}, 0},                  // how many?
		{silence120, 5760},                 // six
		{[]byte{0x1b, 3, 1}, 0},            // 180 ms
		{make([]byte, maxOpusPacket+1), 0}, // more than a page holds
		{append([]byte{0xf8}, make([]byte, 1274)...), 960},
	} {
		if got := OpusSamples(c.packet); got != c.want {
			t.Errorf("OpusSamples(%.6x, %d bytes) = %d, want %d", c.packet, len(c.packet), got, c.want)
		}
	}
}

// voicePacket is one frame of 20 ms that says its number.
func voicePacket(n int) []byte { return []byte{0xf8, 'v', byte(n >> 8), byte(n), 'x'} }

type heard struct {
	packet []byte
	at     int64
}

func readOpus(t testing.TB, file []byte) (all []heard, length int64) {
	t.Helper()
	r, err := NewOpusReader(bytes.NewReader(file))
	if err != nil {
		t.Fatalf("NewOpusReader: %v", err)
	}
	for {
		packet, at, err := r.Next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				t.Fatalf("Next: %v", err)
			}
			return all, r.Length()
		}
		if !IsFiller(packet) {
			all = append(all, heard{slices.Clone(packet), at})
		}
	}
}

// A voice with a lost packet, a pause of 2 s, an overlap and a pause that is no
// multiple of a frame: each packet is where it was put, to 2.5 ms.
func TestOpusWriterKeepsTime(t *testing.T) {
	var file bytes.Buffer
	o, err := NewOpusWriter(&file, 1, 7, []string{"TITLE=test"})
	if err != nil {
		t.Fatal(err)
	}
	at := []int64{0, 960, 1920, 3840, 4800, 100_800, 101_760, 102_000, 150_077, 151_037}
	want := []int64{0, 960, 1920, 3840, 4800, 100_800, 101_760, 102_720, 150_000, 150_960}
	for i, sample := range at {
		if err := o.WriteAt(sample, voicePacket(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	got, length := readOpus(t, file.Bytes())
	if len(got) != len(at) || length != 151_920 || o.Length() != length {
		t.Fatalf("%d packets of %d samples, want %d of 151920", len(got), length, len(at))
	}
	for i, h := range got {
		if !bytes.Equal(h.packet, voicePacket(i)) || h.at != want[i] {
			t.Errorf("packet %d: %x at %d, want it at %d", i, h.packet, h.at, want[i])
		}
	}
	if err := o.WriteAt(0, []byte{0xfb}); err == nil {
		t.Error("what is no Opus was written")
	}
}

// flaky fails some writes, of which then nothing is written.
type flaky struct {
	bytes.Buffer
	fail int // writes to fail
}

var errFull = errors.New("full")

func (f *flaky) Write(b []byte) (int, error) {
	if f.fail > 0 {
		f.fail--
		return 0, errFull
	}
	return f.Buffer.Write(b)
}

// The disk is full for a while: what was written before and what comes
// afterwards is there, on time.
func TestOpusWriterGoesOnAfterErrors(t *testing.T) {
	var file flaky
	o, err := NewOpusWriter(&file, 1, 7, nil)
	if err != nil {
		t.Fatal(err)
	}
	var written []int
	for i := range 1000 {
		if i == 300 {
			file.fail = 100
		}
		switch err := o.WriteAt(int64(i)*960, voicePacket(i)); {
		case err == nil:
			written = append(written, i)
		case !errors.Is(err, errFull):
			t.Fatal(err)
		}
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	got, _ := readOpus(t, file.Bytes())
	if len(got) != len(written) || len(written) < 850 || len(written) > 950 {
		t.Fatalf("%d packets read of %d written, want about 900 of 1000", len(got), len(written))
	}
	for i, h := range got {
		if n := written[i]; !bytes.Equal(h.packet, voicePacket(n)) || h.at != int64(n)*960 {
			t.Errorf("packet %d is %x at %d, want number %d at %d", i, h.packet, h.at, n, n*960)
		}
	}
}

// Wherever a file breaks off, all whole pages of it are read.
func TestOpusReaderTakesWhatThereIs(t *testing.T) {
	var file bytes.Buffer
	o, err := NewOpusWriter(&file, 2, 7, nil)
	if err != nil {
		t.Fatal(err)
	}
	headers := file.Len()
	for i := range 200 {
		if err := o.WriteAt(int64(i)*960, voicePacket(i)); err != nil {
			t.Fatal(err)
		}
	}
	whole := file.Bytes()
	last := -1
	for n := headers; n <= len(whole); n += 7 {
		got, _ := readOpus(t, whole[:n])
		if len(got) < last || len(got) > 200 {
			t.Fatalf("%d bytes: %d packets, after %d of less", n, len(got), last)
		}
		last = len(got)
	}
	if last < 100 {
		t.Errorf("%d packets of 200 before Flush", last)
	}
	broken := slices.Clone(whole)
	broken[len(broken)-9] ^= 1
	r, err := NewOpusReader(bytes.NewReader(broken))
	for err == nil {
		_, _, err = r.Next()
	}
	if errors.Is(err, io.EOF) {
		t.Error("a page with a wrong checksum was read")
	}
}

func FuzzOpusReader(f *testing.F) {
	var file bytes.Buffer
	o, err := NewOpusWriter(&file, 1, 7, []string{"TITLE=x"})
	if err != nil {
		f.Fatal(err)
	}
	for i := range 3 {
		if err := o.WriteAt(int64(i)*2000, voicePacket(i)); err != nil {
			f.Fatal(err)
		}
	}
	if err := o.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(file.Bytes())
	f.Add(file.Bytes()[:100])
	f.Add([]byte("OggS"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := NewOpusReader(bytes.NewReader(b))
		for n := 0; err == nil; n++ {
			var packet []byte
			packet, _, err = r.Next()
			if err == nil && (len(packet) == 0 || len(packet) > maxOpusPacket) {
				t.Fatalf("a packet of %d bytes", len(packet))
			}
			if n > len(b) {
				t.Fatal("more packets than bytes")
			}
		}
	})
}

// Any gaps: the file is as long as the time, and reading gives back what was
// written.
func FuzzOpusRoundTrip(f *testing.F) {
	f.Add([]byte{0, 8, 20, 1, 255, 3})
	f.Fuzz(func(t *testing.T, gaps []byte) {
		if len(gaps) > 200 {
			return
		}
		var file bytes.Buffer
		o, err := NewOpusWriter(&file, 1, 7, nil)
		if err != nil {
			t.Fatal(err)
		}
		sample := int64(0)
		for i, gap := range gaps {
			sample += int64(gap) * int64(gap) * 13
			if err := o.WriteAt(sample, voicePacket(i)); err != nil {
				t.Fatal(err)
			}
			if drift := o.Length() - 960 - sample; drift > 960*int64(i) || drift <= -120 {
				t.Fatalf("packet %d for %d is at %d", i, sample, o.Length()-960)
			}
		}
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
		got, length := readOpus(t, file.Bytes())
		if len(got) != len(gaps) || length != o.Length() {
			t.Fatalf("%d packets, %d samples; want %d, %d", len(got), length, len(gaps), o.Length())
		}
		for i := range got {
			if fmt.Sprint(got[i].packet) != fmt.Sprint(voicePacket(i)) {
				t.Fatalf("packet %d is %x", i, got[i].packet)
			}
		}
	})
}
