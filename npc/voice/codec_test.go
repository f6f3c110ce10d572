package voice

import (
	"encoding/binary"
	"errors"
	"math"
)

// pcmCodecs stand in for Opus: a packet is 8 kHz samples of 8 bits, so that
// what comes out resembles what went in. Package gateway tests with the real
// one; npc/voice may not know it.
var pcmCodecs = Codecs{
	Encoder: func() (Encoder, error) { return &pcmCodec{}, nil },
	Decoder: func(rate int) (Decoder, error) { return &pcmCodec{rate: rate}, nil },
}

type pcmCodec struct {
	rate   int
	last   []float32
	closed bool
}

var errPacket = errors.New("not a packet")

// Encode writes every sixth sample.
func (c *pcmCodec) Encode(dst []byte, pcm []float32) ([]byte, error) {
	if c.closed || len(pcm) != FrameSamples {
		return nil, errPacket
	}
	dst = append(dst, 'p')
	for i := 0; i < len(pcm); i += 6 {
		dst = binary.LittleEndian.AppendUint16(dst, uint16(int16(max(-1, min(1, pcm[i]))*32767)))
	}
	return dst, nil
}

// Decode holds each sample.
func (c *pcmCodec) Decode(packet []byte, pcm []float32) (int, error) {
	if len(packet) < 3 || packet[0] != 'p' {
		return 0, errPacket
	}
	hold := c.rate / 8000
	c.last = c.last[:0]
	for b := packet[1:]; len(b) >= 2; b = b[2:] {
		for range hold {
			c.last = append(c.last, float32(int16(binary.LittleEndian.Uint16(b)))/32767)
		}
	}
	return copy(pcm, c.last), nil
}

// Conceal repeats, halved, and marks it by a sign that no speech has.
func (c *pcmCodec) Conceal(pcm []float32) (int, error) {
	for i := range pcm {
		pcm[i] = concealed
	}
	return len(pcm), nil
}

func (c *pcmCodec) Recover(_ []byte, pcm []float32) (int, error) {
	for i := range pcm {
		pcm[i] = recovered
	}
	return len(pcm), nil
}

func (c *pcmCodec) Close() { c.closed = true }

// What concealed and recovered samples are, exactly representable.
const (
	concealed = 0.25
	recovered = 0.125
)

// tone returns samples of a sine with an amplitude.
func tone(rate, n int, hz, amplitude float64) []float32 {
	pcm := make([]float32, n)
	for i := range pcm {
		pcm[i] = float32(amplitude * math.Sin(2*math.Pi*hz*float64(i)/float64(rate)))
	}
	return pcm
}
