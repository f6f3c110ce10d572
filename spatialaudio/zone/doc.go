// Package zone decides what the rooms of a world do to a voice: who may speak
// where, which walls a voice passes, how much it loses on the way, and where it
// is amplified.
//
// A Zone is a shape of a world file: a room, a stage, a private table, a
// megaphone, a quiet place. New checks a list of them and makes a Set. For each
// person Set.Locate works out once a tick where they are; Set.Hear then says of
// two of them what the zones make of one's voice at the other, and Set.Reaches,
// from bit masks alone, whether it may get there at all.
//
// # Rules
//
// How deep somebody is in a zone is a weight: 0 outside and on its border, 1
// from Fade metres inside on, a straight line between. From it follow, of every
// zone on its own, so that zones may be nested and overlap as they like:
//
//   - Gain counts by the talker's weight. Gains add, to MaxGain at the most.
//   - Isolation, in dB, counts by how much the two weights differ. The
//     isolations of all walls between two people add.
//   - Occlusion, in dB a wall, counts where the straight way from one to the
//     other passes through the zone: twice, by the greatest weight on the way
//     less the greater of the two ends'. It never shuts anybody out.
//   - Sealed: no voice crosses the border, whatever the weights. Its fade is
//     that of SealedIsolation, so that a voice is gone before it is shut out.
//   - Megaphone: who stands in it is heard by everybody in one other zone, or
//     in the world, at Gain times the weights of both, or as without it where
//     that is louder. It goes through walls, sealed ones too.
//
// Only one can hold of reverberation and of who may speak: that of the
// innermost zone which says something about it. Of two zones the inner one has
// the smaller floor, and where floors are equal it is the later in the list.
//
// All of it is continuous in both positions but for two things, which are
// walls: the border of a sealed zone, and any border whose Fade is 0. Without
// megaphones it is symmetric but for Gain.
//
// The package owns arithmetic, never people or packets: gateway enforces what
// it says. gateway/web/zones.js computes the same, held to it by
// testdata/zones.json. A Set never changes and is safe for concurrent use.
package zone
