package voice

import "time"

// Sizes of what is spoken: mono at 48 kHz in frames of 20 ms.
const (
	Rate         = 48000
	FrameSamples = 960
	FrameTime    = 20 * time.Millisecond
)

// Frame is 20 ms of voice as an Opus packet, and its level as RFC 6464 has it:
// dBov, -127 to 0.
type Frame struct {
	Opus  []byte
	Level int8
}

// Packet is one Opus packet of a talker, as it came. Timestamps count samples
// at 48 kHz.
type Packet struct {
	Seq       uint16
	Timestamp uint32
	Opus      []byte
}

// Encoder makes Opus packets of frames of FrameSamples, from -1 to 1.
type Encoder interface {
	// Encode appends a packet to dst and returns it.
	Encode(dst []byte, pcm []float32) ([]byte, error)
	Close()
}

// Decoder turns Opus packets into samples from -1 to 1 and returns how many.
type Decoder interface {
	Decode(packet []byte, pcm []float32) (int, error)
	// Conceal fills pcm with what a lost packet may have sounded like.
	Conceal(pcm []float32) (int, error)
	// Recover fills pcm with the frame lost before a packet, as far as that
	// packet tells.
	Recover(following []byte, pcm []float32) (int, error)
	Close()
}

// Codecs makes encoders and decoders of one channel.
type Codecs struct {
	Encoder func() (Encoder, error)         // of 48 kHz
	Decoder func(rate int) (Decoder, error) // to 16000 samples a second
}
