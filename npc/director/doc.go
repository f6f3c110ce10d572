// Package director owns the judgement of one character: who is speaking and
// when they have finished, whether it is the character who is spoken to, whose
// turn it is, when to greet, when to fall silent, what to say without a model,
// where to stand and whom to look at; and how a model's text becomes
// sentences, gestures and a proposed action.
//
// It hears, thinks and speaks nothing itself: package npc, its only caller,
// tells it what happened and when, and carries out the commands it gets back.
// Everything here is a pure core: time comes in as an argument, equal inputs
// give equal decisions.
//
// A Director, a Mover and a Splitter are each for one goroutine.
package director
