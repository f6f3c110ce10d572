package voice

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"earshot"
)

// wavFile writes a WAV file as a test wants it.
func wavFile(tag, channels uint16, rate uint32, bits uint16, size uint32, before string, samples []byte) []byte {
	b := []byte("RIFF\xff\xff\xff\xffWAVE" + before + "fmt \x10\x00\x00\x00")
	b = binary.LittleEndian.AppendUint16(b, tag)
	b = binary.LittleEndian.AppendUint16(b, channels)
	b = binary.LittleEndian.AppendUint32(b, rate)
	b = binary.LittleEndian.AppendUint32(b, 0)
	b = binary.LittleEndian.AppendUint16(b, 0)
	b = binary.LittleEndian.AppendUint16(b, bits)
	b = append(b, "data"...)
	b = binary.LittleEndian.AppendUint32(b, size)
	return append(b, samples...)
}

func readAll(r io.Reader, raw Format) (pcm []float32, rate int, err error) {
	p, err := newPCMReader(r, raw)
	if err != nil {
		return nil, 0, err
	}
	chunk := make([]float32, 7)
	for {
		n, err := p.read(chunk)
		pcm = append(pcm, chunk[:n]...)
		if errors.Is(err, io.EOF) {
			return pcm, p.format.Rate, nil
		}
		if err != nil {
			return pcm, p.format.Rate, err
		}
	}
}

func TestReadsSound(t *testing.T) {
	samples := make([]byte, 40)
	for i := range 20 {
		binary.LittleEndian.PutUint16(samples[2*i:], uint16(int16(i*1000-10000)))
	}
	for name, c := range map[string]struct {
		file    []byte
		samples int
		rate    int
		first   float32
	}{
		"mono":                {wavFile(1, 1, 22050, 16, 40, "", samples), 20, 22050, -10000.0 / 32768},
		"stereo":              {wavFile(1, 2, 44100, 16, 40, "", samples), 10, 44100, -9500.0 / 32768},
		"size unknown":        {wavFile(1, 1, 22050, 16, 0, "", samples), 20, 22050, -10000.0 / 32768},
		"size of a stream":    {wavFile(1, 1, 22050, 16, 0xffffffff, "", samples), 20, 22050, -10000.0 / 32768},
		"size of espeak-ng":   {wavFile(1, 1, 22050, 16, 0x7ffff000, "", samples), 20, 22050, -10000.0 / 32768},
		"cut off":             {wavFile(1, 1, 22050, 16, 1000, "", samples), 20, 22050, -10000.0 / 32768},
		"half a sample more":  {append(wavFile(1, 1, 22050, 16, 0, "", samples), 7), 20, 22050, -10000.0 / 32768},
		"text behind":         {append(wavFile(1, 1, 22050, 16, 40, "", samples), "LIST...."...), 20, 22050, -10000.0 / 32768},
		"chunks before":       {wavFile(1, 1, 16000, 16, 40, "LIST\x03\x00\x00\x00abc\x00", samples), 20, 16000, -10000.0 / 32768},
		"raw, as servers say": {samples, 20, 24000, -10000.0 / 32768},
	} {
		pcm, rate, err := readAll(bytes.NewReader(c.file), plainPCM)
		if err != nil || len(pcm) != c.samples || rate != c.rate || len(pcm) > 0 && pcm[0] != c.first {
			t.Errorf("%s: %d samples at %d Hz, %v, want %d at %d", name, len(pcm), rate, err, c.samples, c.rate)
		}
	}
}

func TestRefusesSound(t *testing.T) {
	endless := bytes.Repeat([]byte("junk\x00\x00\x00\x00"), 1000)
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"float":             {wavFile(3, 1, 22050, 32, 40, "", nil), "16-bit"},
		"24 bits":           {wavFile(1, 1, 22050, 24, 40, "", nil), "16-bit"},
		"5 channels":        {wavFile(1, 5, 22050, 16, 40, "", nil), "channels"},
		"no channel":        {wavFile(1, 0, 22050, 16, 40, "", nil), "channels"},
		"192 kHz":           {wavFile(1, 1, 192000, 16, 40, "", nil), "samples a second"},
		"4 GHz":             {wavFile(1, 1, 0xffffffff, 16, 40, "", nil), "samples a second"},
		"0 Hz":              {wavFile(1, 1, 0, 16, 40, "", nil), "samples a second"},
		"a huge chunk":      {wavFile(1, 1, 22050, 16, 40, "LIST\xff\xff\xff\x7f", nil), "before its samples"},
		"a thousand chunks": {append([]byte("RIFF\x00\x00\x00\x00WAVE"), endless...), "chunks"},
		"no format":         {[]byte("RIFF\x00\x00\x00\x00WAVEdata\x00\x00\x00\x00"), "format"},
		"ends in header":    {wavFile(1, 1, 22050, 16, 40, "", nil)[:30], "ends before"},
		"MP3":               {[]byte("ID3\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), "MP3"},
		"Ogg":               {[]byte("OggS\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), "Ogg"},
		"an error":          {[]byte(`{"error":"no such voice"}`), "text"},
	} {
		_, _, err := readAll(bytes.NewReader(c.file), plainPCM)
		if earshot.CodeOf(err) != earshot.CodeInvalidArgument || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error about %q", name, err, c.want)
		}
	}
}

func TestWAVReadsBack(t *testing.T) {
	in := []int16{0, 1, -1, 32767, -32768}
	pcm, rate, err := readAll(bytes.NewReader(WAV(in, ClipRate)), plainPCM)
	if err != nil || rate != ClipRate {
		t.Fatalf("%d Hz, %v", rate, err)
	}
	if got := toInt16(nil, pcm); len(got) != len(in) || got[3] != in[3] || got[4] != in[4] || got[2] != in[2] {
		t.Errorf("%v came back as %v", in, got)
	}
}

// FuzzSound speaks whatever a server may send: it is refused, or becomes frames
// of sane samples, and ends.
func FuzzSound(f *testing.F) {
	f.Add(wavFile(1, 1, 22050, 16, 0, "", make([]byte, 4000)))
	f.Add(wavFile(1, 2, 8000, 16, 0x7ffff000, "LIST\x03\x00\x00\x00abc\x00", bytes.Repeat([]byte{1, 40, 7, 200}, 900)))
	f.Add(bytes.Repeat([]byte{0, 0x40, 0, 0xc0}, 2000))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := NewSound(t.Context(), io.NopCloser(bytes.NewReader(b)), Format{})
		defer s.Close()
		frame := make([]float32, FrameSamples)
		for i := 0; ; i++ {
			if err := s.Next(frame); err != nil {
				if !errors.Is(err, io.EOF) && earshot.CodeOf(err) != earshot.CodeInvalidArgument {
					t.Fatalf("frame %d: %v", i, err)
				}
				return
			}
			if i > maxFrames {
				t.Fatal("it does not end")
			}
			for _, x := range frame {
				if !(x >= -1 && x <= 1) {
					t.Fatalf("frame %d: a sample is %v", i, x)
				}
			}
		}
	})
}
