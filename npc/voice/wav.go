package voice

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"

	"earshot"
)

// Limits of a stream of sound.
const (
	minRate      = 8000
	maxRate      = 48000
	maxSkipped   = 256 << 10 // bytes of chunks before the samples
	maxChunks    = 64
	headerWindow = 16 // bytes by which the kind of a stream is known
)

// Format is how PCM of 16-bit little-endian samples is laid out.
type Format struct {
	Rate     int // samples a second, 8000 to 48000
	Channels int // 1 or 2
}

// plainPCM is what servers send that were asked for "pcm": OpenAI's format.
var plainPCM = Format{Rate: 24000, Channels: 1}

// pcmReader reads samples of a stream while it arrives.
type pcmReader struct {
	r      *bufio.Reader
	format Format
	left   int64 // bytes of samples; negative: until the stream ends
	buf    []byte
}

// newPCMReader reads what comes before the samples. A stream that does not
// begin as a WAV file is taken for raw PCM of the given format, unless it begins
// as another known kind. Errors are *earshot.Error, or of r.
func newPCMReader(r io.Reader, raw Format) (*pcmReader, error) {
	p := &pcmReader{r: bufio.NewReaderSize(r, 8192), format: raw, left: -1}
	start, err := p.r.Peek(headerWindow)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch kind := kindOf(start); kind {
	case "WAV":
		err = p.readHeader()
	case "":
		err = nil
	default:
		err = earshot.Errorf(earshot.CodeInvalidArgument, "the sound is %s: the server must send WAV or 16-bit PCM", kind)
	}
	if err != nil {
		return nil, err
	}
	return p, p.format.validate()
}

// kindOf tells by its first bytes what a stream is, "" for raw PCM.
func kindOf(start []byte) string {
	begins := func(s string) bool { return len(start) >= len(s) && string(start[:len(s)]) == s }
	switch {
	case len(start) == headerWindow && begins("RIFF") && string(start[8:12]) == "WAVE":
		return "WAV"
	case begins("OggS"):
		return "Ogg"
	case begins("fLaC"):
		return "FLAC"
	case begins("ID3"), begins("\xff\xfb"), begins("\xff\xf3"):
		return "MP3"
	case begins("RIFX"), begins("RIFF"), begins("RF64"):
		return "a RIFF file that is no WAV"
	case begins("<"), begins("{"):
		return "text"
	}
	return ""
}

func (f Format) validate() error {
	if f.Channels != 1 && f.Channels != 2 {
		return earshot.Errorf(earshot.CodeInvalidArgument, "sound of %d channels: the server must send 1 or 2", f.Channels)
	}
	if f.Rate < minRate || f.Rate > maxRate {
		return earshot.Errorf(earshot.CodeInvalidArgument, "sound of %d samples a second: the server must send %d to %d", f.Rate, minRate, maxRate)
	}
	return nil
}

// readHeader reads a WAV file up to its samples.
func (p *pcmReader) readHeader() error {
	if _, err := p.r.Discard(12); err != nil {
		return brokenWAV(err)
	}
	known, skipped := false, int64(0)
	for range maxChunks {
		var head [8]byte
		if _, err := io.ReadFull(p.r, head[:]); err != nil {
			return brokenWAV(err)
		}
		size := int64(binary.LittleEndian.Uint32(head[4:]))
		switch id := string(head[:4]); {
		case id == "data":
			if !known {
				return earshot.Errorf(earshot.CodeInvalidArgument, "a WAV file whose samples come before their format")
			}
			p.setSize(size)
			return nil
		case skipped+size > maxSkipped:
			return earshot.Errorf(earshot.CodeInvalidArgument, "a WAV file with more than %d bytes before its samples", maxSkipped)
		case id == "fmt ":
			body := make([]byte, size)
			if _, err := io.ReadFull(p.r, body); err != nil {
				return brokenWAV(err)
			}
			if err := p.readFormat(body); err != nil {
				return err
			}
			known = true
			size = size & 1 // the padding
		default:
			size += size & 1
		}
		skipped += size
		if _, err := p.r.Discard(int(size)); err != nil {
			return brokenWAV(err)
		}
	}
	return earshot.Errorf(earshot.CodeInvalidArgument, "a WAV file of more than %d chunks without samples", maxChunks)
}

