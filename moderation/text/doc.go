// Package text is tier 0 of moderation: it scores a line of text in
// microseconds, so that every message can pass it before it is delivered.
//
// It owns the undoing of disguises (Normalise), the lists of terms per
// language, a compact linear model with its features, and masking. It does not
// own what happens with a score: moderation/policy decides, and what lies in
// the uncertain band is asked of a language model (tier 1) by package
// moderation, which calls this package together with cmd/trainmoderation.
//
// It is pure. A Model never changes after Load and may be shared by any number
// of goroutines; a Scratch belongs to one goroutine at a time. In the steady
// state Score allocates nothing, and its work is bounded by MaxBytes for any
// input.
//
// What a linear model cannot do is said in MODEL.md beside this file.
package text
