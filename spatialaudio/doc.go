// Package spatialaudio decides how loud a talker is at a listener: distance
// models, cones and audibility, computed exactly as the client's Web Audio
// panner will apply them.
//
// It owns curves and formulae, never packets or positions over time: gateway
// hands it poses and levels and gets gains back. Everything here is pure and
// safe for concurrent use.
package spatialaudio