// setSize takes the size of the samples. Whoever writes a WAV file while the
// sound is made does not know it, and writes 0 or as much as fits.
func (p *pcmReader) setSize(size int64) {
	p.left = size
	if size == 0 || size >= 0x7f000000 {
		p.left = -1
	}
}

// Formats of WAVEFORMATEX.
const (
	wavePCM        = 1
	waveExtensible = 0xfffe
)

func (p *pcmReader) readFormat(b []byte) error {
	if len(b) < 16 {
		return earshot.Errorf(earshot.CodeInvalidArgument, "a WAV file whose format has %d bytes, want 16", len(b))
	}
	tag, bits := binary.LittleEndian.Uint16(b), binary.LittleEndian.Uint16(b[14:])
	if tag == waveExtensible && len(b) >= 26 {
		tag = binary.LittleEndian.Uint16(b[24:])
	}
	if tag != wavePCM || bits != 16 {
		return earshot.Errorf(earshot.CodeInvalidArgument, "a WAV file of format %d with %d bits: the server must send 16-bit PCM", tag, bits)
	}
	rate := binary.LittleEndian.Uint32(b[4:])
	p.format = Format{Rate: int(min(rate, maxRate+1)), Channels: int(binary.LittleEndian.Uint16(b[2:]))}
	return nil
}

func brokenWAV(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return earshot.Errorf(earshot.CodeInvalidArgument, "a WAV file that ends before its samples")
	}
	return err
}

// read fills dst with mono samples from -1 to 1 and returns how many. It blocks
// until there are as many, or the stream ends: io.EOF comes with none.
func (p *pcmReader) read(dst []float32) (int, error) {
	size := 2 * p.format.Channels
	want := len(dst) * size
	if p.left >= 0 {
		want = int(min(int64(want), p.left))
	}
	if cap(p.buf) < want {
		p.buf = make([]byte, want)
	}
	b := p.buf[:want]
	read, err := io.ReadFull(p.r, b)
	if p.left >= 0 {
		p.left -= int64(read)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	n := read / size
	for i := range n {
		s := int(int16(binary.LittleEndian.Uint16(b[i*size:])))
		if size == 4 {
			s = (s + int(int16(binary.LittleEndian.Uint16(b[i*size+2:])))) / 2
		}
		dst[i] = float32(s) / 32768
	}
	if n == 0 && err == nil {
		err = io.EOF
	}
	if n > 0 && errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// WAV returns a WAV file of one channel of 16-bit samples.
func WAV(pcm []int16, rate int) []byte {
	b := make([]byte, 0, 44+2*len(pcm))
	b = append(b, "RIFF"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(36+2*len(pcm)))
	b = append(b, "WAVEfmt "...)
	b = binary.LittleEndian.AppendUint32(b, 16)
	b = binary.LittleEndian.AppendUint16(b, wavePCM)
	b = binary.LittleEndian.AppendUint16(b, 1)
	b = binary.LittleEndian.AppendUint32(b, uint32(rate))
	b = binary.LittleEndian.AppendUint32(b, uint32(2*rate))
	b = binary.LittleEndian.AppendUint16(b, 2)
	b = binary.LittleEndian.AppendUint16(b, 16)
	b = append(b, "data"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(2*len(pcm)))
	for _, s := range pcm {
		b = binary.LittleEndian.AppendUint16(b, uint16(s))
	}
	return b
}

// toInt16 appends samples from -1 to 1 as 16-bit samples.
func toInt16(dst []int16, pcm []float32) []int16 {
	for _, s := range pcm {
		v := max(-32768, min(32767, s*32768))
		if v < 0 {
			v -= 0.5
		} else {
			v += 0.5
		}
		dst = append(dst, int16(max(-32768, min(32767, v))))
	}
	return dst
}
