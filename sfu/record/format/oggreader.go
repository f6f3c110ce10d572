package format

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// OpusReader reads an Ogg Opus file of one stream, also one that breaks off in
// the middle of a page: what is whole of it is read.
type OpusReader struct {
	r        *bufio.Reader
	channels int
	skip     int64 // samples players leave out

	serial  uint32
	header  [pageHeader + pageSegments]byte
	body    []byte
	lengths []int // of the packets of the page that are still to come
	partial []byte
	open    bool // the last packet of the page goes on in the next
	last    bool
	next    int64
	pages   uint32
}

// NewOpusReader reads the headers of a file.
func NewOpusReader(r io.Reader) (*OpusReader, error) {
	o := &OpusReader{r: bufio.NewReader(r)}
	head, err := o.packet()
	if err != nil || len(head) < 19 || string(head[:8]) != "OpusHead" || head[8]>>4 != 0 {
		return nil, fmt.Errorf("format: not an Ogg Opus file: %w", orMalformed(err))
	}
	o.channels = int(head[9])
	o.skip = int64(binary.LittleEndian.Uint16(head[10:]))
	tags, err := o.packet()
	if err != nil || !bytes.HasPrefix(tags, []byte("OpusTags")) {
		return nil, fmt.Errorf("format: an Ogg Opus file without its second header: %w", orMalformed(err))
	}
	o.next = -o.skip
	return o, nil
}

var errMalformed = errors.New("malformed")

func orMalformed(err error) error {
	if err == nil {
		return errMalformed
	}
	return err
}

// Channels returns how many channels the file says it has.
func (o *OpusReader) Channels() int { return o.channels }

// Next returns the next packet and where it begins, in samples from the first
// that is played; before that it is negative. The packet is good until the
// following Next. At the end, or where the file breaks off, the error is
// io.EOF.
func (o *OpusReader) Next() (packet []byte, sample int64, err error) {
	for {
		packet, err = o.packet()
		if err != nil {
			return nil, 0, err
		}
		if n := OpusSamples(packet); n > 0 {
			sample = o.next
			o.next += int64(n)
			return packet, sample, nil
		}
	}
}

// Length returns how many samples have been read.
func (o *OpusReader) Length() int64 { return max(0, o.next) }

// packet returns the next packet of the stream, whatever it is.
func (o *OpusReader) packet() ([]byte, error) {
	for {
		for len(o.lengths) > 0 {
			n := o.lengths[0]
			o.lengths = o.lengths[1:]
			part := o.body[:n]
			o.body = o.body[n:]
			if len(o.partial)+n > maxOpusPacket {
				return nil, errors.New("format: an Ogg packet of more than 61,440 bytes")
			}
			if len(o.lengths) == 0 && o.open {
				o.partial = append(o.partial, part...)
				break
			}
			if len(o.partial) == 0 {
				return part, nil
			}
			whole := append(o.partial, part...)
			o.partial = nil
			return whole, nil
		}
		if o.last {
			return nil, io.EOF
		}
		if err := o.readPage(); err != nil {
			return nil, err
		}
	}
}

// readPage reads one page, and says io.EOF where the file ends in it.
func (o *OpusReader) readPage() error {
	h := o.header[:pageHeader]
	if _, err := io.ReadFull(o.r, h); err != nil {
		return ended(err)
	}
	segments := int(h[26])
	if string(h[:4]) != pageMagic || h[4] != 0 {
		return errors.New("format: no Ogg page where one should begin")
	}
	lacing := o.header[pageHeader : pageHeader+segments]
	if _, err := io.ReadFull(o.r, lacing); err != nil {
		return ended(err)
	}
	size := 0
	for _, n := range lacing {
		size += int(n)
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(o.r, body); err != nil {
		return ended(err)
	}
	want := binary.LittleEndian.Uint32(h[22:])
	clear(h[22:26])
	if oggSum(append(o.header[:pageHeader+segments:pageHeader+segments], body...)) != want {
		return errors.New("format: the checksum of an Ogg page is wrong")
	}
	serial := binary.LittleEndian.Uint32(h[14:])
	if o.pages == 0 {
		o.serial = serial
	}
	if serial != o.serial {
		return errors.New("format: an Ogg file with several streams")
	}
	o.pages++
	if h[5]&pageContinued == 0 {
		o.partial = nil
	}
	o.last = h[5]&pageLast != 0
	o.cut(lacing, body)
	return nil
}

// cut takes a page apart.
func (o *OpusReader) cut(lacing, body []byte) {
	o.body, o.lengths, o.open = body, o.lengths[:0], false
	n := 0
	for _, l := range lacing {
		n += int(l)
		if o.open = l == 255; !o.open {
			o.lengths = append(o.lengths, n)
			n = 0
		}
	}
	if o.open {
		o.lengths = append(o.lengths, n)
	}
}

// ended takes a file that breaks off for one that ends.
func ended(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return io.EOF
	}
	return err
}
