// Package persona owns what a world designer says about a character: the
// persona, its file format (YAML), Character Card V2 and V3 (JSON, PNG,
// .charx), the lorebook, and the prompt made from all that.
//
// It does not talk to models, keep memories or move anybody: npc calls it with
// what was heard and remembered and gets chat messages back. Everything here
// is a pure function of its arguments. Values that were made (Character, Book,
// Card) are never changed afterwards and may be used from several goroutines.
//
// Cards are untrusted: every decoder has a size limit (limits.go), nothing is
// unpacked to a path, regular expressions are RE2 with a bounded size, and
// unknown fields are carried but never interpreted.
package persona
