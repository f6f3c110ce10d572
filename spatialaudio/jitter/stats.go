package jitter

// Stats counts since the Buffer was made. Frames are packets of Opus, usually of
// 20 ms.
type Stats struct {
	Received   uint64 // packets pushed
	Malformed  uint64 // of these, no Opus or no RED
	Duplicate  uint64
	Late       uint64 // frames that came after their turn
	Overflowed uint64 // frames that had to make room for later ones
	Restarts   uint64 // of the stream: another SSRC, numbers out of all order, a long break

	Decoded   uint64 // frames
	Redundant uint64 // of these, from a later packet's copy
	Recovered uint64 // frames from the following packet's FEC
	Concealed uint64 // samples made up
	Broken    uint64 // frames that the decoder refused
	Removed   uint64 // samples left out to play earlier
	Inserted  uint64 // samples repeated to play later
	Paused    uint64 // times that the sound ended
	Skipped   uint64 // frames whose ticks were left out
}
