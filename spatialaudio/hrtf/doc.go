// Package hrtf holds head-related transfer functions: for every direction what
// the two ears make of a sound from there, as two minimum-phase filters and the
// delay between the ears.
//
// It owns the format of a table, the table that is embedded, and interpolation
// between its directions. It does not own how a table is made (cmd/hrtf) nor
// rendering (spatialaudio/binaural, its caller). A Table is immutable and safe
// for concurrent use.
//
// # Axes
//
// As in SOFA (AES69): azimuth 0 is ahead, 90 degrees left; elevation 90 is
// above. Angles here are in radians.
//
// # The embedded table
//
// kemar.hrtf is made by cmd/hrtf from measurements of a KEMAR dummy head by
// Bill Gardner and Keith Martin, MIT Media Lab, 1994, which are free to use if
// they are cited; see KEMAR.md for the licence, the source's checksum and the
// command.
package hrtf
