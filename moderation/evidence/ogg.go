package evidence

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"io"
	"slices"
	"time"
)

// WriteOgg writes packets as an Ogg Opus file (RFC 7845, in pages of RFC 3533)
// that any player plays. Packets may come in any order and twice; where some
// are missing, empty ones of the same length take their place, which players
// conceal (RFC 7845, section 4.1), so that pauses keep their length. Packets
// that are no Opus are left out. Nothing is decoded.
//
// Players leave out the first 80 ms, in which a decoder that begins in the
// middle of a stream finds its state. Here these are empty packets: no word of
// evidence is to be cut.
func WriteOgg(w io.Writer, packets []Packet) error {
	frames := timeline(packets)
	channels := byte(1)
	for _, f := range frames {
		if f.opus[0]&4 != 0 {
			channels = 2
		}
	}
	var serial uint32
	if len(packets) > 0 {
		serial = packets[0].Timestamp
	}
	o := &oggWriter{w: w, serial: serial, table: crcTable()}
	o.packet(opusHead(channels), 0)
	o.flush(firstPage)
	o.packet(opusTags(), 0)
	o.flush(0)
	for i, f := range frames {
		if i > 0 && (i%pagePackets == 0 || len(o.lacing)+len(f.opus)/255+1 > 255) {
			o.flush(0)
		}
		o.packet(f.opus, uint64(f.end))
	}
	o.flush(lastPage)
	return o.err
}

const pagePackets = 50 // a second of 20 ms

// frame is a packet and where it ends, in samples of 48,000 a second.
type frame struct {
	opus []byte
	end  int64
}

const (
	sampleRate = 48_000
	preSkip    = sampleRate * 80 / 1000 // RFC 7845, section 4.2
	maxGap     = 2 * 60 * sampleRate    // samples; the longest window
	// A timestamp that is further off than this from when the packet came begins
	// anew, or is made up.
	maxDrift = 2 * time.Second
)

func samples(d time.Duration) int64 { return int64(d) * sampleRate / int64(time.Second) }

// timeline puts packets in order, on one clock, without holes.
func timeline(packets []Packet) (out []frame) {
	type placed struct {
		opus  []byte
		start int64
	}
	var all []placed
	var base int64
	for i, p := range packets {
		if i > 0 {
			base += int64(int32(p.Timestamp - packets[i-1].Timestamp))
			came := samples(p.At.Sub(packets[0].At))
			if off := base - came; off > samples(maxDrift) || off < -samples(maxDrift) {
				base = came
			}
		}
		if duration(p.Opus) > 0 {
			all = append(all, placed{p.Opus, base})
		}
	}
	slices.SortStableFunc(all, func(a, b placed) int { return cmp.Compare(a.start, b.start) })
	var end int64
	for i, p := range all {
		toc, at, gap := p.opus[0], int64(0), int64(preSkip)
		if i > 0 {
			before := out[len(out)-1]
			toc, at, gap = before.opus[0], before.end, p.start-end
		}
		if gap < 0 {
			continue // twice, or over another
		}
		out, at = fill(out, toc, at, min(gap, maxGap))
		out = append(out, frame{p.opus, at + int64(duration(p.opus))})
		end = p.start + int64(duration(p.opus))
	}
	return out
}

// fill appends packets of one empty frame each: of the kind before, then of
// 2.5 ms of CELT for what is left.
func fill(out []frame, toc byte, at, gap int64) ([]frame, int64) {
	for _, empty := range []byte{toc &^ 3, 28<<3 | toc&4} {
		n := int64(frameSamples(empty))
		for ; gap >= n; gap -= n {
			at += n
			out = append(out, frame{[]byte{empty}, at})
		}
	}
	return out, at
}

// frameSamples is the length of each frame of a packet: RFC 6716, section 3.1.
func frameSamples(toc byte) int {
	config := int(toc >> 3)
	switch {
	case config < 12: // SILK: 10, 20, 40, 60 ms
		return []int{480, 960, 1920, 2880}[config&3]
	case config < 16: // hybrid: 10, 20 ms
		return []int{480, 960}[config&1]
	}
	return 120 << (config & 3) // CELT: 2.5, 5, 10, 20 ms
}

// duration is the length of a packet in samples; 0 if it cannot be one.
func duration(opus []byte) int {
	if len(opus) == 0 || len(opus) > maxPacket {
		return 0
	}
	n := 1
	switch opus[0] & 3 {
	case 1, 2:
		n = 2
	case 3:
		if len(opus) < 2 {
			return 0
		}
		n = int(opus[1] & 63)
	}
	total := n * frameSamples(opus[0])
	if opus[0]&3 == 1 && len(opus)%2 == 0 || total > 5760 { // 120 ms
		return 0
	}
	return total
}

// opusHead is the identification header: RFC 7845, section 5.1.
func opusHead(channels byte) []byte {
	b := append([]byte("OpusHead"), 1, channels)
	b = binary.LittleEndian.AppendUint16(b, preSkip)
	b = binary.LittleEndian.AppendUint32(b, sampleRate)
	return append(b, 0, 0, 0) // gain of 0 dB, mapping family 0
}

// opusTags is the comment header: RFC 7845, section 5.2.
func opusTags() []byte {
	const vendor = "Earshot"
	b := binary.LittleEndian.AppendUint32([]byte("OpusTags"), uint32(len(vendor)))
	return binary.LittleEndian.AppendUint32(append(b, vendor...), 0)
}

const (
	firstPage = 2
	lastPage  = 4
)

// oggWriter collects the packets of a page.
type oggWriter struct {
	w      io.Writer
	table  [256]uint32
	serial uint32
	number uint32
	lacing []byte
	body   bytes.Buffer
	end    uint64
	err    error
}

// packet adds a whole packet, at whose end so many samples have been.
func (o *oggWriter) packet(data []byte, end uint64) {
	for n := len(data); ; n -= 255 {
		o.lacing = append(o.lacing, byte(min(n, 255)))
		if n < 255 {
			break
		}
	}
	o.body.Write(data)
	o.end = end
}

func (o *oggWriter) flush(kind byte) {
	page := append([]byte("OggS"), 0, kind)
	page = binary.LittleEndian.AppendUint64(page, o.end)
	page = binary.LittleEndian.AppendUint32(page, o.serial)
	page = binary.LittleEndian.AppendUint32(page, o.number)
	page = append(page, 0, 0, 0, 0, byte(len(o.lacing)))
	page = append(append(page, o.lacing...), o.body.Bytes()...)
	var crc uint32
	for _, c := range page {
		crc = crc<<8 ^ o.table[byte(crc>>24)^c]
	}
	binary.LittleEndian.PutUint32(page[22:], crc)
	if o.err == nil {
		_, o.err = o.w.Write(page)
	}
	o.number++
	o.lacing = o.lacing[:0]
	o.body.Reset()
}

// crcTable is for the polynomial 0x04c11db7, not reflected: hash/crc32 has only
// the reflected kind.
func crcTable() (t [256]uint32) {
	for i := range t {
		r := uint32(i) << 24
		for range 8 {
			r = r<<1 ^ (r >> 31 * 0x04c11db7)
		}
		t[i] = r
	}
	return t
}
