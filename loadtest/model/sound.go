package model

import _ "embed"

// soundFile holds Opus, in frames of 20 ms; README.md says of what. After a
// header of 4 bytes (the letters ESS1) come the recordings, each as the number
// of its frames, 16 bits, and each frame as its length, 16 bits, and bytes.
//
//go:embed sound.bin
var soundFile string

const soundMagic = "ESS1"

// Recordings in soundFile: voices, then music.
const voices = 2

// Sound is a recording in Opus that repeats without end. Safe for concurrent
// use: make one and share it.
type Sound struct{ frames []string }

// Voices returns recordings of speech, each of another voice: mono, 32 kbit/s
// on average, no pauses to speak of: a Talking says when.
func Voices() []*Sound { return recordings()[:voices] }

// Music returns a recording of music: stereo, 96 kbit/s.
func Music() *Sound { return recordings()[voices] }

func recordings() (all []*Sound) {
	for rest := soundFile[len(soundMagic):]; rest != ""; {
		s := &Sound{frames: make([]string, word(rest))}
		rest = rest[2:]
		for i := range s.frames {
			size := word(rest)
			s.frames[i], rest = rest[2:2+size], rest[2+size:]
		}
		all = append(all, s)
	}
	return all
}

// Len returns how many frames of FrameDuration there are before it repeats.
func (s *Sound) Len() int { return len(s.frames) }

// Size returns the bytes of frame i, from 0. Whoever sends frames of another
// content can make them as large as real ones.
func (s *Sound) Size(i int) int { return len(s.frames[i%len(s.frames)]) }

// AppendFrame appends frame i, from 0: one whole Opus packet (RFC 6716).
func (s *Sound) AppendFrame(dst []byte, i int) []byte {
	return append(dst, s.frames[i%len(s.frames)]...)
}
