// Package reverb makes the reverberation of a room: what a talker says goes in,
// what the room sends back to two ears comes out.
//
// It owns the presets that zones name, the same as gateway/web/reverb.js has
// (a test reads that file), and a network of eight delays that sounds like them:
// as loud against the dry voice, as long, as dark, beginning as late. The web
// client convolves with noise instead, which costs a server far more. It does
// not own who is in which room, nor what is heard of a room (spatialaudio/zone,
// gateway), nor mixing (spatialaudio/binaural).
//
// gateway/desk is its caller: one Reverb for each talker and each kind of room in
// which somebody hears them, whoever listens. So the sound of a room can obey
// blocks: a listener hears the reverberation of those they hear, and of nobody
// else. Reset belongs to every order after which a talker may not be heard.
//
// Nothing allocates after New. Rooms is immutable and shared; a Reverb belongs
// to one goroutine at a time.
package reverb

// Rate and Block are those of all sound here: 48 kHz, 20 ms.
const (
	Rate  = 48000
	Block = 960
)
