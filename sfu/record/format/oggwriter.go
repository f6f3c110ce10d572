package format

import (
	"encoding/binary"
	"errors"
	"io"
)

const (
	// preSkip is how many samples players leave out at the beginning, so that
	// a decoder that begins in the middle of a stream finds its state: RFC
	// 7845, section 4.2. A writer puts as much silence first, so that nothing of
	// the voice is left out.
	preSkip = OpusRate * 80 / 1000

	pageLength = OpusRate // samples: a page a second, RFC 7845, section 4
)

var errNotOpus = errors.New("format: not an Opus packet")

// OpusWriter writes one voice as an Ogg Opus file. Time without packets is
// filled, so that the place in the file tells the time: with two or three
// frames that decoders conceal, as RFC 7845, section 4.1 wants for what was
// lost, then with silence, a packet of 14 bytes for each 120 ms.
//
// After an error of the underlying writer, which must then have written
// nothing, the page is kept and written with the next call.
type OpusWriter struct {
	w       io.Writer
	page    page
	next    int64 // where the next packet would begin, in samples
	flushed int64 // where the page begins
	toc     byte  // of the last packet
}

// NewOpusWriter writes the headers of a file of so many channels (1 or 2).
// Each tag is NAME=value (RFC 7845, section 5.2).
func NewOpusWriter(w io.Writer, channels int, serial uint32, tags []string) (*OpusWriter, error) {
	o := &OpusWriter{w: w, page: page{serial: serial, kind: pageFirst}, next: -preSkip, flushed: -preSkip, toc: silence20[0]}
	o.page.add(opusHead(channels), 0)
	if err := o.page.write(w); err != nil {
		return nil, err
	}
	o.page.add(opusTags(tags), 0)
	if err := o.page.write(w); err != nil {
		return nil, err
	}
	return o, o.fill(0, false)
}

// WriteAt adds a packet that begins so many samples after the beginning of the
// file. One that begins before the last ended follows it at once.
func (o *OpusWriter) WriteAt(sample int64, packet []byte) error {
	n := OpusSamples(packet)
	if n == 0 {
		return errNotOpus
	}
	if err := o.fill(sample, true); err != nil {
		return err
	}
	o.toc = packet[0]
	return o.add(packet, int64(n))
}

// Fill makes the file so long, in samples.
func (o *OpusWriter) Fill(to int64) error { return o.fill(to, true) }

// Length returns how many samples have been written, those of the page that
// is being made included.
func (o *OpusWriter) Length() int64 { return max(0, o.next) }

// fill passes the time until a sample.
func (o *OpusWriter) fill(to int64, conceal bool) error {
	if frame := int64(opusFrame(o.toc)); conceal {
		for i := 0; i < concealed && to-o.next >= frame; i++ {
			if err := o.add([]byte{o.toc &^ 3}, frame); err != nil {
				return err
			}
		}
	}
	for _, f := range fillers {
		for to-o.next >= f.samples {
			if err := o.add(f.packet, f.samples); err != nil {
				return err
			}
		}
	}
	return nil
}

func (o *OpusWriter) add(packet []byte, samples int64) error {
	if o.next-o.flushed >= pageLength || !o.page.fits(len(packet)) {
		if err := o.Flush(); err != nil {
			return err
		}
	}
	o.next += samples
	o.page.add(packet, uint64(o.next+preSkip))
	return nil
}

// Flush writes what there is of the page: a crash loses nothing of it.
func (o *OpusWriter) Flush() error {
	if len(o.page.lacing) == 0 {
		return nil
	}
	if err := o.page.write(o.w); err != nil {
		return err
	}
	o.flushed = o.next
	return nil
}

// Close writes the last page. It does not close the underlying writer.
func (o *OpusWriter) Close() error {
	o.page.kind |= pageLast
	o.page.position = uint64(o.next + preSkip)
	return o.page.write(o.w)
}

// opusHead is the identification header: RFC 7845, section 5.1.
func opusHead(channels int) []byte {
	b := append([]byte("OpusHead"), 1, byte(channels))
	b = binary.LittleEndian.AppendUint16(b, preSkip)
	b = binary.LittleEndian.AppendUint32(b, OpusRate)
	return append(b, 0, 0, 0) // a gain of 0 dB, mapping family 0
}

// opusTags is the comment header: RFC 7845, section 5.2.
func opusTags(tags []string) []byte {
	b := appendText([]byte("OpusTags"), "Earshot")
	b = binary.LittleEndian.AppendUint32(b, uint32(len(tags)))
	for _, tag := range tags {
		b = appendText(b, tag)
	}
	return b
}

func appendText(b []byte, text string) []byte {
	return append(binary.LittleEndian.AppendUint32(b, uint32(len(text))), text...)
}
