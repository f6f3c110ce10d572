package jitter

// Room for samples.
const (
	// FrameSamples is a tick's worth of samples, 20 ms.
	FrameSamples = 960

	maxDuration = 5760              // samples of the longest packet: 120 ms
	kept        = longestLag + 2*48 // samples before the playhead, to repeat
	soundSize   = kept + FrameSamples + longestLag + overlap + 2*maxDuration
)

// sound holds the samples between the decoder and the tick, and the last ones
// that were played.
type sound struct {
	buf  []float32 // soundSize of them once somebody listens
	r, w int       // buf[r:w] are to be played
}

func (s *sound) pending() int { return s.w - s.r }

// clear forgets all samples.
func (s *sound) clear() {
	clear(s.buf)
	s.r, s.w = kept, kept
}

// room returns where at least maxDuration samples go; advance then says how many
// went there.
func (s *sound) room() []float32 {
	if s.w+maxDuration > len(s.buf) {
		from := max(s.r-kept, 0)
		copy(s.buf, s.buf[from:s.w])
		s.r, s.w = s.r-from, s.w-from
	}
	return s.buf[s.w : s.w+maxDuration]
}

func (s *sound) advance(n int) { s.w += n }

// level ends the sound within fadeLen samples on a ramp from the last sample that
// was played, and forgets all others.
func (s *sound) level() {
	last := s.buf[s.r-1]
	s.clear()
	ramp := s.buf[s.w : s.w+fadeLen]
	for i := range ramp {
		ramp[i] = last
	}
	fade(ramp, 1, 0)
	s.w += fadeLen
}

// read moves up to len(out) samples to out and returns how many.
func (s *sound) read(out []float32) int {
	n := copy(out, s.buf[s.r:s.w])
	s.r += n
	return n
}

// fade multiplies pcm by a gain that goes from one value to another in a straight
// line.
func fade(pcm []float32, from, to float32) {
	step := (to - from) / float32(len(pcm))
	for i := range pcm {
		pcm[i] *= from + float32(i+1)*step
	}
}
