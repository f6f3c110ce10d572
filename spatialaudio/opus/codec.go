package opus

// codec is an implementation of Opus. There are two: gopus, in every build, and
// libopus, in those made with the tag of that name. native returns the one that
// a build uses; with the tag, tests hold both to the same vectors.
type codec interface {
	name() string
	newEncoder(EncoderConfig) (encoding, error)
	newDecoder(DecoderConfig) (decoding, error)
}

// encoding makes packets of frames of FrameSamples. It does not allocate.
type encoding interface {
	encode(pcm []float32, packet []byte) (bytes int, err error)
	encodeInt16(pcm []int16, packet []byte) (bytes int, err error)
	lookahead() int // samples a channel by which the decoded sound is later
}

// decoding turns packets into samples, and counts them by the channel.
type decoding interface {
	decode(packet []byte, pcm []float32) (samples int, err error)
	// recover fills pcm with the frame before the packet, conceal with what may
	// have followed the last one.
	recover(packet []byte, pcm []float32) (samples int, err error)
	conceal(pcm []float32) (samples int, err error)
	// reset forgets everything that was decoded.
	reset()
}

// Implementation names what this build encodes and decodes with.
func Implementation() string { return native().name() }
