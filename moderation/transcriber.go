package moderation

import "context"

// Packet is one Opus packet of a speaker: RTP sequence number and timestamp at
// 48 kHz.
type Packet struct {
	Seq       uint16
	Timestamp uint32
	Opus      []byte
}

// Transcriber turns packets, in the order they came, into words; "" is
// silence. It returns soon after ctx has ended. gateway implements it.
type Transcriber interface {
	Transcribe(ctx context.Context, world, language string, clip []Packet) (string, error)
}
