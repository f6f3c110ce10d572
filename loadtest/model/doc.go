// Package model is how people in a load test behave: where they go, when they
// talk and how loud, how their heads and hands move, and the sound and
// pictures they send.
//
// It owns movement (Mover: Walker and its kin), talk (Talking: Talker,
// Conversation and their kin), the recorded motion laid over a movement
// (Motion) and the pre-encoded media (Sound, Film). It opens no connection,
// packs nothing into RTP and does not know who hears whom; loadtest's bots
// ask it frame by frame, and loadtest/truth asks it the same questions to
// know what should have been heard.
//
// Everything is pure: a seed and the time come in, and the same seed and
// times give the same behaviour. Values of one bot are not safe for
// concurrent use, except where a type says so.
package model
