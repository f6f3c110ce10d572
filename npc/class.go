package npc

import "earshot/npc/router"

// Class is what a request is for: see router.Class.
type Class = router.Class

// The classes of requests.
const (
	Dialogue   = router.Dialogue
	Moderation = router.Moderation
)

// Degradation is how far an answer is from what was asked for: see
// router.Degradation.
type Degradation = router.Degradation

// NotDegraded is an answer by what was asked for.
const NotDegraded = router.NotDegraded
