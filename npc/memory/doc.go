// Package memory owns what an NPC remembers of a player: the last turns, notes
// with an importance, a summary of older turns, and goals met. It decides what
// is worth a note, which notes belong to what is being said (recency,
// importance and relevance, after Park et al., Generative Agents, UIST 2023),
// and what goes when there is too much.
//
// It keeps nothing itself: a Record goes through Remember and Recall as a value
// and to npc/store as JSON; npc.Memories does both. Everything is a pure
// function of its arguments, now included. A Record belongs to one goroutine
// at a time.
//
// Records come back from files and servers, so Decode is strict and bounded.
// What players say is data: a note repeats their words, on one line, and
// persona.Prompt puts it below the heading of what is remembered.
package memory
