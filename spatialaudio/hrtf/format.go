package hrtf

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
)

// The format, little endian: a header of 64 bytes (magic with version, uint16
// taps, uint16 rings, float32 scale, 16 bytes reserved and zero, SHA-256 of all
// that follows), then for each ring int16 elevation in 1/100 degree and uint16
// directions, then for each direction int16 delay in 1/256 sample, the left
// taps and the right taps as int16, to be multiplied with scale.
const (
	magic      = "EARHRTF1"
	headerSize = 64
	sumAt      = 32
	// MaxBytes is how long a table may be.
	MaxBytes  = 16 << 20
	delayUnit = 1.0 / 256
	angleUnit = math.Pi / 180 / 100
)

// Encode returns the table in its format. Taps are rounded to 16 bits of the
// largest, delays to 1/256 sample.
func (t *Table) Encode() []byte {
	var peak float64
	t.Each(func(_, _ float64, m *Measured) {
		for ear := range m.Taps {
			for _, v := range m.Taps[ear] {
				peak = max(peak, math.Abs(float64(v)))
			}
		}
	})
	scale := float32(peak / math.MaxInt16)
	b := make([]byte, headerSize, headerSize+4*len(t.rings)+t.given*(2+4*t.taps))
	copy(b, magic)
	binary.LittleEndian.PutUint16(b[8:], uint16(t.taps))
	binary.LittleEndian.PutUint16(b[10:], uint16(len(t.rings)))
	binary.LittleEndian.PutUint32(b[12:], math.Float32bits(scale))
	for i := range t.rings {
		r := &t.rings[i]
		b = appendInt16(b, r.Elevation/angleUnit)
		b = binary.LittleEndian.AppendUint16(b, uint16(len(r.Directions)))
	}
	t.Each(func(_, _ float64, m *Measured) {
		b = appendInt16(b, float64(m.Delay)/delayUnit)
		for ear := range m.Taps {
			for _, v := range m.Taps[ear] {
				b = appendInt16(b, float64(v)/max(float64(scale), math.SmallestNonzeroFloat32))
			}
		}
	})
	sum := sha256.Sum256(b[headerSize:])
	copy(b[sumAt:], sum[:])
	return b
}

func appendInt16(b []byte, v float64) []byte {
	v = math.Round(max(math.MinInt16, min(math.MaxInt16, v)))
	return binary.LittleEndian.AppendUint16(b, uint16(int16(v)))
}

// Decode reads a table. Errors are *earshot.Error.
func Decode(b []byte) (*Table, error) {
	if len(b) < headerSize || len(b) > MaxBytes || string(b[:len(magic)]) != magic {
		return nil, invalid("%d bytes that do not begin with %s: make one with cmd/hrtf", len(b), magic)
	}
	if sha256.Sum256(b[headerSize:]) != [sha256.Size]byte(b[sumAt:headerSize]) {
		return nil, invalid("the checksum is wrong: the file is damaged, make it again with cmd/hrtf")
	}
	taps := int(binary.LittleEndian.Uint16(b[8:]))
	rings := make([]Ring, min(int(binary.LittleEndian.Uint16(b[10:])), maxRings+1))
	scale := math.Float32frombits(binary.LittleEndian.Uint32(b[12:]))
	if taps < MinTaps || taps > MaxTaps || len(rings) > maxRings || !(scale > 0 && scale <= 1) {
		return nil, invalid("%d taps, %d rings, scale %g", taps, len(rings), scale)
	}
	b = b[headerSize:]
	if len(b) < 4*len(rings) {
		return nil, invalid("it ends within the list of rings")
	}
	counts, b := b[:4*len(rings)], b[4*len(rings):]
	total := 0
	for i := range rings {
		rings[i].Elevation = float64(int16At(counts[4*i:])) * angleUnit
		n := int(binary.LittleEndian.Uint16(counts[4*i+2:]))
		if total += n; n > maxRing || total*(2+4*taps) > len(b) {
			return nil, invalid("ring %d has %d directions, more than allowed or than follow", i, n)
		}
		rings[i].Directions = make([]Measured, n)
	}
	if total*(2+4*taps) != len(b) {
		return nil, invalid("%d bytes of directions, want %d", len(b), total*(2+4*taps))
	}
	for i := range rings {
		for j := range rings[i].Directions {
			b = rings[i].Directions[j].decode(b, taps, scale)
		}
	}
	return New(taps, rings)
}

func (m *Measured) decode(b []byte, taps int, scale float32) []byte {
	m.Delay = float32(int16At(b)) * delayUnit
	b = b[2:]
	for ear := range m.Taps {
		m.Taps[ear] = make([]float32, taps)
		for k := range m.Taps[ear] {
			m.Taps[ear][k] = float32(int16At(b)) * scale
			b = b[2:]
		}
	}
	return b
}

func int16At(b []byte) int16 { return int16(binary.LittleEndian.Uint16(b)) }
